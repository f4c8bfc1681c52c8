import { batch, computed, effect, signal } from "@preact/signals";
import { postJson, projectPath } from "../api/client";
import type { Axis, Point } from "../api/types";
import type { Span } from "../chart/view";
import { place, shownProject } from "./address";
import { drawn, drawnIds } from "./drawn";
import { noteAnswer } from "./live";
import { axis, clockWindow, inherited, type Window, xWindow, yWindows } from "./view";

// Windows that follow each other faster than this are one move: dragging and scrolling make one step to go back, not a hundred.
const MOVE_MS = 600;
const MOST_STEPS_BACK = 100;

type Windows = { x: Window; y: string[] };
const past = signal<Windows[]>([]);
const future = signal<Windows[]>([]);
const windowsNow = (): Windows => ({ x: xWindow.peek(), y: yWindows.peek() });

let movedAt = 0;

// Finer than this neither steps nor moments are told apart for sure.
const LEAST_WIDTH = 1e-4;

/** Return a window without what lies beyond everything; null where it is everything. */
export function withinAll([low, high]: Span, all: Span): Window {
  const cut: Span = [Math.max(low, all[0]), Math.min(high, all[1])];
  if (cut[0] >= cut[1]) return [low, high];
  return cut[0] <= all[0] && cut[1] >= all[1] ? null : cut;
}

/** Note what is shown, to go back to it, unless a move goes on. */
function remember(): void {
  const now = performance.now();
  if (now - movedAt > MOVE_MS) {
    past.value = [...past.peek(), windowsNow()].slice(-MOST_STEPS_BACK);
    future.value = [];
  }
  movedAt = now;
}

/** Show a part of x in all charts; null shows everything. */
export function zoomTo(range: Window): void {
  const before = xWindow.peek();
  if (before === range || (before && range && before[0] === range[0] && before[1] === range[1])) return;
  if (range && !(range[1] - range[0] >= LEAST_WIDTH && Number.isFinite(range[1] - range[0]))) return;
  remember();
  xWindow.value = range;
}

/** Show everything again, in all charts. */
export function showAll(): void {
  movedAt = 0;
  if (yWindows.peek().length > 0) remember();
  zoomTo(null);
  clockWindow.value = null;
  yWindows.value = [];
}

/** Return the window of y that was drawn in a chart; null if none was. */
export function yWindowOf(path: string): Span | null {
  const found = yWindows.value.find((one) => one.startsWith(`${path}=`));
  const [low, high] =
    found
      ?.slice(path.length + 1)
      .split("~")
      .map(Number) ?? [];
  return low !== undefined && high !== undefined && low < high ? [low, high] : null;
}

/** Show a part of y in one chart; null fits it to its lines. */
export function setYWindow(path: string, span: Span | null): void {
  remember();
  const others = yWindows.peek().filter((one) => !one.startsWith(`${path}=`));
  yWindows.value = span ? [...others, `${path}=${span.map((end) => Number(end.toPrecision(8))).join("~")}`] : others;
}

function step(from: typeof past, to: typeof past): void {
  const target = from.peek().at(-1);
  if (target === undefined) return;
  batch(() => {
    to.value = [...to.peek(), windowsNow()];
    from.value = from.peek().slice(0, -1);
    movedAt = 0;
    xWindow.value = target.x;
    yWindows.value = target.y;
  });
}

/** Go back to the window before. */
export function undoZoom(): void {
  step(past, future);
}

/** Go forward to the window that one went back from. */
export function redoZoom(): void {
  step(future, past);
}

/** Forget windows and extents of a project with the project, from now on. */
export function keepZooms(): void {
  effect(() => {
    void shownProject.value;
    batch(() => {
      past.value = [];
      future.value = [];
      extents.value = new Map();
    });
  });
}

type Extent = { epoch: string; span: Span };
const extents = signal<ReadonlyMap<string, Extent>>(new Map());

/** What the extent of a chart depends on: another axis or other runs have other ones. */
export const epoch = computed(() => JSON.stringify([place.value.project, axis.value, inherited.value, drawnIds.value]));

/** Note what part of x a metric takes. Where it has grown, and its end was in view, the end stays in view. */
export function noteExtent(path: string, ofEpoch: string, span: Span): void {
  const before = extents.peek().get(path);
  const isSame = before?.epoch === ofEpoch;
  const wider: Span = isSame ? [Math.min(before.span[0], span[0]), Math.max(before.span[1], span[1])] : span;
  if (isSame && wider[0] === before.span[0] && wider[1] === before.span[1]) return;
  const end = extent.peek()[1];
  const range = xWindow.peek();
  batch(() => {
    extents.value = new Map(extents.peek()).set(path, { epoch: ofEpoch, span: wider });
    if (isSame && range && range[1] >= end && wider[1] > range[1])
      xWindow.value = [range[0] + wider[1] - range[1], wider[1]];
  });
}

/** Steps of the runs that are drawn, as the table knows them. */
const rowExtent = computed<Span | null>(() => {
  const lasts = drawn.value.flatMap((run) => {
    const kept = run.row.lineage.flatMap((reach) => [
      reach.kept?.[1],
      inherited.value === "pruned" ? reach.last : null,
    ]);
    return [run.row.last_step, ...kept].filter((one): one is number => typeof one === "number");
  });
  return lasts.length > 0 ? [0, Math.max(...lasts)] : null;
});

/** What part of x there is, over all charts: what they show together while nothing is zoomed. */
export const extent = computed<Span>(() => {
  const now = [...extents.value.values()].filter((one) => one.epoch === epoch.value).map((one) => one.span);
  if (now.length === 0) return (axis.value === "step" ? rowExtent.value : lastKnown(axis.value)) ?? [0, 1];
  return fromZero([Math.min(...now.map((span) => span[0])), Math.max(...now.map((span) => span[1]))], axis.value);
});

/** What begins just after zero, as steps and times since the start do, is shown from zero: the ticks are rounder, and nothing is lost. */
export function fromZero([low, high]: Span, kind: Axis): Span {
  const share = { step: 0.02, relative: 0.1, time: 0 }[kind];
  return low > 0 && low < share * high ? [0, high] : [low, high];
}

function lastKnown(kind: Axis): Span | null {
  const spans = [...extents.value.values()].filter((one) => (JSON.parse(one.epoch) as unknown[])[1] === kind);
  if (spans.length === 0) return null;
  return [Math.min(...spans.map((one) => one.span[0])), Math.max(...spans.map((one) => one.span[1]))];
}

/**
 * Return what part of x a chart shows while nothing is zoomed: what all show together, so that what is above each other happened at the
 * same time; but its own where its points end within the first tenth of that, as those of a metric that counts epochs do.
 */
export function shownByDefault(own: Span | null, all: Span): Span {
  if (!own || own[1] > all[0] + 0.1 * (all[1] - all[0])) return all;
  return own;
}

/**
 * Return which part of x is asked for, for a window. A window that moves along with runs that go on is asked for in steps, a little
 * more than is seen: until it has gone that far, lines that are the same still are not fetched again.
 */
export function askedFor(window: Span | null, end: number, isLive: boolean): Span | null {
  if (!window || !isLive || window[1] < end) return window;
  const unit = 2 ** Math.floor(Math.log2((window[1] - window[0]) / 4));
  return [Math.floor(window[0] / unit) * unit, Math.ceil(window[1] / unit) * unit];
}

/** Return the Unix seconds of an ISO time; a date knows milliseconds alone. */
export function unixSeconds(time: string): number {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  return Math.floor(Date.parse(time) / 1000) + (fraction ? Number(`0.${fraction}`) : 0);
}

// Half of what the server can tell apart: what was a point's own moment is not just before it.
const HALF_MICRO = 5e-7;

/** Return the window on another axis that shows the same, as one run logged it. */
async function translated(range: Span, from: Axis, to: Axis, path: string, runId: string): Promise<Span | null> {
  const project = place.peek().project;
  if (!project) return null;
  const at = async (value: number): Promise<number | null> => {
    const body = {
      run_ids: [runId],
      path,
      x: { kind: from, value: from === "step" ? value : value + HALF_MICRO },
      inherited: "lineage",
    };
    const found = await postJson<{ points: Point[] }>(projectPath(project, "series/at"), body);
    const point = found.points[0];
    if (!point) return null;
    return to === "step" ? point.step : to === "relative" ? point.relative : unixSeconds(point.time);
  };
  const [low, high] = await Promise.all([at(range[0]), at(range[1])]);
  return high !== null && (low ?? Number.NEGATIVE_INFINITY) < high ? [low ?? 0, high] : null;
}

const clocks = new Map<string, number>();

/** Note how many points a metric that is in view has: windows are translated by the one with the most. None forgets it. */
export function noteClock(path: string, points: number): void {
  if (points > 0) clocks.set(path, points);
  else clocks.delete(path);
}

function bestClock(): string | null {
  let best: [string, number] | null = null;
  for (const entry of clocks) if (!best || entry[1] > best[1]) best = entry;
  return best?.[0] ?? null;
}

let changing: Promise<void> = Promise.resolve();
let nextAxis: Axis | null = null;

/** Return what x is, or is about to be. */
export function axisToBe(): Axis {
  return nextAxis ?? axis.peek();
}

/** Take another x; the window moves along. Changes that are asked for one after the other are made one after the other. */
export function changeAxis(to: Axis): Promise<void> {
  nextAxis = to;
  changing = changing.then(() => change(to));
  return changing;
}

async function change(to: Axis): Promise<void> {
  const from = axis.peek();
  const range = xWindow.peek();
  const [run] = drawnIds.peek();
  if (from === to) return;
  let next: Window = null;
  const path = bestClock();
  if (range && run && path !== null)
    next = await translated(range, from, to, path, run).catch((error: unknown) => {
      noteAnswer(error);
      return null;
    });
  batch(() => {
    past.value = [];
    future.value = [];
    xWindow.value = next;
    axis.value = to;
  });
}
