import type { Line } from "../api/frames";

/** How values lie in a lane. */
export type ValueScale = { y: (value: number) => number; ticks: number[]; isLog: boolean };

/** Values of all lanes: they share one scale. */
export type Extent = { low: number; high: number; leastPositive: number };

/** Return the lowest and the highest value that lines draw; null without any. */
export function extentOf(lines: Iterable<{ y: ArrayLike<number> }>): Extent | null {
  let [low, high, leastPositive] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { y } of lines)
    for (let at = 0; at < y.length; at++) {
      const value = y[at]!;
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
      if (value > 0 && value < leastPositive) leastPositive = value;
    }
  return high >= low ? { low, high, leastPositive } : null;
}

/**
 * Return the scale of a lane.
 *
 * @param top where the highest value lies, px
 * @param bottom where the lowest lies
 */
export function valueScale(extent: Extent, isLog: boolean, top: number, bottom: number): ValueScale {
  if (isLog && Number.isFinite(extent.leastPositive)) return logScale(extent, top, bottom);
  const { low, high } = extent;
  const y = (value: number) =>
    high > low ? bottom - ((value / 2 - low / 2) / (high / 2 - low / 2)) * (bottom - top) : (top + bottom) / 2; // halves: no overflow
  return { y, ticks: linearTicks(low, high, bottom - top), isLog: false };
}

function logScale({ high, leastPositive }: Extent, top: number, bottom: number): ValueScale {
  const [first, last] = [Math.log10(leastPositive), Math.log10(Math.max(high, leastPositive))];
  const y = (value: number) => {
    if (value <= 0) return bottom;
    return last > first ? bottom - ((Math.log10(value) - first) / (last - first)) * (bottom - top) : (top + bottom) / 2;
  };
  const powers: number[] = [];
  const stride = Math.max(1, Math.ceil((last - first) / 3));
  for (let power = Math.ceil(first); power <= last; power += stride) powers.push(10 ** power);
  return { y, ticks: powers.length > 0 ? powers : [leastPositive], isLog: true };
}

/** One or two round values within a lane: more would be louder than the lines. */
function linearTicks(low: number, high: number, height: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, Math.min(2, Math.floor(height / 28)));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= rough * 0.7) ?? 10);
  const ticks: number[] = [];
  for (let at = Math.ceil(low / step); at * step <= high && ticks.length < 4; at++)
    ticks.push(Number((at * step).toPrecision(12)));
  return ticks;
}

/**
 * Return the path of a stretch of a line, both ends taken on to the neighbouring point so that stretches join; a value that is
 * no number breaks it.
 */
export function stretch(
  line: Line,
  from: number,
  to: number,
  x: (step: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  let isDown = false;
  const { first, last } = entriesBetween(line.x, from, to);
  for (let at = first; at <= last; at++) {
    const value = line.y[at]!;
    if (!Number.isFinite(value)) {
      isDown = false;
      continue;
    }
    path += `${isDown ? "L" : "M"}${x(line.x[at]!).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
  }
  return path;
}

function entriesBetween(steps: Float64Array, from: number, to: number): { first: number; last: number } {
  const begin = lowerBound(steps, from);
  const isJoined = begin > 0 && steps[begin] !== from && Number.isFinite(from);
  return { first: isJoined ? begin - 1 : begin, last: upperBound(steps, to) - 1 };
}

/** Return the place of the first entry at or behind a step. */
function lowerBound(steps: Float64Array, step: number): number {
  return firstWhere(steps.length, (at) => steps[at]! >= step);
}

function upperBound(steps: Float64Array, step: number): number {
  return firstWhere(steps.length, (at) => steps[at]! > step);
}

function firstWhere(length: number, isBehind: (at: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBehind(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Return the last point of a line at or before a step; null where it has none. */
export function pointAt(line: Line, step: number): { x: number; y: number } | null {
  const at = upperBound(line.x, step) - 1;
  const value = line.y[at];
  return at >= 0 && value !== undefined && Number.isFinite(value) ? { x: line.x[at]!, y: value } : null;
}

/** Return the best value of a line up to a step, and where; whether the step is exact depends on how much the line was thinned out. */
export function bestOf(
  line: Line,
  goal: "min" | "max" | null,
  until = Number.POSITIVE_INFINITY,
): { step: number; value: number; isExact: boolean } | null {
  const values = goal === "max" ? line.max : line.min;
  let best = -1;
  for (let at = 0; at < values.length; at++) {
    if (!Number.isFinite(values[at]!) || line.x[at]! > until) continue;
    if (best < 0 || (goal === "max" ? values[at]! > values[best]! : values[at]! < values[best]!)) best = at;
  }
  return best < 0 ? null : { step: line.x[best]!, value: values[best]!, isExact: line.is_raw };
}
