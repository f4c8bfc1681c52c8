import { signal } from "@preact/signals";

/** What a key does, for the page and for the help. */
export type Shortcut = { keys: string; does: string; act: (event: KeyboardEvent) => void };

// The last that took a key has it; when that goes, the one before has it again.
const taken: Shortcut[] = [];
/** All shortcuts that work now, in the order in which they came. */
export const known = signal<Shortcut[]>([]);
/** Whether the list of shortcuts is shown. */
export const isHelpShown = signal(false);

/**
 * Make keys do something, until what is returned is called. Keys are written as `KeyboardEvent.key` has them: "/", "?", "Z".
 * They do nothing while something is typed.
 */
export function shortcut(keys: string, does: string, act: (event: KeyboardEvent) => void): () => void {
  const one = { keys, does, act };
  taken.push(one);
  tell();
  return () => {
    const at = taken.indexOf(one);
    if (at >= 0) taken.splice(at, 1);
    tell();
  };
}

function tell(): void {
  known.value = taken.filter((one) => holderOf(one.keys) === one);
}

function holderOf(keys: string): Shortcut | undefined {
  return taken.findLast((one) => one.keys === keys);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const isField = target instanceof HTMLInputElement && !["checkbox", "radio", "range", "button"].includes(target.type);
  return (
    isField || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
  );
}

/** Return whether a key does what a focused control does with it. */
function isForControl(event: KeyboardEvent): boolean {
  if (event.key !== " " && event.key !== "Enter") return false;
  return (
    event.target instanceof Element && event.target.closest("button, a[href], summary, input, [role=option]") !== null
  );
}

/** Listen to the keyboard, from now on. */
export function keepKeys(): void {
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key !== "Escape" && isTyping(event.target)) return;
    if (isForControl(event)) return;
    if (event.key === "Escape" && isHelpShown.peek()) {
      isHelpShown.value = false; // it lies over everything that could be closed
      return;
    }
    const found = holderOf(event.key);
    if (!found) return;
    if (event.key !== "Escape") event.preventDefault();
    found.act(event);
  });
}
