import type { PainterAnswer, PainterMessage } from "./painter";
import { SvgPen } from "./pen";
import { paintSheet, type Sheet } from "./sheet";
import { type Canvas, drawStage, makeStage, type Stage } from "./stage";

// A longer turn would keep the next view waiting: the rest is drawn in the next frame.
const TURN_MS = 12;
const IS_WORKER = typeof document === "undefined";

const stages = new Map<number, Stage>();
const dirty = new Map<number, number>();
let isScheduled = false;
let tell: (answer: PainterAnswer) => void = () => undefined;

const nextFrame: (act: () => void) => void =
  typeof requestAnimationFrame === "function" ? requestAnimationFrame : (act) => setTimeout(act, 0);

function makeCanvas(width: number, height: number): Canvas {
  return IS_WORKER
    ? new OffscreenCanvas(width, height)
    : Object.assign(document.createElement("canvas"), { width, height });
}

function schedule(id: number, serial: number): void {
  dirty.set(id, serial);
  if (isScheduled) return;
  isScheduled = true;
  nextFrame(drawDirty);
}

function drawDirty(): void {
  isScheduled = false;
  const began = performance.now();
  for (const [id, serial] of dirty) {
    if (performance.now() - began > TURN_MS) {
      isScheduled = true;
      nextFrame(drawDirty);
      return;
    }
    dirty.delete(id);
    const stage = stages.get(id);
    if (!stage) continue;
    if (drewStage(stage)) tell({ drawn: id, serial });
  }
}

/** Return whether a stage was drawn; one that cannot be costs itself alone. */
function drewStage(stage: Stage): boolean {
  try {
    drawStage(stage, makeCanvas);
    return true;
  } catch (error) {
    // Firefox gives no context for a canvas that has left the page before it was drawn on.
    if (!(error instanceof DOMException && error.name === "InvalidStateError")) reportError(error);
    return false;
  }
}

async function pngOf(sheet: Sheet, scale: number): Promise<Blob | null> {
  const canvas = makeCanvas(sheet.view.width * scale, sheet.view.height * scale);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D | null;
  if (!context) throw new Error("the browser gives no canvas");
  context.scale(scale, scale);
  paintSheet(context, sheet);
  if ("convertToBlob" in canvas) return canvas.convertToBlob({ type: "image/png" });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function svgOf(sheet: Sheet): Blob {
  const pen = new SvgPen();
  paintSheet(pen, sheet);
  return new Blob([pen.finish(sheet.view.width, sheet.view.height, sheet.title)], { type: "image/svg+xml" });
}

async function exportSheet({ kind, sheet, scale, answer }: Extract<PainterMessage, { sheet: Sheet }>): Promise<void> {
  try {
    const blob = kind === "svg" ? svgOf(sheet) : await pngOf(sheet, scale);
    tell(blob ? { answer, blob } : { answer, failure: "the picture could not be drawn" });
  } catch (error) {
    tell({ answer, failure: String(error) });
  }
}

/** Do as the page says; `reply` is told what was drawn. */
function hear(data: PainterMessage, reply: (answer: PainterAnswer) => void): void {
  tell = reply;
  if (data.kind === "attach") {
    stages.set(data.id, makeStage(data.canvas));
    return;
  }
  if ("sheet" in data) {
    void exportSheet(data);
    return;
  }
  const stage = stages.get(data.id);
  if (!stage) return;
  if (data.kind === "detach") {
    stages.delete(data.id);
    dirty.delete(data.id);
    return;
  }
  if (data.scene) stage.scene = data.scene;
  if (data.view) stage.view = data.view;
  if (data.scene || data.view) stage.isBaseStale = true;
  stage.pixelRatio = data.pixelRatio;
  stage.look = data.look;
  schedule(data.id, data.serial);
}

// The build leaves a worker's module no exports: a page that imports it finds this instead.
if (!IS_WORKER) window.hearPainter = hear;
else self.onmessage = ({ data }: MessageEvent<PainterMessage>) => hear(data, (answer) => self.postMessage(answer));
