import type { Content, DifferenceRow } from "../../api/types";
import { goalFor } from "../../state/goals";
import { deltaClass, formatPercent } from "../../text/delta";
import { diffWords } from "../../text/diff";
import { type ColumnFormat, formatContent, formatInColumn, isNumber, toNumber } from "../../text/format";
import { isSame } from "./groups";

/** Props of `ComparisonCell`. */
export type ComparisonCellProps = { row: DifferenceRow; at: number; reference: number; format: ColumnFormat };

/** What a run has: its value, and by how much it differs from the reference's. */
export function ComparisonCell({ row, at, reference, format }: ComparisonCellProps) {
  const value = row.values[at] ?? null;
  const base = row.values[reference] ?? null;
  const isReference = at === reference;
  const same = !isReference && isSame(value, base);
  if (isNumeric(row, value))
    return (
      <>
        <NumberText value={toNumber(value)} format={format} isDim={same} isPadded={row.aggregate !== null} />
        {!isReference && <Delta row={row} at={at} format={format} isSame={same} />}
      </>
    );
  const text = shownText(row, value);
  const isBad = row.path === "sys/state" && (value === "failed" || value === "lost");
  const classes = ["compared-text", (same || value === null) && "dim", isBad && !same && "bad"]
    .filter(Boolean)
    .join(" ");
  if (same || isReference || typeof value !== "string" || typeof base !== "string")
    return (
      <span class={classes} title={text.slice(0, 2000)}>
        {firstLine(shortened(text))}
      </span>
    );
  return <Words before={shownText(row, base)} after={text} isBad={isBad} />;
}

/** Return whether a cell is a number that stands under others. */
export function isNumeric(
  row: DifferenceRow,
  value: Content | undefined,
): value is number | "NaN" | "Infinity" | "-Infinity" {
  return typeof value === "number" || (isNumber(value) && row.type !== "string" && row.type !== "string_series");
}

function shownText(row: DifferenceRow, value: Content): string {
  return formatContent(value, row.type);
}

function firstLine(text: string): string {
  const at = text.indexOf("\n");
  return at < 0 ? text : `${text.slice(0, at)} …`;
}

/** Of a long path the end says most. */
function shortened(text: string): string {
  const parts = text.split("/");
  if (text.length <= 32 || parts.length < 3 || text.includes("\n") || text.includes(" ")) return text;
  return `…/${parts.slice(-2).join("/")}`;
}

/** A text of which the words that the reference has, too, are dim. */
function Words({ before, after, isBad }: { before: string; after: string; isBad: boolean }) {
  if (after.includes("\n") || before.includes("\n"))
    return (
      <span class="compared-text" title={after.slice(0, 2000)}>
        {firstLine(after)}
      </span>
    );
  const parts = diffWords(before, after);
  const lead = parts[0]?.isCommon ? shortenedLead(parts[0].text) : null;
  return (
    <span class={isBad ? "compared-text bad" : "compared-text"} title={after.slice(0, 2000)}>
      {parts.map((part, at) =>
        part.isCommon ? (
          <span key={at} class="dim">
            {at === 0 && lead !== null ? lead : part.text}
          </span>
        ) : (
          <b key={at}>{part.text}</b>
        ),
      )}
    </span>
  );
}

function shortenedLead(text: string): string {
  const at = text.lastIndexOf("/", text.length - 2);
  return text.length > 12 && at >= 0 && !text.includes(" ") ? `…${text.slice(at)}` : text;
}

type NumberTextProps = { value: number; format: ColumnFormat; isDim: boolean; isPadded: boolean };

/** A number, its decimal point below those of its column. */
function NumberText({ value, format, isDim, isPadded }: NumberTextProps) {
  const padded = formatInColumn(value, format);
  const text = isPadded || !padded.includes(".") || padded.includes("e") ? padded : padded.replace(/\.?0+$/, "");
  const point = text.includes("e") ? -1 : text.indexOf(".");
  return (
    <span class={`compared-number ${isDim ? "dim" : Number.isFinite(value) ? "" : "bad"}`} title={String(value)}>
      <span class="whole">{point < 0 ? text : text.slice(0, point)}</span>
      <span class="fraction">{point < 0 ? "" : text.slice(point)}</span>
    </span>
  );
}

function Delta({
  row,
  at,
  format,
  isSame: same,
}: {
  row: DifferenceRow;
  at: number;
  format: ColumnFormat;
  isSame: boolean;
}) {
  const delta = row.delta[at] ?? null;
  const percent = row.percent[at] ?? null;
  if (same) return <span class="compared-delta dim">same</span>;
  if (delta === null) return null;
  const number = toNumber(delta);
  const text = formatInColumn(number, format);
  const isSmall = /^[0.\u2212]*$/.test(text);
  return (
    <>
      <span class="compared-delta">{isSmall ? "±0" : number > 0 ? `+${text}` : text}</span>
      <span class={`compared-percent ${deltaClass(percent, goalFor(row.path, row.goal))}`}>
        {percent === null ? "" : formatPercent(percent)}
      </span>
    </>
  );
}
