import type { Row } from "../api/types";

/** One line of the table: a row of the list, or below an experiment one of its runs. */
export type Line =
  | { kind: "row"; index: number; row: Row | undefined }
  | { kind: "child"; index: number; parent: Row; row: Row | undefined; at: number; of: number };

/** Runs that are listed below the row at a place; until they are known, only how many. */
export type Block = { index: number; parent: Row; count: number; rows: readonly (Row | undefined)[] };

/** What the table shows, line by line. */
export type Lines = {
  count: number;
  /** Return the line at a place from 0. */
  at: (line: number) => Line;
  /** Return where the row at a place of the list stands. */
  lineOf: (index: number) => number;
  blocks: readonly Block[];
};

/** Lay out rows and what is listed below some of them; blocks go by their row's place. */
export function layOutLines(total: number, rowAt: (index: number) => Row | undefined, blocks: readonly Block[]): Lines {
  const sorted = [...blocks].sort((one, other) => one.index - other.index);
  const starts: number[] = [];
  let extra = 0;
  for (const block of sorted) {
    starts.push(block.index + 1 + extra);
    extra += block.count;
  }
  const before = (line: number) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= line) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  return {
    count: total + extra,
    blocks: sorted,
    at(line) {
      const found = before(line);
      if (found < 0) return { kind: "row", index: line, row: rowAt(line) };
      const block = sorted[found]!;
      const within = line - starts[found]!;
      if (within < block.count)
        return {
          kind: "child",
          index: block.index,
          parent: block.parent,
          row: block.rows[within],
          at: within,
          of: block.count,
        };
      const index = block.index + 1 + (within - block.count);
      return { kind: "row", index, row: rowAt(index) };
    },
    lineOf(index) {
      let line = index;
      for (const block of sorted) if (block.index < index) line += block.count;
      return line;
    },
  };
}

/** Return what tells a line from all others, whatever its place. */
export function lineKey(line: Line): string {
  if (line.kind === "child") return `${line.row?.run_id ?? line.at} below ${line.parent.run_id}`;
  return line.row?.run_id ?? `#${line.index}`;
}
