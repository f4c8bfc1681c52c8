import { type Mouth, marks, mouthOf } from "../marks/shapes";
import { endInView, type Paint } from "./paint";
import { type SceneLine, showsPoints } from "./scene";
import { entriesIn, toPixelX, toPixelY } from "./view";

const CROSS = 3;
const TRIANGLE = 3.5;
const POINT = 1.7;
// Marks that are nearer to each other than this are one stretch, marked at both its ends.
const STRETCH_GAP = 9;

/** Whiskers: what stands out of a bucket is never a shade of a band, but a line of its own, with a dot at its tip. */
export function paintWhiskers({ pen, view, projection, alpha }: Paint, line: SceneLine): void {
  const { low, high } = line;
  if (!low || !high || line.whiskers.length === 0) return;
  const floor = view.plot.top + view.plot.height;
  pen.globalAlpha = alpha;
  pen.strokeStyle = line.colour;
  pen.fillStyle = line.colour;
  pen.lineWidth = 1;
  pen.lineCap = "butt";
  for (const at of line.whiskers) {
    const x = Math.round(toPixelX(projection, line.x[at]!)) + 0.5;
    const top = toPixelY(projection, high[at]!);
    const bottom = toPixelY(projection, low[at]!);
    const middle = toPixelY(projection, line.y[at]!);
    if (!Number.isFinite(top)) continue;
    const foot = Number.isFinite(bottom) ? bottom : floor;
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x, foot);
    pen.stroke();
    const isUp = !(Math.abs(foot - middle) > Math.abs(middle - top));
    pen.fillRect(x - 1.5, (isUp ? top : foot) - 1.5, 3, 3);
  }
}

/** Points, where they stand far enough apart. */
export function paintPoints({ pen, view, projection, alpha, isThin }: Paint, line: SceneLine): void {
  if (!showsPoints(line, view.x, view.plot.width)) return;
  const [from, to] = entriesIn(line.x, view.x);
  const ys = line.raw ?? line.y;
  pen.globalAlpha = alpha;
  pen.fillStyle = line.colour;
  pen.beginPath();
  for (let at = from; at < to; at++) {
    const y = toPixelY(projection, ys[at]!);
    if (!Number.isFinite(y)) continue;
    const x = toPixelX(projection, line.x[at]!);
    pen.moveTo(x + POINT, y);
    pen.arc(x, y, isThin ? POINT - 0.4 : POINT, 0, 2 * Math.PI);
  }
  pen.fill();
}

/** Forks: a diamond in the child's colour on the parent's line. */
export function paintDiamonds({ pen, view, projection, palette, alpha }: Paint, line: SceneLine): void {
  const r = marks.diamond.chart;
  for (const diamond of line.diamonds) {
    const at = endInView(projection, view, diamond);
    if (!at) continue;
    const [x, y] = at;
    pen.globalAlpha = alpha;
    pen.fillStyle = palette.paper;
    pen.strokeStyle = diamond.colour;
    pen.lineWidth = 1.4;
    pen.beginPath();
    pen.moveTo(x - r, y);
    pen.lineTo(x, y - r);
    pen.lineTo(x + r, y);
    pen.lineTo(x, y + r);
    pen.closePath();
    pen.fill();
    pen.stroke();
  }
}

/** The best value, where a fork left it behind: a ring. */
export function paintBest({ pen, view, projection, palette, alpha }: Paint, line: SceneLine): void {
  const at = endInView(projection, view, line.best);
  if (!at) return;
  pen.globalAlpha = alpha;
  pen.strokeStyle = line.colour;
  pen.fillStyle = palette.paper;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.arc(at[0], at[1], 3, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
}

/** Values at or below zero on a logarithmic axis: ticks on its floor. */
export function paintFloor({ pen, view, projection, alpha }: Paint, line: SceneLine): void {
  if (!view.isLog) return;
  const floor = view.plot.top + view.plot.height;
  const [from, to] = entriesIn(line.x, view.x);
  const lows = line.low ?? line.raw ?? line.y;
  pen.globalAlpha = alpha;
  pen.strokeStyle = line.colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = from; at < to; at++) {
    if (!(lows[at]! <= 0)) continue;
    const x = toPixelX(projection, line.x[at]!);
    pen.moveTo(x, floor);
    pen.lineTo(x, floor - 5);
  }
  pen.stroke();
}

/** Where points that are no numbers are marked: single ones, and both ends of a stretch of them. */
export function markedPlaces(pixels: readonly number[]): { at: number; to: number | null }[] {
  const found: { at: number; to: number | null }[] = [];
  for (const pixel of pixels) {
    const last = found.at(-1);
    if (last && pixel - (last.to ?? last.at) <= STRETCH_GAP) last.to = pixel;
    else found.push({ at: pixel, to: null });
  }
  return found.map(({ at, to }) => ({ at, to: to !== null && to - at < 2 ? null : to }));
}

/** Points that are no numbers: NaN as a cross on the floor, infinities as triangles at the ceiling or the floor. */
export function paintNonFinite({ pen, view, projection, palette, alpha }: Paint, line: SceneLine): void {
  if (line.nonfinite.length === 0) return;
  const { plot } = view;
  const floor = plot.top + plot.height - CROSS - 1;
  const ceiling = plot.top + TRIANGLE;
  pen.globalAlpha = alpha;
  pen.strokeStyle = palette.bad;
  pen.fillStyle = palette.bad;
  pen.lineWidth = 1.4;
  pen.lineCap = "round";
  for (const kind of ["nan", "inf", "-inf"] as const) {
    const pixels = line.nonfinite
      .filter((mark) => mark.kind === kind && mark.x >= view.x[0] && mark.x <= view.x[1])
      .map((mark) => toPixelX(projection, mark.x));
    const y = kind === "inf" ? ceiling : floor;
    for (const { at, to } of markedPlaces(pixels)) {
      paintNonFiniteAt(pen, kind, at, y);
      if (to === null) continue;
      paintNonFiniteAt(pen, kind, to, y);
      pen.globalAlpha = alpha * 0.5;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(at + 4, y);
      pen.lineTo(to - 4, y);
      if (to - at > 10) pen.stroke();
      pen.globalAlpha = alpha;
      pen.lineWidth = 1.4;
    }
  }
}

function paintNonFiniteAt(pen: Paint["pen"], kind: "nan" | "inf" | "-inf", x: number, y: number): void {
  pen.beginPath();
  if (kind === "nan") {
    pen.moveTo(x - CROSS, y - CROSS);
    pen.lineTo(x + CROSS, y + CROSS);
    pen.moveTo(x + CROSS, y - CROSS);
    pen.lineTo(x - CROSS, y + CROSS);
    pen.stroke();
    return;
  }
  const up = kind === "inf" ? 1 : -1;
  pen.moveTo(x, y - up * TRIANGLE);
  pen.lineTo(x + TRIANGLE, y + up * TRIANGLE);
  pen.lineTo(x - TRIANGLE, y + up * TRIANGLE);
  pen.closePath();
  pen.fill();
}

/** The end of a line, by the state of its run. */
export function paintEnds(
  { pen, view, projection, palette, alpha, isThin, isServerAway }: Paint,
  line: SceneLine,
): void {
  const at = endInView(projection, view, line.end);
  if (!at) return;
  const [x, y] = at;
  const r = isThin ? marks.mouth.chart * 0.75 : marks.mouth.chart;
  const mouth = mouthOf(line.state, isServerAway && line.state === "running");
  pen.globalAlpha = alpha;
  pen.strokeStyle = mouth === "cross" ? palette.bad : mouth === "dots" ? palette.bed : line.colour;
  pen.fillStyle = mouth === "disc" ? line.colour : palette.paper;
  pen.lineWidth = 1.5;
  pen.lineCap = "round";
  pen.beginPath();
  if (mouth === "cross") {
    pen.moveTo(x - r, y - r);
    pen.lineTo(x + r, y + r);
    pen.moveTo(x + r, y - r);
    pen.lineTo(x - r, y + r);
  } else if (mouth === "bar") {
    pen.moveTo(x, y - r - 1);
    pen.lineTo(x, y + r + 1);
  } else {
    if (mouth === "broken") pen.setLineDash([2, 2.4]);
    pen.moveTo(x + r, y);
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fill();
  }
  if (mouth !== "disc") pen.stroke();
  pen.setLineDash([]);
  if (!isThin) paintAhead(pen, mouth, x + r + 2, y, r);
}

/** What stands ahead of an end that is none: an arrow where a run goes on, dots where that is not known. */
function paintAhead(pen: Paint["pen"], mouth: Mouth, x: number, y: number, r: number): void {
  if (mouth !== "ring" && mouth !== "dots") return;
  pen.beginPath();
  if (mouth === "ring") {
    pen.moveTo(x, y - r);
    pen.lineTo(x + r, y);
    pen.lineTo(x, y + r);
  } else {
    pen.setLineDash([...marks.pruned.dash]);
    pen.moveTo(x, y);
    pen.lineTo(x + 3 * r, y);
  }
  pen.stroke();
  pen.setLineDash([]);
}
