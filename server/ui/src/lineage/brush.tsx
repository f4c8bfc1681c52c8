import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { lineageWindow } from "../state/view";
import type { Geometry } from "./geometry";

const DRAG_PX = 5;

/** Dragging across lanes chooses a window of steps. */
export function useBrush(geometry: Geometry) {
  const range = useSignal<[number, number] | null>(null);
  const began = useRef<number | null>(null);
  const clamp = (x: number) => Math.max(geometry.x(geometry.domain[0]), Math.min(geometry.right, x));
  return {
    begin: (x: number, event: PointerEvent) => {
      began.current = x;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    /** Return whether it is a drag. */
    move: (x: number): boolean => {
      if (began.current === null || began.current < 0) return false; // among the names nothing is zoomed
      if (range.peek() === null && Math.abs(x - began.current) < DRAG_PX) return false;
      range.value = [clamp(Math.min(x, began.current)), clamp(Math.max(x, began.current))];
      return true;
    },
    /** Return whether it was a click. */
    end: (): boolean => {
      const found = range.peek();
      const wasHere = began.current !== null;
      began.current = null;
      range.value = null;
      if (found && found[1] - found[0] >= DRAG_PX)
        lineageWindow.value = [geometry.step(found[0]), geometry.step(found[1])];
      return found === null && wasHere;
    },
    isDragging: () => range.peek() !== null,
    Shade: () =>
      range.value && (
        <div
          class="lane-brush"
          style={{
            left: `${geometry.gutter + range.value[0]}px`,
            width: `${range.value[1] - range.value[0]}px`,
          }}
        />
      ),
  };
}
