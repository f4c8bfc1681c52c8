import { marks } from "../marks/shapes";
import {
  paintBest,
  paintDiamonds,
  paintEnds,
  paintFloor,
  paintNonFinite,
  paintPoints,
  paintWhiskers,
} from "./paintMarks";
import type { Pen } from "./pen";
import { MOST_WIDE_LINES, type Palette, type Scene, type SceneLine } from "./scene";
import { entriesIn, measured, type Projection, projectionOf, toPixelX, type View } from "./view";

/** What each part of the drawing knows. */
export type Paint = {
  pen: Pen;
  view: View;
  projection: Projection;
  palette: Palette;
  /** Opacity of everything. */
  alpha: number;
  isThin: boolean;
  isServerAway: boolean;
};

const CLIP_ROOM = 5;
const RAW_ALPHA = 0.2;

/**
 * Draw lines in the order that keeps them legible where many cross: all bands, what was pruned, raw curves behind smoothed ones,
 * inherited parts, own parts, whiskers, points, forks, points that are no numbers, and the ends.
 *
 * @param lines which of the scene's lines
 * @param alpha opacity of everything
 */
export function paintLines(pen: Pen, scene: Scene, view: View, lines: readonly SceneLine[], alpha: number): void {
  const isThin = lines.length > MOST_WIDE_LINES;
  const { palette, isServerAway } = scene;
  const paint: Paint = { pen, view, projection: projectionOf(view), palette, alpha, isThin, isServerAway };
  const { plot } = view;
  pen.save();
  pen.beginPath();
  pen.rect(plot.left - CLIP_ROOM, plot.top - CLIP_ROOM, plot.width + 2 * CLIP_ROOM, plot.height + 2 * CLIP_ROOM);
  pen.clip();
  pen.lineJoin = "round";
  for (const line of lines) paintBand(paint, line);
  for (const line of lines) paintPruned(paint, line);
  for (const line of lines) paintRaw(paint, line);
  for (const line of lines) paintParts(paint, line, false);
  for (const line of lines) paintParts(paint, line, true);
  for (const line of lines) paintWhiskers(paint, line);
  for (const line of lines) paintPoints(paint, line);
  for (const line of lines) paintDiamonds(paint, line);
  for (const line of lines) paintBest(paint, line);
  for (const line of lines) paintFloor(paint, line);
  for (const line of lines) paintNonFinite(paint, line);
  for (const line of lines) paintEnds(paint, line);
  pen.restore();
}

/** Lay a path through entries; it breaks where y is no number. */
function trace(paint: Paint, xs: Float64Array, ys: Float64Array, from: number, to: number): void {
  const { pen, projection } = paint;
  const { kx, bx, ky, by, isLog } = projection;
  let isDown = false;
  for (let at = from; at < to; at++) {
    const y = (isLog ? measured(ys[at]!, true) : ys[at]!) * ky + by;
    if (Number.isFinite(y)) {
      const x = xs[at]! * kx + bx;
      if (isDown) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      isDown = true;
    } else isDown = false;
  }
}

function paintBand(paint: Paint, line: SceneLine): void {
  const { low, high, x: xs } = line;
  if (!low || !high) return;
  const { pen, view } = paint;
  const [from, to] = entriesIn(xs, view.x);
  pen.fillStyle = line.colour;
  pen.globalAlpha = paint.alpha * paint.palette.band;
  pen.beginPath();
  let start = from;
  for (let at = from; at <= to; at++) {
    if (at < to && Number.isFinite(high[at]!) && Number.isFinite(low[at]!)) continue;
    if (at - start > 1) bandAround(paint, line, start, at);
    start = at + 1;
  }
  pen.fill();
}

function bandAround(paint: Paint, line: SceneLine, from: number, to: number): void {
  const { pen, projection, view } = paint;
  const { kx, bx, ky, by, isLog } = projection;
  const floor = view.plot.top + view.plot.height + CLIP_ROOM;
  const place = (value: number) => {
    const y = (isLog ? measured(value, true) : value) * ky + by;
    return Number.isNaN(y) ? floor : y;
  };
  for (let at = from; at < to; at++) {
    const x = line.x[at]! * kx + bx;
    if (at === from) pen.moveTo(x, place(line.high![at]!));
    else pen.lineTo(x, place(line.high![at]!));
  }
  for (let at = to - 1; at >= from; at--) pen.lineTo(line.x[at]! * kx + bx, place(line.low![at]!));
  pen.closePath();
}

function paintPruned(paint: Paint, line: SceneLine): void {
  const { pen, view, palette } = paint;
  if (line.pruned.length === 0) return;
  pen.globalAlpha = paint.alpha;
  pen.strokeStyle = palette.bed;
  pen.lineWidth = marks.pruned.width;
  pen.lineCap = "round";
  pen.setLineDash([...marks.pruned.dash]);
  for (const tail of line.pruned) {
    pen.beginPath();
    trace(paint, tail.x, tail.y, ...entriesIn(tail.x, view.x));
    pen.stroke();
  }
  pen.setLineDash([]);
}

function paintRaw(paint: Paint, line: SceneLine): void {
  if (!line.raw) return;
  const { pen, view } = paint;
  pen.globalAlpha = paint.alpha * RAW_ALPHA;
  pen.strokeStyle = line.colour;
  pen.lineWidth = 1;
  pen.lineCap = "butt";
  pen.beginPath();
  trace(paint, line.x, line.raw, ...entriesIn(line.x, view.x));
  pen.stroke();
}

function paintParts(paint: Paint, line: SceneLine, isOwn: boolean): void {
  const { pen, view, palette, isThin } = paint;
  const [first, last] = entriesIn(line.x, view.x);
  pen.strokeStyle = line.colour;
  pen.lineCap = "butt";
  for (const part of line.parts) {
    if (part.isOwn !== isOwn) continue;
    const [from, to] = [Math.max(part.from, first), Math.min(part.to, last)];
    if (to <= from) continue;
    const thinner = marks.inherited.thinner ** Math.max(0, part.generation - 1);
    pen.globalAlpha = paint.alpha * (isOwn ? 1 : palette.kept);
    pen.lineWidth = isThin ? 1 : isOwn ? marks.own.chart : Math.max(1, marks.inherited.chart * thinner);
    pen.beginPath();
    trace(paint, line.x, line.y, from, to);
    pen.stroke();
  }
}

/** Return where a line's end is seen, in pixels; null where it is not. */
export function endInView(
  projection: Projection,
  view: View,
  end: { x: number; y: number } | null,
): [number, number] | null {
  if (!end) return null;
  const x = toPixelX(projection, end.x);
  const y = measured(end.y, projection.isLog) * projection.ky + projection.by;
  const { plot } = view;
  const isIn = x >= plot.left - 1 && x <= plot.left + plot.width + 1;
  return isIn && y >= plot.top - 1 && y <= plot.top + plot.height + 1 ? [x, y] : null;
}
