import type { AttributeType, Axis, Content, JsonNumber } from "../api/types";

const THIN = "\u202f";
const MINUS = "\u2212";

/** Return the number that JSON carries as itself or as a word. */
export function toNumber(value: JsonNumber | null | undefined): number {
  if (typeof value === "number") return value;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  return value === "-Infinity" ? Number.NEGATIVE_INFINITY : Number.NaN;
}

/** Return whether a content is a number, or a word for one. */
export function isNumber(value: Content | undefined): value is JsonNumber {
  return typeof value === "number" || value === "NaN" || value === "Infinity" || value === "-Infinity";
}

function grouped(digits: string): string {
  const [whole, rest] = digits.split(".") as [string, string | undefined];
  const parts = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  return rest === undefined ? parts : `${parts}.${rest}`;
}

/** Return a whole number or a step: thin spaces between thousands from 10 000 on, as many decimals as it has, at most three. */
export function formatStep(step: number | null | undefined): string {
  if (step === null || step === undefined) return "–";
  const text = String(Math.round(Math.abs(step) * 1000) / 1000);
  return (step < 0 ? MINUS : "") + (text.includes("e") ? text : grouped(text));
}

/** Return a number in about `digits` significant digits; small and huge ones with a power of ten. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e9) return exponential(value, digits);
  if (Number.isInteger(value)) return (value < 0 ? MINUS : "") + grouped(String(size));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = String(Number(size.toFixed(Math.min(decimals, 12))));
  return (value < 0 ? MINUS : "") + grouped(text);
}

function exponential(value: number, digits: number): string {
  const [mantissa, exponent] = Math.abs(value)
    .toExponential(digits - 1)
    .split("e") as [string, string];
  const shown = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${value < 0 ? MINUS : ""}${shown}e${exponent.replace("+", "").replace("-", MINUS)}`;
}

/** Return a number exactly, as it was logged. */
export function formatExactly(value: number): string {
  if (!Number.isFinite(value)) return formatNumber(value);
  return String(value).replaceAll("-", MINUS);
}

/** Return how long something took. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const sign = seconds < 0 ? MINUS : "";
  const size = Math.abs(seconds);
  if (size < 1) return `${sign}${Math.round(size * 1000)} ms`;
  if (size < 60) return `${sign}${size < 10 ? Number(size.toFixed(1)) : Math.round(size)} s`;
  if (size < 3600) return `${sign}${Math.floor(size / 60)} min ${Math.floor(size % 60)} s`;
  if (size < 86400) return `${sign}${Math.floor(size / 3600)} h ${Math.floor((size % 3600) / 60)} min`;
  return `${sign}${Math.floor(size / 86400)} d ${Math.floor((size % 86400) / 3600)} h`;
}

const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Return a moment in the reader's own time zone, with seconds. */
export function formatTime(time: string | number | Date): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : `${DATE.format(date)}, ${TIME.format(date)}`;
}

/** Return what x is called: `step 12 500`, `1 h 36 min`, a moment. */
export function formatX(x: number, axis: Axis): string {
  if (axis === "step") return `step ${formatStep(x)}`;
  return axis === "relative" ? formatDuration(x) : formatTime(x * 1000);
}

/** Return the time of day in the reader's own time zone. */
export function formatClock(time: string | number | Date): string {
  return TIME.format(new Date(time));
}

/** Return since when something is: the time of day, with its day where that is another one. */
export function formatSince(time: number, now = Date.now()): string {
  return DATE.format(time) === DATE.format(now) ? formatClock(time) : formatTime(time);
}

/** Return how long ago a moment was; one that is yet to come, by a clock that is wrong, as it is. */
export function formatAge(time: string | number | Date, now = Date.now()): string {
  const seconds = (now - new Date(time).getTime()) / 1000;
  if (seconds < -60) return formatTime(time);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 30 * 86400) return `${Math.floor(seconds / 86400)} d ago`;
  return DATE.format(new Date(time));
}

/** Return a size in bytes. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** Return what an attribute holds, in one line. */
export function formatContent(value: Content | undefined, type: AttributeType | null = null): string {
  if (value === null || value === undefined) return type === "none" ? "None" : "–";
  if (type === "datetime" && typeof value === "string") return formatTime(value);
  const isText = type === "string" || type === "string_series";
  if (typeof value === "number" || (isNumber(value) && !isText)) return formatNumber(toNumber(value), 6);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.join(", ");
  if ("name" in value && "size_bytes" in value) return `${value.name}, ${formatBytes(Number(value.size_bytes))}`;
  return JSON.stringify(value);
}

/** How numbers of one column are written, so that their decimals stand below each other. */
export type ColumnFormat = { decimals: number; isExponential: boolean };

/**
 * Choose how the numbers of one column are written; columns of different attributes are never aligned. What most of them are
 * like decides: one run that diverged must not take the decimals of all others.
 */
export function columnFormat(values: number[]): ColumnFormat {
  const finite = values
    .filter((value) => Number.isFinite(value) && value !== 0)
    .slice(0, 500)
    .map(Math.abs);
  if (finite.length === 0) return { decimals: 0, isExponential: false };
  const usual = [...finite].sort((one, other) => one - other)[Math.floor(finite.length / 2)]!;
  if (usual >= HUGE || usual < TINY) return { decimals: 2, isExponential: true };
  if (finite.every(Number.isInteger)) return { decimals: 0, isExponential: false };
  const needed = Math.max(...finite.map(decimalsOf));
  const power = Math.floor(Math.log10(usual));
  const allowed = Math.max(0, power < 0 ? 3 - power : 4 - power);
  return { decimals: Math.min(needed, allowed), isExponential: false };
}

const HUGE = 1e9;
const TINY = 1e-3;
const LONGEST_ALIGNED = 1e6;
const LARGEST_LOSS = 5e-3; // two digits, and nearly three

function decimalsOf(value: number): number {
  const text = String(value);
  if (text.includes("e")) return 6;
  return text.includes(".") ? text.length - text.indexOf(".") - 1 : 0;
}

/** Write a number of a column. */
export function formatInColumn(value: number, format: ColumnFormat): string {
  if (!Number.isFinite(value)) return formatNumber(value);
  if (format.isExponential) return value === 0 ? "0" : exponential(value, 4);
  const size = Math.abs(value);
  const isOutside = size >= HUGE || (size >= LONGEST_ALIGNED && format.decimals > 0);
  if (isOutside) return formatNumber(value, 3);
  const text = size.toFixed(format.decimals);
  // What is much smaller than its column would lose its digits.
  if (Math.abs(Number(text) - size) > LARGEST_LOSS * size) return formatNumber(value);
  return (value < 0 ? MINUS : "") + grouped(text);
}

/** Split a path into its namespace, with the slash, and its last part. */
export function splitPath(path: string): [string, string] {
  const at = path.lastIndexOf("/");
  return [path.slice(0, at + 1), path.slice(at + 1)];
}

/** Return a count with its noun. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatStep(count)} ${count === 1 ? noun : nouns}`;
}
