import { followPointer } from "../controls/following";
import type { TableProps } from "./props";

const BEGINS_AFTER = 5;

/** Let columns of attributes change places: by dragging their heads, or by Shift and an arrow key on them. */
export function listenToReordering(head: HTMLElement, now: () => TableProps): () => void {
  const keyOf = (target: EventTarget | null): string | null => {
    if (!(target instanceof Element) || target.closest(".resizer")) return null;
    const key = target.closest<HTMLElement>("[data-column]")?.dataset.column;
    return key !== undefined && places(now()).includes(key) ? key : null;
  };
  const press = (event: PointerEvent) => {
    const key = keyOf(event.target);
    if (key === null || event.button !== 0 || !now().acts.move) return;
    const from = event.clientX;
    let target: { before: string | null } | null = null;
    const move = (moved: PointerEvent) => {
      if (!target && Math.abs(moved.clientX - from) < BEGINS_AFTER) return;
      target = { before: dropPlace(head, now(), moved.clientX) };
      showDrop(head, target.before, places(now()).at(-1) ?? null);
    };
    const end = () => {
      showDrop(head, null, null);
      if (!target) return;
      swallowClick();
      now().acts.move?.(key, target.before);
    };
    followPointer(move, end);
  };
  const type = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const key = keyOf(event.target);
    if (by === 0 || !event.shiftKey || key === null) return;
    event.preventDefault();
    const before = neighbour(places(now()), key, by);
    if (before !== undefined) now().acts.move?.(key, before);
  };
  head.addEventListener("pointerdown", press);
  head.addEventListener("keydown", type);
  return () => {
    head.removeEventListener("pointerdown", press);
    head.removeEventListener("keydown", type);
  };
}

/** Return the keys of columns that can change places, in their order. */
function places(props: TableProps): string[] {
  return props.columns.flatMap((column) => (column.kind === "value" ? [column.key] : []));
}

/** Return before which column one has to be put to move by a place; null is the end, undefined means that it cannot. */
export function neighbour(keys: readonly string[], key: string, by: 1 | -1): string | null | undefined {
  const at = keys.indexOf(key);
  if (by < 0) return keys[at - 1];
  return at >= 0 && at < keys.length - 1 ? (keys[at + 2] ?? null) : undefined;
}

function cellOf(head: HTMLElement, key: string): HTMLElement | undefined {
  return [...head.querySelectorAll<HTMLElement>("[data-column]")].find((cell) => cell.dataset.column === key);
}

function dropPlace(head: HTMLElement, props: TableProps, x: number): string | null {
  for (const key of places(props)) {
    const at = cellOf(head, key)?.getBoundingClientRect();
    if (at && x < at.left + at.width / 2) return key;
  }
  return null;
}

/** Show where the column would stand. */
function showDrop(head: HTMLElement, before: string | null, last: string | null): void {
  for (const cell of head.querySelectorAll(".drop-before, .drop-after"))
    cell.classList.remove("drop-before", "drop-after");
  if (before !== null) cellOf(head, before)?.classList.add("drop-before");
  else if (last !== null) cellOf(head, last)?.classList.add("drop-after");
}

/** A drag ends with a click, which is not meant. */
function swallowClick(): void {
  const swallow = (event: Event) => {
    event.stopPropagation();
    event.preventDefault();
  };
  window.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 0);
}
