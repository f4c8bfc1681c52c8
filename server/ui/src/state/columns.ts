import { batch, computed } from "@preact/signals";
import type { Column, Definition, Mode, Sort } from "../api/types";
import { listing } from "./runs";
import { columns, mode, pinned, sort } from "./view";

/** Titles of the columns of attributes, in their order: those that were chosen, or those that the server chose. */
export const shownTitles = computed<readonly string[]>(() =>
  columns.value.length > 0 ? columns.value : (listing.value?.columns.map((column) => column.title) ?? []),
);

/** Which value of a series a column shows. */
export type Aggregate = "last" | "min" | "max" | "average" | "variance";
/** Aggregations of a metric, and what each is in words. */
export const aggregates: readonly { name: Aggregate; words: string }[] = [
  { name: "last", words: "value at the last step" },
  { name: "min", words: "lowest along the lineage" },
  { name: "max", words: "highest along the lineage" },
  { name: "average", words: "mean of all points" },
  { name: "variance", words: "variance of all points" },
];
/** Words that are columns beside attributes, and what each is. */
export const wordColumns: readonly { word: string; is: string }[] = [
  { word: "created", is: "when the run was created" },
  { word: "duration", is: "time for which it was running" },
  { word: "experiment", is: "name of the experiment" },
  { word: "run", is: "id of the run" },
  { word: "parent", is: "run that it was forked from" },
  { word: "tags", is: "tags" },
  { word: "group_tags", is: "group tags" },
  { word: "description", is: "description" },
  { word: "owner", is: "who logged it" },
  { word: "state", is: "state" },
];

/** Return the title of the column of an attribute. */
export function titleOfColumn(path: string, aggregate: Aggregate | null): string {
  return aggregate === null ? path : `${aggregate}(${path})`;
}

/** Return the title that a definition's column has when it is simply taken. */
export function plainTitle({ path, type }: Definition): string {
  return titleOfColumn(path, type === "float_series" ? "last" : null);
}

/** Show a column, at the end. */
export function addColumn(title: string): void {
  if (!shownTitles.peek().includes(title)) columns.value = [...shownTitles.peek(), title];
}

/** Hide a column; where it was the last one, the server chooses again. */
export function removeColumn(title: string): void {
  batch(() => {
    columns.value = shownTitles.peek().filter((one) => one !== title);
    if (pinned.peek().includes(title)) pinned.value = pinned.peek().filter((one) => one !== title);
    if (sort.peek().some((one) => one.column === title)) sort.value = sort.peek().filter((one) => one.column !== title);
  });
}

/** Show another column in the place of one; what was sorted by that or pinned is so by the other. */
export function replaceColumn(title: string, other: string): void {
  const titles = shownTitles.peek();
  const instead = (one: string) => (one === title ? other : one);
  batch(() => {
    columns.value = [...new Set(titles.map(instead))];
    pinned.value = pinned.peek().map(instead);
    sort.value = sort.peek().map((one) => ({ ...one, column: instead(one.column) }));
  });
}

/** Put a column before another one, or at the end. */
export function moveColumn(title: string, before: string | null): void {
  columns.value = moved(shownTitles.peek(), title, before);
}

/** Return texts with one of them put before another one, or at the end. */
export function moved(titles: readonly string[], title: string, before: string | null): string[] {
  if (title === before) return [...titles];
  const rest = titles.filter((one) => one !== title);
  const at = before === null ? -1 : rest.indexOf(before);
  return at < 0 ? [...rest, title] : [...rest.slice(0, at), title, ...rest.slice(at)];
}

/** Let a column stay where it is while the table scrolls to the right, or no longer. */
export function togglePinned(title: string): void {
  const before = pinned.peek();
  pinned.value = before.includes(title) ? before.filter((one) => one !== title) : [...before, title];
}

/** Return the key of a column that is always there; those of attributes have their titles, and an attribute may be called "state". */
export function keyOf(kind: "eye" | "name" | "lineage" | "step" | "state" | "changes"): string {
  return `(${kind})`;
}

/** Return what the table is sorted by when it is sorted by a column of its own; null if it cannot be. */
export function sortColumn(key: string, inMode: Mode = mode.peek()): string | null {
  if (key === keyOf("name")) return inMode === "experiments" ? "experiment" : "run";
  if (key === keyOf("step")) return "last_step";
  if (key === keyOf("state")) return "state";
  return key === keyOf("eye") || key === keyOf("lineage") || key === keyOf("changes") ? null : key;
}

/** Return the table's column of what it is sorted by. */
export function keyOfSort(column: string, inMode: Mode, shown: readonly Column[]): string {
  if (shown.some((one) => one.title === column)) return column;
  return [keyOf("name"), keyOf("step"), keyOf("state")].find((key) => sortColumn(key, inMode) === column) ?? column;
}

/** Return the order after a click on a column's head: least first, greatest first, none. */
export function nextSort(before: readonly Sort[], column: string, isAdded: boolean): Sort[] {
  const known = before.find((one) => one.column === column);
  const next = known ? (known.descending ? null : { column, descending: true }) : { column, descending: false };
  if (!isAdded) return next ? [next] : [];
  if (!known) return [...before, { column, descending: false }];
  return before.flatMap((one) => (one.column === column ? (next ?? []) : one));
}
