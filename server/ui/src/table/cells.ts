import type { Column, Content, Row } from "../api/types";
import {
  type ColumnFormat,
  columnFormat,
  formatContent,
  formatDuration,
  formatInColumn,
  isNumber,
  splitPath,
  toNumber,
} from "../text/format";

/** What a cell says, and how. */
export type Cell = { text: string; isBad: boolean; isNumber: boolean };

const DURATION = "sys/running_time_seconds";
const NOTHING: Cell = { text: "", isBad: false, isNumber: true };

/** Return whether the values of a column are numbers, which stand on the right. */
export function isNumeric(column: Column): boolean {
  return column.type === "float" || column.type === "int" || column.type === "float_series" || column.type === null;
}

/** Return what a row has in a column; an attribute may be called "constructor". */
export function contentOf(row: Row, title: string): Content | undefined {
  return Object.hasOwn(row.values, title) ? row.values[title] : undefined;
}

/** Write one value of a column. */
export function cellOf(value: Content | undefined, column: Column, format: ColumnFormat): Cell {
  if (value === null || value === undefined) return NOTHING;
  const isText = column.type === "string" || column.type === "string_series" || column.type === "datetime";
  if (!isText && isNumber(value)) {
    const number = toNumber(value);
    if (column.path === DURATION) return { text: formatDuration(number), isBad: false, isNumber: true };
    return { text: formatInColumn(number, format), isBad: !Number.isFinite(number), isNumber: true };
  }
  return { text: formatContent(value, column.type), isBad: value === "failed", isNumber: false };
}

/** Choose how the numbers of a column are written, from rows that are seen. */
export function formatOf(rows: Iterable<Row>, title: string): ColumnFormat {
  const numbers: number[] = [];
  for (const row of rows) {
    const value = contentOf(row, title);
    if (isNumber(value)) numbers.push(toNumber(value));
  }
  return columnFormat(numbers);
}

/** Return a format that suits both: columns do not become narrower while one scrolls. */
export function widened(one: ColumnFormat | undefined, other: ColumnFormat): ColumnFormat {
  if (!one) return other;
  return {
    decimals: Math.max(one.decimals, other.decimals),
    isExponential: one.isExponential || other.isExponential,
  };
}

/** Return the two lines of a column's head: path, and which value of the series. */
export function headOf(column: Column): { namespace: string; name: string; below: string } {
  const isWord = column.aggregate === null && column.title !== column.path; // such as "created"
  const [namespace, name] = splitPath(isWord ? column.title : column.path);
  return { namespace, name, below: column.aggregate ?? (column.type === "float_series" ? "last" : "") };
}
