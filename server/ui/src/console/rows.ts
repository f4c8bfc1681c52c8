/** A progress bar whose states are listed below its line. */
export type Expansion = { line: number; updates: number };
/** A row of the list: a line, or one of the states of the line above. */
export type RowPlace = { line: number; update: number | null };

/** Return how many rows there are: every line, and the states of progress bars that are listed. */
export function countRows(lines: number, expansions: readonly Expansion[]): number {
  return expansions.reduce((sum, one) => sum + (one.line < lines ? one.updates : 0), lines);
}

/** Return what stands in a row. `expansions` are in the order of their lines. */
export function placeOfRow(row: number, expansions: readonly Expansion[]): RowPlace {
  let before = 0;
  for (const { line, updates } of expansions) {
    if (row <= line + before) break;
    if (row <= line + before + updates) return { line, update: row - line - before - 1 };
    before += updates;
  }
  return { line: row - before, update: null };
}

/** Return the row of a line. */
export function rowOfLine(line: number, expansions: readonly Expansion[]): number {
  return expansions.reduce((sum, one) => sum + (one.line < line ? one.updates : 0), line);
}

/** Show or hide the states of a progress bar. */
export function toggleExpansion(expansions: readonly Expansion[], line: number, updates: number): Expansion[] {
  const rest = expansions.filter((one) => one.line !== line);
  if (rest.length < expansions.length) return rest;
  return [...rest, { line, updates }].sort((one, other) => one.line - other.line);
}
