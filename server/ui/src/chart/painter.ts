import painterUrl from "./painter.worker?worker&url";
import { buffersOf, type Scene } from "./scene";
import type { Sheet } from "./sheet";
import type { Canvas, Look } from "./stage";
import type { View } from "./view";

/** What a chart shows now; scene and view only where they differ from what was shown before. */
export type Shown = { serial: number; scene?: Scene; view?: View; look: Look; pixelRatio: number };
/** What the painter is told. */
export type PainterMessage =
  | { kind: "attach"; id: number; canvas: Canvas }
  | ({ kind: "show"; id: number } & Shown)
  | { kind: "detach"; id: number }
  | { kind: "png" | "svg"; answer: number; sheet: Sheet; scale: number };
/** What the painter tells. */
export type PainterAnswer = { drawn: number; serial: number } | { answer: number; blob?: Blob; failure?: string };

/** What draws on one canvas. */
export type Painter = {
  show: (shown: Shown) => void;
  remove: () => void;
};

declare global {
  interface Window {
    /** The painter, where the page itself imported it. */
    hearPainter?: (message: PainterMessage, reply: (answer: PainterAnswer) => void) => void;
  }
}

type Post = (message: PainterMessage, transfer: Transferable[]) => void;
let post: Post | undefined;
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

function take(answer: PainterAnswer): void {
  if ("drawn" in answer) drawnBy.get(answer.drawn)?.(answer.serial);
  else answers.get(answer.answer)?.(answer);
}

/** Return how the painter is told: a worker that all charts share, or the same module here where the browser has no canvas for workers. */
function thePainter(): Post {
  if (post) return post;
  if (canDrawElsewhere()) {
    const worker = new Worker(painterUrl, { type: "module", name: "runfork charts" });
    worker.onmessage = ({ data }: MessageEvent<PainterAnswer>) => take(data);
    post = (message, transfer) => worker.postMessage(message, transfer);
  } else {
    const here = import(/* @vite-ignore */ painterUrl);
    post = (message) => void here.then(() => window.hearPainter?.(message, take));
  }
  return post;
}

/**
 * Draw on a canvas from now on.
 *
 * @param drawn called after each drawing, with the serial number of what was shown last
 */
export function paintOn(canvas: HTMLCanvasElement, drawn: (serial: number) => void): Painter {
  const tell = thePainter();
  const id = nextId++;
  const handed = canDrawElsewhere() ? canvas.transferControlToOffscreen() : canvas;
  tell({ kind: "attach", id, canvas: handed }, handed instanceof HTMLCanvasElement ? [] : [handed]);
  drawnBy.set(id, drawn);
  return {
    show: (shown) => tell({ kind: "show", id, ...shown }, shown.scene ? buffersOf(shown.scene) : []),
    remove: () => {
      drawnBy.delete(id);
      tell({ kind: "detach", id }, []);
    },
  };
}

/** Draw a whole chart as a file; a PNG has `scale` pixels for each CSS pixel. */
export async function paintFile(kind: "png" | "svg", sheet: Sheet, scale: number): Promise<Blob> {
  const answer = nextId++;
  const { blob, failure } = await new Promise<{ blob?: Blob; failure?: string }>((resolve) => {
    answers.set(answer, resolve);
    thePainter()({ kind, answer, sheet, scale }, []);
  });
  answers.delete(answer);
  if (!blob) throw new Error(failure);
  return blob;
}
