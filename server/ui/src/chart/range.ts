import type { Line } from "../api/frames";
import { entriesIn, type Span } from "./view";

/** What a range of y depends on. */
export type RangeRules = { isLog: boolean; ignoresOutliers: boolean };

const PAD = 0.05;
const LOG_RATIO = 100;
const LOG_RATIO_KEPT = 30;
const LOW_TENTH = 0.1;
const MOST_SAMPLED = 4000;

function isUsable(value: number, isLog: boolean): boolean {
  return Number.isFinite(value) && (!isLog || value > 0);
}

type Reach = { low: number; high: number; isLog: boolean };

function widen(reach: Reach, value: number): void {
  if (!Number.isFinite(value) || (reach.isLog && value <= 0)) return;
  if (value < reach.low) reach.low = value;
  if (value > reach.high) reach.high = value;
}

/** Take in extremes of all buckets in a span of x, and what was pruned. */
function widenBy(reach: Reach, line: Line, x: Span): void {
  const [from, to] = entriesIn(line.x, x);
  for (let at = from; at < to; at++) {
    const place = line.x[at]!;
    widen(reach, line.y[at]!);
    if (place < x[0] || place > x[1]) continue;
    widen(reach, line.min[at]!);
    widen(reach, line.max[at]!);
  }
  for (const tail of line.pruned) {
    const [start, end] = entriesIn(tail.x, x);
    for (let at = start; at < end; at++) widen(reach, tail.y[at]!);
  }
}

/** Return the first and the last percent of the values in a span of x. */
function percentiles(lines: readonly Line[], x: Span, isLog: boolean): Reach {
  const values: number[] = [];
  for (const line of lines) {
    const [from, to] = entriesIn(line.x, x);
    for (let at = from; at < to; at++) if (isUsable(line.y[at]!, isLog)) values.push(line.y[at]!);
  }
  values.sort((a, b) => a - b);
  const low = values[Math.floor((values.length - 1) * 0.01)] ?? Number.POSITIVE_INFINITY;
  return { low, high: values[Math.ceil((values.length - 1) * 0.99)] ?? Number.NEGATIVE_INFINITY, isLog };
}

/** Return the range of y that shows all lines in a span of x; null where there is nothing to show. */
export function rangeOf(lines: readonly Line[], x: Span, { isLog, ignoresOutliers }: RangeRules): Span | null {
  let reach: Reach = { low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY, isLog };
  if (ignoresOutliers) reach = percentiles(lines, x, isLog);
  else for (const line of lines) widenBy(reach, line, x);
  return reach.low <= reach.high ? padded([reach.low, reach.high], isLog) : null;
}

// Between these, widths and their inverses are numbers.
const LARGEST = Number.MAX_VALUE / 4;
const LEAST_WIDTH = 1e-290;

function padded([first, last]: Span, isLog: boolean): Span {
  const [low, high] = [first, last].map((end) => Math.min(Math.max(end, -LARGEST), LARGEST)) as Span;
  if (isLog) {
    const [from, to] = [Math.log10(low), Math.log10(high)];
    const pad = from === to ? 0.3 : PAD * (to - from);
    return [10 ** (from - pad), 10 ** (to + pad)];
  }
  const isFlat = high - low < LEAST_WIDTH;
  const pad = isFlat ? Math.abs(low) * 0.1 || 1 : PAD * (high - low);
  return [low >= 0 && !isFlat ? Math.max(0, low - pad) : low - pad, high + pad];
}

/**
 * Say whether a logarithmic axis clearly suits: all values are positive, the largest is at least 100 times the smallest, and half of
 * them lie in the lowest tenth of the range. What was logarithmic stays so down to 30 times, so that no chart flips to and fro.
 */
export function suitsLog(lines: readonly Line[], wasLog: boolean): boolean {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const values: number[] = [];
  const every = Math.ceil(lines.reduce((sum, line) => sum + line.x.length, 0) / MOST_SAMPLED) || 1;
  for (const line of lines)
    for (let at = 0; at < line.x.length; at++) {
      const value = line.y[at]!;
      if (!Number.isFinite(value)) continue;
      if (at % every === 0) values.push(value);
      const least = line.min[at]!;
      const most = line.max[at]!;
      low = Math.min(low, value, Number.isFinite(least) ? least : value);
      high = Math.max(high, value, Number.isFinite(most) ? most : value);
    }
  if (!(low > 0) || high / low < (wasLog ? LOG_RATIO_KEPT : LOG_RATIO)) return false;
  values.sort((a, b) => a - b);
  const median = values[values.length >> 1]!;
  return (median - low) / (high - low) < LOW_TENTH * (wasLog ? 2 : 1);
}

/** Return the span of x that all lines together take; null where they have no points. */
export function extentOf(lines: readonly Line[]): Span | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const take = (x: number | undefined) => {
    if (x === undefined) return;
    low = Math.min(low, x);
    high = Math.max(high, x);
  };
  for (const line of lines) {
    take(line.first?.x);
    take(line.last?.x);
    take(line.x[0]);
    take(line.x[line.x.length - 1]);
    for (const tail of line.pruned) take(tail.x[tail.x.length - 1]);
    for (const mark of line.nonfinite) take(mark.x);
  }
  return low <= high ? [low, high] : null;
}

/** Return a span with some room, so that a single point is not at the edge. */
export function widened([low, high]: Span): Span {
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** Return what a plot shows after two fingers moved on it, from pixels to others: what was below each stays there. Null where they are too near to tell. */
export function pinchedTo(
  [low, high]: Span,
  width: number,
  from: readonly [number, number],
  to: readonly [number, number],
): Span | null {
  const apart = to[1] - to[0];
  if (Math.abs(apart) < 8 || Math.sign(apart) !== Math.sign(from[1] - from[0])) return null;
  const unit = ((from[1] - from[0]) / apart) * ((high - low) / width);
  const start = low + (from[0] * (high - low)) / width - to[0] * unit;
  return [start, start + width * unit];
}

/** Return a span scaled around one of its points. */
export function scaledAround([low, high]: Span, centre: number, factor: number): Span {
  return [centre - (centre - low) * factor, centre + (high - centre) * factor];
}
