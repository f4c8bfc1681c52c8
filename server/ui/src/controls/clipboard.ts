import { signal } from "@preact/signals";

/** What was just copied, to be told; null if nothing. */
export const copied = signal<string | null>(null);

let timer: ReturnType<typeof setTimeout> | undefined;

/** Copy a text, and tell what it is. Where the page may not write to the clipboard, the text is selected to be copied by hand. */
export async function copy(text: string, what: string): Promise<void> {
  const isDone = (await writeByApi(text)) || writeBySelection(text);
  tell(isDone ? `${what} copied` : `${what} could not be copied: the browser refused`);
}

/** Tell something for a moment. */
export function tell(text: string): void {
  copied.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    copied.value = null;
  }, 2500);
}

async function writeByApi(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // pages over plain HTTP from another host have no clipboard
  }
}

function writeBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  return isDone;
}
