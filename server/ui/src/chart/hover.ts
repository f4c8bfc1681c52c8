import type { Axis, Point } from "../api/types";
import {
  columnFormat,
  formatDuration,
  formatExactly,
  formatInColumn,
  formatNumber,
  formatStep,
  formatTime,
  formatX,
  plural,
} from "../text/format";
import { meanings } from "../text/words";
import { type Near, nearestLines } from "./nearest";
import { nonFiniteOf } from "./nonfinite";
import { type ChartLine, diamondY } from "./scene";
import type { TooltipContent, TooltipRow } from "./tooltip";
import { projectionOf, toPixelX, toPixelY, type View } from "./view";

type Place = { x: number; y: number };

/** How many runs a tooltip tells of. */
export const MOST_ROWS = 5;
/** A line that is further away than this is not what is pointed at. */
export const POINTING_DISTANCE = 40;

/** Return the lines near a place, the one that is pointed at (or hovered elsewhere) first. */
export function linesNear(
  lines: readonly ChartLine[],
  view: View,
  at: { x: number; y: number },
  hovered: string | null,
): Near[] {
  const found = nearestLines(lines, view, at.x, at.y, lines.length);
  const first = found.findIndex((near) => lines[near.line]!.run_id === hovered);
  if (first > 0) found.unshift(...found.splice(first, 1));
  return found.slice(0, MOST_ROWS);
}

const MARK_REACH = 8;

/** Return what a fork's diamond means that is pointed at, or the ring of the best value; null where none is. */
export function markNear(lines: readonly ChartLine[], view: View, at: Place): string | null {
  const projection = projectionOf(view);
  for (const line of lines) {
    const { best } = line;
    if (best && Math.hypot(at.x - toPixelX(projection, best.x), at.y - toPixelY(projection, best.y)) <= MARK_REACH)
      return best.text;
    for (const [place, fork] of line.forks.entries()) {
      if (fork.y === null) continue;
      const [x, y] = [toPixelX(projection, fork.x), toPixelY(projection, diamondY(line, fork.x, fork.y))];
      const text = line.forkTexts?.[place] ?? `forked at step ${formatStep(fork.step)}`;
      if (Math.hypot(at.x - x, at.y - y) <= MARK_REACH) return text;
    }
  }
  return null;
}

/** Return what a tooltip says of the lines near the pointer; exact points, once they are known, add the other two ways to say when. */
export function contentOf(
  lines: readonly ChartLine[],
  near: readonly Near[],
  axis: Axis,
  exact: readonly Point[] | null,
  note: string | null,
): TooltipContent {
  const [first] = near;
  const main = first && lines[first.line]!;
  const count = first && main ? main.count[first.entry]! : 0;
  const values = near.map((one) => lines[one.line]!.y[one.entry]!);
  const format = columnFormat(values.map((value) => Number(value.toPrecision(6))));
  const isExact = near.every((one) => lines[one.line]!.is_raw && !lines[one.line]!.raw);
  const rows = near.map((one, at): TooltipRow => {
    const line = lines[one.line]!;
    const value = line.y[one.entry]!;
    return {
      id: line.run_id,
      title: line.title,
      colour: line.colour.text,
      value: isExact ? formatNumber(value, 6) : formatInColumn(value, format),
      exact: isExact ? formatExactly(value) : "",
      range: rangeText(line, one.entry),
      isHovered: at === 0,
    };
  });
  const point = exact?.find((one) => one.run_id === main?.run_id);
  return {
    where: main && first ? formatX(main.x[first.entry]!, axis) : "",
    aside: point ? asideOf(point, axis) : "",
    points: first ? plural(Math.max(count, 1), "point") : "",
    rows,
    time: axis === "time" || !first ? undefined : point ? formatTime(point.time) : "",
    note,
  };
}

function asideOf(point: Point, axis: Axis): string {
  const parts = [
    axis === "step" ? null : `step ${formatStep(point.step)}`,
    axis === "relative" || point.relative === null ? null : formatDuration(point.relative),
  ];
  return parts.filter(Boolean).join(" · ");
}

function rangeText(line: ChartLine, entry: number): string {
  if (line.raw) return `logged ${formatNumber(line.raw[entry]!)}`;
  const [low, high] = [line.min[entry]!, line.max[entry]!];
  return line.count[entry]! > 1 && low < high ? `${formatNumber(low, 3)} – ${formatNumber(high, 3)}` : "";
}

/** Return the rows of a tooltip as tab-separated values, with a head. */
export function tabSeparated(lines: readonly ChartLine[], near: readonly Near[], path: string, axis: Axis): string {
  const cell = (value: string | number) => String(value).replaceAll(/[\t\n\r]/g, " ");
  const rows = near.map((one) => {
    const line = lines[one.line]!;
    const at = one.entry;
    return [line.run_id, line.title, path, line.x[at]!, line.y[at]!, line.min[at]!, line.max[at]!, line.count[at]!];
  });
  const head = ["run", "name", "metric", axis, "value", "min", "max", "points"];
  return [head, ...rows].map((row) => row.map(cell).join("\t")).join("\n");
}

/** Return what a chart shows, for those who do not see it. */
export function described(path: string, lines: readonly ChartLine[], axis: Axis): string {
  if (lines.length === 0) return `${path}: no lines`;
  const told = lines.slice(0, 20).map((line) => {
    const end = line.last ? `last ${formatNumber(line.last.y)} at ${formatX(line.last.x, axis)}` : "no points";
    return `${line.title}: ${end}`;
  });
  const more = lines.length > told.length ? [`and ${lines.length - told.length} more`] : [];
  return `${path}: ${plural(lines.length, "line")}. ${[...told, ...more].join("; ")}`;
}

/** Return how many points a logarithmic axis has no place for; of a bucket that reaches below zero only that there is one is known. */
export function atOrBelowZero(lines: readonly ChartLine[]): { count: number; isExact: boolean } {
  let count = 0;
  let isExact = true;
  for (const line of lines)
    for (let at = 0; at < line.x.length; at++) {
      if (!(line.min[at]! <= 0)) continue;
      const isWhole = line.max[at]! <= 0 || line.count[at]! <= 1;
      count += isWhole ? Math.max(1, line.count[at]!) : 1;
      isExact &&= isWhole;
    }
  return { count, isExact };
}

/** Words about what is special in a chart, with what they mean; `x` is the place that they are about. */
export type Tag = { text: string; isBad: boolean; title?: string; x?: number };

/** Return words about what is special in a chart: its scale, points that are no numbers, points that are drawn each. */
export function tagsOf(
  lines: readonly ChartLine[],
  { isLog, axis }: { isLog: boolean; axis: Axis },
  isPointwise: boolean,
): Tag[] {
  const nonfinite = nonFiniteOf(lines, axis);
  const bests = lines.flatMap((line) => line.best?.text ?? []);
  const below = isLog ? atOrBelowZero(lines) : { count: 0, isExact: true };
  const tags = [
    below.count > 0 && {
      text: `${below.isExact ? "" : "at least "}${formatStep(below.count)} at or below 0`,
      isBad: true,
    },
    nonfinite && { ...nonfinite, isBad: true, title: "Zoom to the first" },
    isLog && { text: "log", isBad: false, title: meanings.log },
    bests.length > 0 && { text: "best pruned", isBad: false, title: bests.slice(0, MOST_ROWS).join("\n") },
    isPointwise && { text: "raw points", isBad: false, title: meanings["raw points"] },
  ];
  return tags.flatMap((tag) => (tag ? [tag] : []));
}
