import type { Line, NonFinite } from "../api/frames";
import type { RunState } from "../api/types";
import type { RunColour } from "../marks/colour";
import { firstAtOrAfter, type Span } from "./view";

/** A line of a chart, with the name, the colours and the state of its run. */
export type ChartLine = Line & {
  title: string;
  colour: RunColour;
  state: RunState;
  /** Colour of the child of each fork; the line's own where it is not told. */
  forkColours?: string[];
  /** What each fork is, in words. */
  forkTexts?: string[];
  /** Where what was pruned was better than all that was kept, and that in words. */
  best?: { x: number; y: number; text: string } | null;
};

/** Entries of a line that one run logged: the last is drawn too, so that parts join. */
export type Part = { from: number; to: number; isOwn: boolean; generation: number };
/** A fork's diamond. */
export type Diamond = { x: number; y: number; colour: string };
/** What is drawn of a line; it can be posted to a worker. */
export type SceneLine = {
  id: string;
  colour: string;
  state: RunState;
  x: Float64Array;
  y: Float64Array;
  raw: Float64Array | null;
  low: Float64Array | null;
  high: Float64Array | null;
  isRaw: boolean;
  parts: Part[];
  pruned: { x: Float64Array; y: Float64Array }[];
  whiskers: number[];
  diamonds: Diamond[];
  nonfinite: NonFinite[];
  best: { x: number; y: number } | null;
  end: { x: number; y: number } | null;
};
/** Colours of a theme that are no run's, resolved to sRGB, and its measures. */
export type Palette = {
  paper: string;
  ink: string;
  ink2: string;
  ink3: string;
  line: string;
  bed: string;
  bad: string;
  accent: string;
  sans: string;
  mono: string;
  /** Opacity of inherited parts, of bands, and of all others while one run is hovered. */
  kept: number;
  band: number;
  away: number;
};
/** All that a chart draws. */
export type Scene = { lines: SceneLine[]; palette: Palette; isServerAway: boolean };

/** More lines than this are drawn as hairlines. */
export const MOST_WIDE_LINES = 24;

/** Return the parts of a line: what its run logged itself, and what it inherited. */
export function partsOf(line: Line): Part[] {
  const length = line.x.length;
  const parts: Part[] = [];
  let from = 0;
  for (const [at, role] of line.roles.entries()) {
    const isLast = at === line.roles.length - 1;
    const to = isLast ? length : firstAtOrAfter(line.x, nextAfter(role.to_x));
    if (to > from)
      parts.push({
        from: parts.length > 0 ? from - 1 : from,
        to,
        isOwn: role.role === "own",
        generation: line.roles.length - 1 - at,
      });
    from = Math.max(from, to);
  }
  if (parts.length === 0 && length > 0) parts.push({ from: 0, to: length, isOwn: true, generation: 0 });
  return parts;
}

function nextAfter(x: number): number {
  return x + Math.max(Math.abs(x) * 1e-12, 1e-9);
}

/** Return where a line ends, as it is drawn: at its last point that is a number; null where there is none, or it is not among the entries. */
export function endOf(line: Pick<Line, "x" | "y" | "last">): { x: number; y: number } | null {
  const { last, x, y } = line;
  if (!last) return null;
  const isWhole = x.length > 0 && x[x.length - 1]! >= last.x - Math.abs(last.x) * 1e-12;
  if (!isWhole) return Number.isFinite(last.y) ? last : null;
  for (let at = x.length - 1; at >= 0; at--) if (Number.isFinite(y[at]!)) return { x: x[at]!, y: y[at]! };
  return null;
}

/** Return where a fork's diamond stands: at the value there, but on the line where that was smoothed. */
export function diamondY(line: Line, x: number, y: number): number {
  if (!line.raw) return y;
  const after = firstAtOrAfter(line.x, x);
  if (after === 0 || after >= line.x.length) return line.y[Math.min(after, line.x.length - 1)] ?? y;
  const [xa, xb] = [line.x[after - 1]!, line.x[after]!];
  const [ya, yb] = [line.y[after - 1]!, line.y[after]!];
  const between = ya + ((yb - ya) * (x - xa)) / (xb - xa || 1);
  return Number.isFinite(between) ? between : y;
}

/** Return whether a line's buckets hold more than one value anywhere. */
export function hasBand(line: Line): boolean {
  for (let at = 0; at < line.x.length; at++) if (line.max[at]! > line.min[at]!) return true;
  return false;
}

/** Return what is drawn of the lines. Arrays are copied: a scene can be handed over whole. */
export function sceneOf(lines: readonly ChartLine[], palette: Palette, isServerAway: boolean): Scene {
  return { lines: lines.map(sceneLine), palette, isServerAway };
}

function sceneLine(line: ChartLine): SceneLine {
  const isBanded = hasBand(line);
  return {
    id: line.run_id,
    colour: line.colour.line,
    state: line.state,
    x: line.x.slice(),
    y: line.y.slice(),
    raw: line.raw?.slice() ?? null,
    low: isBanded ? line.min.slice() : null,
    high: isBanded ? line.max.slice() : null,
    isRaw: line.is_raw,
    parts: partsOf(line),
    pruned: line.pruned.map((tail) => ({ x: tail.x.slice(), y: tail.y.slice() })),
    whiskers: line.whiskers,
    diamonds: line.forks.flatMap((fork, at) =>
      fork.y === null
        ? []
        : [{ x: fork.x, y: diamondY(line, fork.x, fork.y), colour: line.forkColours?.[at] ?? line.colour.line }],
    ),
    nonfinite: line.nonfinite,
    best: line.best ?? null,
    end: endOf(line),
  };
}

/** Return the buffers of a scene, to be handed over instead of copied. */
export function buffersOf(scene: Scene): ArrayBuffer[] {
  const arrays = scene.lines.flatMap((line) => [
    line.x,
    line.y,
    line.raw,
    line.low,
    line.high,
    ...line.pruned.flatMap((tail) => [tail.x, tail.y]),
  ]);
  return arrays.flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
}

/** Return whether the points of a line stand far enough apart to be drawn each. */
export function showsPoints(line: { x: Float64Array; isRaw: boolean }, [low, high]: Span, width: number): boolean {
  if (!line.isRaw) return false;
  const from = firstAtOrAfter(line.x, low);
  const to = firstAtOrAfter(line.x, high);
  const count = to - from;
  if (count < 2) return count === 1;
  const taken = ((line.x[to - 1]! - line.x[from]!) / (high - low || 1)) * width;
  return taken / (count - 1) >= 5;
}
