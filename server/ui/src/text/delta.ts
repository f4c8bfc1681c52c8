import { formatNumber } from "./format";

const MINUS = "\u2212";
const NARROW = "\u202f";

/** Return a change in percent: with its sign, no decimals from 10 % on. */
export function formatPercent(percent: number): string {
  if (!Number.isFinite(percent)) return "";
  const size = Math.abs(percent);
  const digits = size >= 9.95 || size === 0 ? 0 : size >= 0.095 ? 1 : 2;
  const text = size >= 1e6 ? formatNumber(size, 2) : trimmed(size.toFixed(digits));
  const grouped = size >= 1000 && size < 1e6 ? text.replace(/\B(?=(\d{3})+$)/g, NARROW) : text;
  return `${sign(percent, text)}${grouped}${NARROW}%`;
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function sign(value: number, text: string): string {
  if (/^[0.]*$/.test(text)) return value === 0 ? "" : "±";
  return value > 0 ? "+" : MINUS;
}

/** Return whether a change is for the better; null where no goal is known or nothing changed. */
export function isBetter(change: number, goal: "min" | "max" | null): boolean | null {
  if (goal === null || change === 0 || Number.isNaN(change)) return null;
  return change > 0 === (goal === "max");
}

/** Return the class of a change: good, bad, or none. */
export function deltaClass(change: number | null, goal: "min" | "max" | null): string {
  const better = change === null ? null : isBetter(change, goal);
  return better === null ? "" : better ? "good" : "bad";
}
