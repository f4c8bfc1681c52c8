/** Where sections stand in a grid: how many tracks it has, and over how many of them each section goes. */
export type Arranged = { tracks: number; spans: number[] };

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
  const end = () => {
    for (const at of row) spans[at] = (counts[at]! * tracks) / taken;
    row = [];
    taken = 0;
  };
  for (const [at, count] of counts.entries()) {
    const isSmall = count > 0 && count < columns;
    if (!isSmall || taken + count > columns) end();
    if (!isSmall) continue;
    row.push(at);
    taken += count;
  }
  end();
  return { tracks, spans };
}
