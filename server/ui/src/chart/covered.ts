import type { Line } from "../api/frames";
import { type Box, entriesIn, type Projection, projectionOf, toPixelX, toPixelY, type View } from "./view";

/** Side of the squares into which a plot is divided to know where lines run, px. */
const CELL = 3;
const MARK = 5;
/** Of more entries than this some are passed over: names are placed anew with every step of a zoom. */
const MOST_ENTRIES = 24_000;

type Drawn = Pick<Line, "x" | "y" | "forks" | "pruned">;
/** Return how much of a rectangle lines run through, in squares. */
export type Covered = (box: Box) => number;

/** Where lines run in a plot. A line takes a stretch of each column: its ends alone are noted, and summed up when all are there. */
class Cells {
  private readonly columns: number;
  private readonly rows: number;
  private readonly counts: Int16Array;

  constructor(private readonly plot: Box) {
    this.columns = Math.ceil(plot.width / CELL);
    this.rows = Math.ceil(plot.height / CELL);
    this.counts = new Int16Array(this.columns * (this.rows + 1));
  }

  /** Take the squares that a straight line runs through. */
  take(xa: number, ya: number, xb: number, yb: number): void {
    if (!Number.isFinite(ya + yb)) return;
    const first = Math.max(0, Math.floor((xa - this.plot.left) / CELL));
    const last = Math.min(this.columns - 1, Math.floor((xb - this.plot.left) / CELL));
    const slope = xb > xa ? (yb - ya) / (xb - xa) : 0;
    for (let column = first; column <= last; column++) {
      const left = this.plot.left + column * CELL;
      const from = first === last && slope === 0 ? ya : ya + (Math.max(xa, left) - xa) * slope;
      const to = xb <= left + CELL ? yb : ya + (left + CELL - xa) * slope;
      this.takeColumn(column, Math.min(from, to), Math.max(from, to));
    }
  }

  private takeColumn(column: number, top: number, bottom: number): void {
    const from = Math.max(0, Math.floor((top - this.plot.top) / CELL));
    const to = Math.min(this.rows - 1, Math.floor((bottom - this.plot.top) / CELL));
    if (to < from) return;
    this.counts[column * (this.rows + 1) + from]! += 1;
    this.counts[column * (this.rows + 1) + to + 1]! -= 1;
  }

  finish(): Covered {
    const { counts, rows, columns, plot } = this;
    for (let at = 1; at < counts.length; at++) if (at % (rows + 1) !== 0) counts[at]! += counts[at - 1]!;
    return ({ left, top, width, height }) => {
      const ends = (low: number, size: number, most: number) => [
        Math.max(0, Math.floor(low / CELL)),
        Math.min(most - 1, Math.floor((low + size) / CELL)),
      ];
      const [first, last] = ends(left - plot.left, width, columns) as [number, number];
      const [from, to] = ends(top - plot.top, height, rows) as [number, number];
      let found = 0;
      for (let column = first; column <= last; column++)
        for (let row = from; row <= to; row++) if (counts[column * (rows + 1) + row]! > 0) found += 1;
      return found;
    };
  }
}

type Curve = Pick<Line, "x" | "y">;

function takeCurve(cells: Cells, projection: Projection, view: View, { x, y }: Curve, every: number): void {
  const [from, to] = entriesIn(x, view.x);
  let [xa, ya] = [Number.NaN, Number.NaN];
  for (let at = from; at < to; at += every) {
    const [xb, yb] = [toPixelX(projection, x[at]!), toPixelY(projection, y[at]!)];
    cells.take(xa, ya, xb, yb);
    [xa, ya] = [xb, yb];
  }
}

const known = new WeakMap<readonly Drawn[], { view: View; covered: Covered }>();

/** Return where lines, what was pruned of them, and forks are in a plot. */
export function coveredBy(lines: readonly Drawn[], view: View): Covered {
  const before = known.get(lines);
  if (before?.view === view) return before.covered;
  const projection = projectionOf(view);
  const cells = new Cells(view.plot);
  const every = Math.ceil(lines.reduce((sum, line) => sum + line.x.length, 1) / MOST_ENTRIES);
  for (const line of lines) {
    takeCurve(cells, projection, view, line, every);
    for (const tail of line.pruned) takeCurve(cells, projection, view, tail, every);
    for (const fork of line.forks) {
      const [x, y] = [toPixelX(projection, fork.x), toPixelY(projection, fork.y ?? Number.NaN)];
      for (const by of [-MARK, 0, MARK]) cells.take(x - MARK, y + by, x + MARK, y + by);
    }
  }
  const covered = cells.finish();
  known.set(lines, { view, covered });
  return covered;
}
