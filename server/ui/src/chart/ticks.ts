import { formatDuration, formatNumber, formatStep } from "../text/format";
import type { Span } from "./view";

/** Ticks of an axis, with what stands beside them. */
export type Ticks = { at: number[]; texts: string[] };

const LEAPS = [1, 2, 2.5, 5, 10];
const MOST_TICKS = 200;

/** Return the smallest step of 1, 2, 2.5 or 5 times a power of ten that makes at most `most` steps of a span; if wanted, a whole one. */
export function niceStep(width: number, most: number, isWhole = false): number {
  const least = width / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(least));
  const leap = LEAPS.find((one) => (!isWhole || one !== 2.5 || power >= 10) && one * power >= least * (1 - 1e-9)) ?? 10;
  return leap * power;
}

function multiples([low, high]: Span, step: number): number[] {
  const found: number[] = [];
  const last = Math.floor(high / step + 1e-9);
  for (let at = Math.ceil(low / step - 1e-9); at <= last && found.length < MOST_TICKS; at++)
    found.push(Number((at * step).toPrecision(12)) + 0);
  return found;
}

/** Return ticks of a linear axis. */
export function linearTicks(span: Span, most: number): Ticks {
  const step = niceStep(span[1] - span[0], most);
  const at = multiples(span, step);
  const largest = Math.max(...at.map(Math.abs), step);
  const digits = Math.min(15, Math.max(4, Math.ceil(Math.log10(largest / step)) + 2));
  return { at, texts: at.map((value) => formatNumber(value, digits)) };
}

/** Return ticks of an axis of steps. */
export function stepTicks(span: Span, most: number): Ticks {
  const step = niceStep(span[1] - span[0], most, true);
  const at = multiples(span, step);
  return { at, texts: at.map((value) => (step < 1e-3 ? formatNumber(value, 12) : formatStep(value))) };
}

/** Return ticks of a logarithmic axis: powers of ten, 2 and 5 between them where there are few, evenly spaced ones in less than a decade. */
export function logTicks(span: Span, most: number): Ticks {
  const [low, high] = [Math.log10(span[0]), Math.log10(span[1])];
  if (high - low < 0.7) return linearTicks(span, most);
  const every = Math.max(1, Math.ceil((high - low) / Math.max(1, most)));
  const between = every === 1 && (high - low) * 3 <= most ? [1, 2, 5] : [1];
  const at: number[] = [];
  for (let power = Math.floor(low); power <= high; power++) {
    if (power % every !== 0) continue;
    for (const one of between) {
      const value = Number(`${one}e${power}`);
      if (value >= span[0] * (1 - 1e-9) && value <= span[1] * (1 + 1e-9)) at.push(value);
    }
  }
  return at.length > 1 ? { at, texts: at.map((value) => formatNumber(value)) } : linearTicks(span, Math.max(3, most));
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const SECONDS = [1, 2, 5, 10, 15, 30];
const SPANS = [
  ...SECONDS,
  ...SECONDS.map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 28].map((count) => count * DAY),
];

function timeStep(width: number, most: number): number {
  const least = width / Math.max(1, most);
  if (least <= 1) return niceStep(width, most);
  return SPANS.find((one) => one >= least) ?? niceStep(width / DAY, most, true) * DAY;
}

/** Return ticks of an axis of seconds since the start. */
export function durationTicks(span: Span, most: number): Ticks {
  const at = multiples(span, timeStep(span[1] - span[0], most));
  return {
    at,
    texts: at.map((seconds) => (seconds === 0 ? "0" : formatDuration(seconds).replace(/ 0 (s|min|h)$/, ""))),
  };
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECOND_CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric" });

/** Return ticks of an axis of Unix seconds, at round times of the reader's own time zone; a new day is told by its date. */
export function clockTicks(span: Span, most: number): Ticks {
  const step = timeStep(span[1] - span[0], most);
  const offset = new Date(span[0] * 1000).getTimezoneOffset() * 60 || 0;
  const at = multiples([span[0] - offset, span[1] - offset], step).map((seconds) => seconds + offset);
  const clock = step < MINUTE ? SECOND_CLOCK : CLOCK;
  const texts = at.map((seconds) => {
    const date = new Date(seconds * 1000);
    if (Number.isNaN(date.getTime())) return formatNumber(seconds);
    const isMidnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
    if (step >= DAY || isMidnight) return (step > 180 * DAY ? YEAR : DATE).format(date);
    return step < 1
      ? `${SECOND_CLOCK.format(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`
      : clock.format(date);
  });
  return { at, texts };
}
