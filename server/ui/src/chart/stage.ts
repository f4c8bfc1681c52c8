import { type PlacedName, paintNames } from "./names";
import { paintLines } from "./paint";
import type { Scene } from "./scene";
import type { View } from "./view";

/** What changes without the lines: who is hovered, and the names. */
export type Look = { hovered: string | null; names: PlacedName[] };
/** What a chart is drawn on. */
export type Canvas = HTMLCanvasElement | OffscreenCanvas;
type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** One chart's canvas, and what is on it. */
export type Stage = {
  canvas: Canvas;
  scene: Scene | null;
  view: View | null;
  pixelRatio: number;
  look: Look;
  /** All lines as they are while none is hovered: the picture behind the hovered one. */
  base: Canvas | null;
  isBaseStale: boolean;
};

/** Return a stage on which nothing is drawn yet. */
export function makeStage(canvas: Canvas): Stage {
  const look = { hovered: null, names: [] };
  return { canvas, scene: null, view: null, pixelRatio: 1, look, base: null, isBaseStale: true };
}

function contextOf(canvas: Canvas): Context | null {
  return canvas.getContext("2d") as Context | null;
}

function sized(canvas: Canvas, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/**
 * Draw a stage. While a run is hovered, all lines are one faded picture behind it, which is drawn once: so hovering costs one line,
 * however many there are.
 *
 * @param makeCanvas makes a canvas that nobody sees
 */
export function drawStage(stage: Stage, makeCanvas: (width: number, height: number) => Canvas): void {
  const { canvas, scene, view, look, pixelRatio } = stage;
  if (!scene || !view) return;
  const width = Math.max(1, Math.round(view.width * pixelRatio));
  const height = Math.max(1, Math.round(view.height * pixelRatio));
  sized(canvas, width, height);
  const context = contextOf(canvas);
  if (!context) return;
  clear(context, width, height, pixelRatio);
  const hovered = look.hovered === null ? undefined : scene.lines.find((line) => line.id === look.hovered);
  if (!hovered) {
    paintLines(context, scene, view, scene.lines, 1);
    stage.base = null;
  } else {
    if (!stage.base || stage.isBaseStale) stage.base = drawBase(stage, makeCanvas(width, height), scene, view);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = scene.palette.away;
    context.drawImage(stage.base, 0, 0);
    context.globalAlpha = 1;
    context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    paintLines(context, scene, view, [hovered], 1);
  }
  stage.isBaseStale = false;
  paintNames(context, look.names, scene.palette);
}

function drawBase(stage: Stage, base: Canvas, scene: Scene, view: View): Canvas {
  const context = contextOf(base);
  if (context) {
    clear(context, base.width, base.height, stage.pixelRatio);
    paintLines(context, scene, view, scene.lines, 1);
  }
  return base;
}

function clear(context: Context, width: number, height: number, pixelRatio: number): void {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.clearRect(0, 0, width, height);
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
}
