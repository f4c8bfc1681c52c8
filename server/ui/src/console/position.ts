/** Height of a row, px. */
export const ROW = 20;
// Browsers lay out nothing taller than some 17 million px: above this, the scroll bar stands for more than it is high.
const TALLEST = 8_000_000;

/** What is in view of a list of many rows. */
export type Position = {
  /** Rows to draw: from the first up to, and without, the last. */
  first: number;
  last: number;
  /** How far below the top of the view the first of them begins, px; mostly negative. */
  offset: number;
  /** The row at `anchorAt` of the view, with the part of it that lies above. */
  anchor: number;
  anchorAt: number;
};

/** Return how high what scrolls is, for so many rows. */
export function heightOf(rows: number): number {
  return Math.min(rows * ROW, TALLEST);
}

/** Return what is in view at a place of the scroll bar. */
export function positionAt(scrollTop: number, view: number, rows: number, overscan: number): Position {
  const room = heightOf(rows) - view;
  const part = room > 0 ? Math.min(Math.max(scrollTop / room, 0), 1) : 0;
  const top = part * Math.max(rows * ROW - view, 0);
  const first = Math.max(0, Math.floor(top / ROW) - overscan);
  const last = Math.min(rows, Math.ceil((top + view) / ROW) + overscan);
  return { first, last, offset: first * ROW - top, anchor: part * rows, anchorAt: part * view };
}

/** Return the place of the scroll bar at which a row stands in the middle of the view. */
export function scrollTo(row: number, view: number, rows: number): number {
  const room = heightOf(rows) - view;
  const reach = rows * ROW - view;
  if (room <= 0 || reach <= 0) return 0;
  const top = Math.min(Math.max(row * ROW + ROW / 2 - view / 2, 0), reach);
  return (top / reach) * room;
}
