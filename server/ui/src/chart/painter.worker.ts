import type { PainterMessage } from "./painter";
import { paintSheet } from "./sheet";
import { drawStage, makeStage, type Stage } from "./stage";

// A longer turn would keep the next view waiting: the rest is drawn in the next frame.
const TURN_MS = 12;

const stages = new Map<number, Stage>();
const dirty = new Map<number, number>();
let isScheduled = false;

const nextFrame: (act: () => void) => void =
  typeof requestAnimationFrame === "function" ? requestAnimationFrame : (act) => setTimeout(act, 0);

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
    drawStage(stage, (width, height) => new OffscreenCanvas(width, height));
    postMessage({ drawn: id, serial });
  }
}

async function exportPng(message: Extract<PainterMessage, { kind: "png" }>): Promise<void> {
  const { sheet, scale, answer } = message;
  try {
    const canvas = new OffscreenCanvas(sheet.view.width * scale, sheet.view.height * scale);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("the browser gives no canvas");
    context.scale(scale, scale);
    paintSheet(context, sheet);
    postMessage({ answer, blob: await canvas.convertToBlob({ type: "image/png" }) });
  } catch (error) {
    postMessage({ answer, failure: String(error) });
  }
}

self.onmessage = ({ data }: MessageEvent<PainterMessage>) => {
  if (data.kind === "attach") {
    stages.set(data.id, makeStage(data.canvas));
    return;
  }
  if (data.kind === "png") {
    void exportPng(data);
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
};
