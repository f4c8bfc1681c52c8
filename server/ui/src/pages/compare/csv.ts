import type { Content, DifferenceRow } from "../../api/types";

/** Return rows and runs as CSV (RFC 4180): path, statistic, a column for each run. */
export function comparisonCsv(rows: readonly DifferenceRow[], runIds: readonly string[]): string {
  const head = ["attribute", "statistic", ...runIds];
  const lines = rows.map((row) => [row.path, row.aggregate ?? "", ...row.values.map(csvText)]);
  return [head, ...lines].map((cells) => cells.map(quoted).join(",")).join("\r\n");
}

function csvText(value: Content | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
