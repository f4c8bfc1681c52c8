import type { Content, DifferenceRow } from "../../api/types";
import type { Goal } from "../../state/goals";
import { byInterest } from "../../text/metrics";
import { byPath } from "../../text/order";

/** A heading with its rows. */
export type Group = { title: string; count: number; rows: DifferenceRow[] };

const TITLES = [
  "configs",
  "series, along the lineage",
  "lineage and state",
  "text, by difference",
  "environment",
] as const;
const LONG_TEXT = 48;

/**
 * Put rows into groups. Of a metric the last value stands, and the best one where it is known which that is; others only where
 * the last values are equal and they are not.
 */
export function groupRows(
  rows: readonly DifferenceRow[],
  goalOf: (path: string, declared: Goal) => Goal,
  onlyDifferences: boolean,
): Group[] {
  const groups: Group[] = TITLES.map((title) => ({ title, count: 0, rows: [] }));
  const equalLast = new Set(rows.flatMap((row) => (row.aggregate === "last" && !row.differs ? row.path : [])));
  const hasLast = new Set(rows.flatMap((row) => (row.aggregate === "last" ? row.path : [])));
  for (const row of rows) {
    const isBest = row.aggregate === goalOf(row.path, row.goal);
    const isOnly = onlyDifferences ? !hasLast.has(row.path) : equalLast.has(row.path) && row.differs;
    if (row.aggregate !== null && row.aggregate !== "last" && !isBest && !isOnly) continue;
    const group = groups[placeOf(row)]!;
    if (group.rows.at(-1)?.path !== row.path) group.count += 1;
    group.rows.push(row);
  }
  for (const group of groups) group.rows = lastFirst(group.rows, group.title === TITLES[1]);
  return groups.filter((group) => group.rows.length > 0);
}

/** Put the last value of a metric before its other ones, and metrics in the order in which one would look at them. */
function lastFirst(rows: DifferenceRow[], isByInterest: boolean): DifferenceRow[] {
  const paths = [...new Set(rows.map((row) => row.path))];
  const order = new Map((isByInterest ? byInterest(paths) : paths.sort(byPath)).map((path, place) => [path, place]));
  const rank = (row: DifferenceRow) => (row.aggregate === "last" || row.aggregate === null ? 0 : 1);
  return rows.sort((one, other) => order.get(one.path)! - order.get(other.path)! || rank(one) - rank(other));
}

function placeOf(row: DifferenceRow): number {
  if (/^(runtime|source_code|sys\/environment)\//.test(row.path)) return 4;
  if (isText(row)) return 3;
  if (row.group === "system") return 2;
  return row.group === "series" ? 1 : 0;
}

/** Return whether a row tells of the machine and of runfork's own notes, rather than of what was trained. */
export function isSystem(row: DifferenceRow): boolean {
  const place = placeOf(row);
  return place === 2 || place === 4;
}

/** Return whether what differs in a row is seen best word by word. */
export function isText(row: DifferenceRow): boolean {
  if (row.group === "text" || row.type === "string_series") return true;
  return row.type === "string" && row.values.some((value) => typeof value === "string" && value.length > LONG_TEXT);
}

/** Return whether two values read the same. */
export function isSame(one: Content | undefined, other: Content | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  return JSON.stringify(one) === JSON.stringify(other);
}
