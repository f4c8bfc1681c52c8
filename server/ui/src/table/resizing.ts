import { followPointer } from "../controls/following";
import type { TableProps } from "./props";

const LEAST_WIDTH = 40;
const KEY_STEP = 12;

/** Let columns be made wider and narrower by the handles in their heads: by pointer, by arrow keys; a double click undoes it. */
export function listenToResizing(head: HTMLElement, now: () => TableProps): () => void {
  const columnOf = (event: Event): string | undefined => {
    const handle = event.target instanceof Element ? event.target.closest(".resizer") : null;
    return handle?.closest<HTMLElement>("[data-column]")?.dataset.column;
  };
  const widthOf = (key: string) => now().columns.find((column) => column.key === key)?.width ?? LEAST_WIDTH;
  const resize = (key: string, width: number) => now().acts.resize?.(key, Math.max(LEAST_WIDTH, Math.round(width)));
  const press = (event: PointerEvent) => {
    const key = columnOf(event);
    if (key === undefined || event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    const from = event.clientX - widthOf(key);
    followPointer((moved) => resize(key, moved.clientX - from));
  };
  const reset = (event: Event) => {
    const key = columnOf(event);
    if (key !== undefined) now().acts.resize?.(key, null);
  };
  const type = (event: KeyboardEvent) => {
    const key = columnOf(event);
    const by = event.key === "ArrowRight" ? KEY_STEP : event.key === "ArrowLeft" ? -KEY_STEP : 0;
    if (key === undefined || by === 0) return;
    event.preventDefault();
    resize(key, widthOf(key) + by);
  };
  head.addEventListener("pointerdown", press);
  head.addEventListener("dblclick", reset);
  head.addEventListener("keydown", type);
  return () => {
    head.removeEventListener("pointerdown", press);
    head.removeEventListener("dblclick", reset);
    head.removeEventListener("keydown", type);
  };
}
