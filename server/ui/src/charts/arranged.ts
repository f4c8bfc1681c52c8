/** Where sections stand in a grid: its tracks, over how many of them each section goes, and how many rows of charts and of heads that makes. */
export type Arranged = { tracks: number; spans: number[]; rows: number; heads: number };

const LEAST_WIDTH = 320;
const GAP = 32;
const MARGINS = 32;

/** Return how many charts stand beside each other in a page of some width. */
export function columnsIn(width: number): number {
  return Math.max(1, Math.min(4, Math.floor((width - MARGINS + GAP) / (LEAST_WIDTH + GAP))));
}

/** Height of a chart's title, and of what else stands between charts, px. */
export const CHART_HEAD = 24;
const LEAST_HEIGHT = 196;
const MOST_HEIGHT = 340;
const MOST_RATIO = 0.8;
const SECTION_HEAD = 32;
const BELOW = 16;

/** Return how high charts are: few of them take the page, at most four fifths of their width. */
export function chartHeightIn(page: { width: number; height: number; rows: number; heads: number }): number {
  const left = page.height - page.heads * SECTION_HEAD - page.rows * (CHART_HEAD + BELOW) - BELOW;
  const most = Math.min(MOST_HEIGHT, Math.round(page.width * MOST_RATIO));
  return Math.max(LEAST_HEIGHT, Math.min(most, Math.floor(left / Math.max(1, page.rows))));
}

/** Tracks that can be shared evenly by as many charts as stand in a row: 1, 2, 3 or 4. */
const TRACKS = [1, 1, 2, 6, 12];

/**
 * Arrange sections of charts in rows, in their order: small ones that follow each other share a row, and the charts of a row share
 * its width, so that a chart alone is as wide as the page.
 *
 * @param counts how many charts each section has; 0 if it is closed
 * @param columns how many charts stand beside each other, at most 4
 */
export function arranged(counts: readonly number[], columns: number): Arranged {
  const tracks = TRACKS[columns]!;
  const spans = counts.map(() => tracks);
  let row: number[] = [];
  let taken = 0;
  let [rows, heads] = [0, 0];
  const end = () => {
    if (taken > 0) [rows, heads] = [rows + 1, heads + 1];
    for (const at of row) spans[at] = (counts[at]! * tracks) / taken;
    row = [];
    taken = 0;
  };
  for (const [at, count] of counts.entries()) {
    const isSmall = count > 0 && count < columns;
    if (!isSmall || taken + count > columns) end();
    if (!isSmall) {
      [rows, heads] = [rows + Math.ceil(count / columns), heads + 1];
      continue;
    }
    row.push(at);
    taken += count;
  }
  end();
  return { tracks, spans, rows, heads };
}
