import type { Line } from "../api/frames";
import { firstAtOrAfter, fromPixelX, nearestAt, projectionOf, toPixelX, toPixelY, type View } from "./view";

/** A line near the pointer. */
export type Near = {
  /** Which line, of those that were given. */
  line: number;
  /** The entry that is nearest in x. */
  entry: number;
  /** Distance of the pointer from the line, in pixels. */
  distance: number;
  /** Where the entry is, in pixels. */
  x: number;
  y: number;
};

const REACH = 24;

/** Return the lines that are nearest to a place, nearest first; those that have nothing near its x are left out. */
export function nearestLines(
  lines: readonly Pick<Line, "x" | "y">[],
  view: View,
  pixelX: number,
  pixelY: number,
  most: number,
): Near[] {
  const projection = projectionOf(view);
  const reach = REACH / Math.abs(projection.kx || 1);
  const x = fromPixelX(projection, pixelX);
  const found: Near[] = [];
  for (const [at, line] of lines.entries()) {
    const entry = nearestAt(line.x, x);
    if (entry < 0 || x < line.x[0]! - reach || x > line.x[line.x.length - 1]! + reach) continue;
    const from = Math.max(0, firstAtOrAfter(line.x, x - reach) - 1);
    const to = Math.min(line.x.length, firstAtOrAfter(line.x, x + reach) + 1);
    let distance = Number.POSITIVE_INFINITY;
    for (let one = from; one < to; one++) {
      const ax = toPixelX(projection, line.x[one]!);
      const ay = toPixelY(projection, line.y[one]!);
      const next = one + 1 < to ? one + 1 : one;
      const bx = toPixelX(projection, line.x[next]!);
      const by = toPixelY(projection, line.y[next]!);
      distance = Math.min(distance, fromSegment(pixelX, pixelY, ax, ay, bx, by));
    }
    if (!Number.isFinite(distance)) distance = Number.MAX_VALUE;
    found.push({
      line: at,
      entry,
      distance,
      x: toPixelX(projection, line.x[entry]!),
      y: toPixelY(projection, line.y[entry]!),
    });
  }
  return found.sort((a, b) => a.distance - b.distance).slice(0, most);
}

function fromSegment(px: number, py: number, ax: number, ay: number, bx: number, by: number): number {
  if (!Number.isFinite(ay)) return Number.isFinite(by) ? Math.hypot(px - bx, py - by) : Number.POSITIVE_INFINITY;
  if (!Number.isFinite(by)) return Math.hypot(px - ax, py - ay);
  const [dx, dy] = [bx - ax, by - ay];
  const size = dx * dx + dy * dy;
  const share = size === 0 ? 0 : Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / size));
  return Math.hypot(px - ax - share * dx, py - ay - share * dy);
}
