import { effect, type Signal, signal } from "@preact/signals";

/** Make a setting that this browser remembers; where it may not store anything, it lasts as long as the page. */
export function remembered<T>(name: string, fallback: T): Signal<T> {
  const key = `runfork.${name}`;
  const value = signal<T>(read(key, fallback));
  let isFirst = true;
  effect(() => {
    const text = JSON.stringify(value.value);
    if (!isFirst) write(key, text);
    isFirst = false;
  });
  return value;
}

function read<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(key);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

function write(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // private windows and full stores: the setting lasts as long as the page
  }
}
