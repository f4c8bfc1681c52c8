/** Two ends, low and high. */
export type Span = [number, number];
/** A rectangle, in CSS pixels. */
export type Box = { left: number; top: number; width: number; height: number };
/** What part of the data a chart shows, and where. */
export type View = {
  width: number;
  height: number;
  /** Where the lines are: the rest is ticks and names. */
  plot: Box;
  x: Span;
  y: Span;
  isLog: boolean;
};

/** How data become pixels: multiply and add; on a logarithmic axis the logarithm of y. */
export type Projection = { kx: number; bx: number; ky: number; by: number; isLog: boolean };

/** Return y as the axis measures it; on a logarithmic axis NaN where there is no logarithm. */
export function measured(y: number, isLog: boolean): number {
  return isLog ? (y > 0 ? Math.log10(y) : Number.NaN) : y;
}

/** Return how a view projects. */
export function projectionOf({ plot, x, y, isLog }: View): Projection {
  const [low, high] = [measured(y[0], isLog), measured(y[1], isLog)];
  const kx = plot.width / (x[1] - x[0] || 1);
  const ky = -plot.height / (high - low || 1);
  return { kx, bx: plot.left - x[0] * kx, ky, by: plot.top + plot.height - low * ky, isLog };
}

/** Return the pixel of an x. */
export function toPixelX(projection: Projection, x: number): number {
  return x * projection.kx + projection.bx;
}

/** Return the pixel of a y; NaN where a logarithmic axis has no place for it. */
export function toPixelY(projection: Projection, y: number): number {
  return measured(y, projection.isLog) * projection.ky + projection.by;
}

/** Return the x of a pixel. */
export function fromPixelX(projection: Projection, pixel: number): number {
  return (pixel - projection.bx) / projection.kx;
}

/** Return the y of a pixel. */
export function fromPixelY(projection: Projection, pixel: number): number {
  const y = (pixel - projection.by) / projection.ky;
  return projection.isLog ? 10 ** y : y;
}

/** Return the index of the first entry that is at or after x; the length if none is. */
export function firstAtOrAfter(xs: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Return the index of the entry nearest to x; -1 if there are none. */
export function nearestAt(xs: ArrayLike<number>, x: number): number {
  const after = firstAtOrAfter(xs, x);
  if (after === 0) return xs.length === 0 ? -1 : 0;
  if (after === xs.length) return after - 1;
  return x - xs[after - 1]! <= xs[after]! - x ? after - 1 : after;
}

/** Return the entries that a span shows, with one more on both sides: from the first, up to and without the last. */
export function entriesIn(xs: ArrayLike<number>, [low, high]: Span): [number, number] {
  const from = Math.max(0, firstAtOrAfter(xs, low) - 1);
  let to = firstAtOrAfter(xs, high);
  if (to < xs.length) to += 1;
  return [from, to];
}
