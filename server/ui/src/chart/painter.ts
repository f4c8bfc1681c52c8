import { buffersOf, type Scene } from "./scene";
import { paintSheet, type Sheet } from "./sheet";
import { drawStage, type Look, makeStage } from "./stage";
import type { View } from "./view";

/** What a chart shows now; scene and view only where they differ from what was shown before. */
export type Shown = { serial: number; scene?: Scene; view?: View; look: Look; pixelRatio: number };
/** What the worker is told. */
export type PainterMessage =
  | { kind: "attach"; id: number; canvas: OffscreenCanvas }
  | ({ kind: "show"; id: number } & Shown)
  | { kind: "detach"; id: number }
  | { kind: "png"; answer: number; sheet: Sheet; scale: number };
type PainterAnswer = { drawn: number; serial: number } | { answer: number; blob?: Blob; failure?: string };

/** What draws on one canvas. */
export type Painter = {
  show: (shown: Shown) => void;
  remove: () => void;
};

let worker: Worker | null | undefined;
let nextId = 0;
const drawnBy = new Map<number, (serial: number) => void>();
const answers = new Map<number, (answer: { blob?: Blob; failure?: string }) => void>();

function canDrawElsewhere(): boolean {
  return (
    typeof Worker !== "undefined" &&
    typeof OffscreenCanvas !== "undefined" &&
    "transferControlToOffscreen" in HTMLCanvasElement.prototype
  );
}

function theWorker(): Worker | null {
  if (worker !== undefined) return worker;
  worker = canDrawElsewhere()
    ? new Worker(new URL("./painter.worker.ts", import.meta.url), { type: "module", name: "runfork charts" })
    : null;
  if (worker)
    worker.onmessage = ({ data }: MessageEvent<PainterAnswer>) => {
      if ("drawn" in data) drawnBy.get(data.drawn)?.(data.serial);
      else answers.get(data.answer)?.(data);
    };
  return worker;
}

/**
 * Draw on a canvas from now on: in the worker that all charts share, or here where the browser has no canvas for workers.
 *
 * @param drawn called after each drawing, with the serial number of what was shown last
 */
export function paintOn(canvas: HTMLCanvasElement, drawn: (serial: number) => void): Painter {
  const found = theWorker();
  return found ? paintElsewhere(found, canvas, drawn) : paintHere(canvas, drawn);
}

function paintElsewhere(found: Worker, canvas: HTMLCanvasElement, drawn: (serial: number) => void): Painter {
  const id = nextId++;
  const post = (message: PainterMessage, transfer: Transferable[] = []) => found.postMessage(message, transfer);
  const offscreen = canvas.transferControlToOffscreen();
  post({ kind: "attach", id, canvas: offscreen }, [offscreen]);
  drawnBy.set(id, drawn);
  return {
    show: (shown) => post({ kind: "show", id, ...shown }, shown.scene ? buffersOf(shown.scene) : []),
    remove: () => {
      drawnBy.delete(id);
      post({ kind: "detach", id });
    },
  };
}

function paintHere(canvas: HTMLCanvasElement, drawn: (serial: number) => void): Painter {
  const stage = makeStage(canvas);
  let frame = 0;
  let latest = 0;
  const draw = () => {
    frame = 0;
    drawStage(stage, makeCanvas);
    drawn(latest);
  };
  return {
    show: ({ serial, scene, view, look, pixelRatio }) => {
      latest = serial;
      if (scene) stage.scene = scene;
      if (view) stage.view = view;
      if (scene || view) stage.isBaseStale = true;
      stage.look = look;
      stage.pixelRatio = pixelRatio;
      frame ||= requestAnimationFrame(draw);
    },
    remove: () => cancelAnimationFrame(frame),
  };
}

function makeCanvas(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** Draw a whole chart as a PNG, `scale` pixels for each CSS pixel. */
export async function paintPng(sheet: Sheet, scale: number): Promise<Blob> {
  const found = theWorker();
  if (!found) return paintPngHere(sheet, scale);
  const answer = nextId++;
  const { blob, failure } = await new Promise<{ blob?: Blob; failure?: string }>((resolve) => {
    answers.set(answer, resolve);
    const message: PainterMessage = { kind: "png", answer, sheet, scale };
    found.postMessage(message);
  });
  answers.delete(answer);
  if (!blob) throw new Error(failure ?? "the picture could not be drawn");
  return blob;
}

async function paintPngHere(sheet: Sheet, scale: number): Promise<Blob> {
  const canvas = makeCanvas(sheet.view.width * scale, sheet.view.height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser gives no canvas");
  context.scale(scale, scale);
  paintSheet(context, sheet);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the picture could not be drawn");
  return blob;
}
