import { expect, test, vi } from "vitest";
import type { PainterMessage } from "./painter";

test("a canvas that has left the page does not keep the others from being drawn", async () => {
  const told: unknown[] = [];
  let frame: () => void = () => undefined;
  vi.stubGlobal("requestAnimationFrame", (act: () => void) => {
    frame = act;
    return 1;
  });
  await import("./painter.worker");
  const receive = (data: unknown) => window.hearPainter?.(data as PainterMessage, (answer) => told.push(answer));
  const gone = {
    getContext: () => {
      throw new DOMException("Cannot update created context to different thread", "InvalidStateError");
    },
  };
  const view = { width: 10, height: 10 };
  const look = { hovered: null, names: [] };

  for (const [id, canvas] of [gone, { getContext: () => null }].entries()) {
    receive({ kind: "attach", id, canvas });
    receive({ kind: "show", id, serial: 7, scene: { lines: [] }, view, look, pixelRatio: 1 });
  }
  frame();

  expect(told).toEqual([{ drawn: 1, serial: 7 }]);
  vi.unstubAllGlobals();
});
