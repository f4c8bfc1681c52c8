import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import { postJson, projectPath } from "../api/client";
import type { Axis, Point } from "../api/types";
import { type Tag, tagsOf } from "../chart/hover";
import { nameWidth } from "../chart/look";
import { mountChart } from "../chart/mount";
import type { ChartProps, MountedChart } from "../chart/mounted";
import { readPalette } from "../chart/palette";
import { extentOf, suitsLog } from "../chart/range";
import { type ChartLine, showsPoints } from "../chart/scene";
import { firstAtOrAfter, type Span } from "../chart/view";
import { copy } from "../controls/clipboard";
import { place } from "../state/address";
import type { DrawnRun } from "../state/drawn";
import { goalFor } from "../state/goals";
import { cursor, hoveredRun } from "../state/hover";
import { connection, noteAnswer } from "../state/live";
import { OWN_NAMESPACE } from "../state/metricSearch";
import { type Answer, covers, type Question, type SeriesState, subscribe } from "../state/series";
import { theme } from "../state/theme";
import {
  axis,
  chosenScale,
  clockWindow,
  ignoresOutliers,
  inherited,
  lineValue,
  smoothingAsked,
  xWindow,
} from "../state/view";
import {
  askedFor,
  epoch,
  extent,
  fromZero,
  noteClock,
  noteExtent,
  setYWindow,
  showAll,
  shownByDefault,
  withinAll,
  yWindowOf,
  zoomTo,
} from "../state/windows";
import { bestsOf, decorator } from "./decorated";

const LEAST_BUCKETS = 64;
const MOST_BUCKETS = 2000;
const MOST_VERTICES = 120_000;
/** Room for the ticks of y. */
export const TICKS_WIDTH = 54;
const MOST_NAME_WIDTH = 110;
/** Room on the right where no names stand: half a tick of x. */
const BARE_WIDTH = 24;

/** Colours of the theme, as charts need them. */
export const palette = signal(readPalette());

/** Keep the colours of charts with the theme, from now on; returns what ends it. */
export function keepPalette(): () => void {
  return effect(() => {
    void theme.value;
    // the page has the theme's colours once it has been told of the theme
    queueMicrotask(() => {
      palette.value = readPalette();
    });
  });
}

/** Return how much room names need beside a plot; the same for all charts, so that equal x are above each other. */
export function gutterOf(runs: readonly DrawnRun[], chartWidth: number): number {
  if (chartWidth > 0 && chartWidth < 240) return 12;
  const widest = Math.max(0, ...runs.slice(0, 200).map((run) => nameWidth(run.title, true, palette.value)));
  return Math.ceil(Math.min(widest, MOST_NAME_WIDTH, chartWidth * 0.3)) + 18;
}

/** Return into how many buckets x is divided: one for a pixel, fewer where many lines are drawn. */
export function bucketsFor(plotWidth: number, lines: number): number {
  const most = Math.min(MOST_BUCKETS, Math.floor(MOST_VERTICES / Math.max(1, lines)));
  return Math.max(LEAST_BUCKETS, Math.min(most, Math.ceil(plotWidth / 50) * 50));
}

/** Return what x is in a chart: what runfork measures itself has no steps. */
export function axisOf(path: string, chosen: Axis): Axis {
  return chosen === "step" && path.startsWith(`${OWN_NAMESPACE}/`) ? "relative" : chosen;
}

/** A chart on the page that follows the view. */
export type ConnectedChart = {
  mounted: MountedChart;
  tags: ReadonlySignal<Tag[]>;
  lines: ReadonlySignal<readonly ChartLine[]>;
  isLog: ReadonlySignal<boolean>;
  state: ReadonlySignal<SeriesState>;
  question: ReadonlySignal<Question | null>;
  end: () => void;
};

/** What a connected chart is about. */
export type ChartSubject = {
  path: string;
  runs: ReadonlySignal<readonly DrawnRun[]>;
  /** Width of the element, px; 0 before it is known. */
  width: ReadonlySignal<number>;
  /** Whether names stand beside the plot. */
  hasNames: boolean;
};

/** Put the chart of a metric into an element, and keep it with the view, the runs and the server from now on. */
export function connectChart(element: HTMLElement, subject: ChartSubject): ConnectedChart {
  const { path, runs, width } = subject;
  const own = computed(() => axisOf(path, axis.value));
  const isSynced = computed(() => own.value === axis.value);
  const window = computed(() => (isSynced.value ? xWindow.value : clockWindow.value));
  const gutter = computed(() => (subject.hasNames ? gutterOf(runs.value, width.value) : BARE_WIDTH));
  const lineage = computed(
    () => new Set(runs.value.flatMap((run) => [run.run_id, ...run.row.lineage.map((reach) => reach.run_id)])),
  );
  const subscription = subscribe(path, () => lineage.peek());
  const isLive = computed(() => runs.value.some((run) => run.row.state === "running"));
  const range = computed(() =>
    askedFor(window.value, isSynced.value ? extent.value[1] : Number.POSITIVE_INFINITY, isLive.value),
  );
  const question = computed<Question | null>(() => {
    if (runs.value.length === 0 || width.value === 0) return null;
    const [seen, asked] = [window.value, range.value];
    const plot = width.value - TICKS_WIDTH - gutter.value;
    const share = seen && asked ? (asked[1] - asked[0]) / (seen[1] - seen[0]) : 1;
    return {
      run_ids: runs.value.map((run) => run.run_id),
      x: own.value,
      range: asked,
      buckets: bucketsFor(plot * share, runs.value.length),
      inherited: inherited.value === "off" ? "own" : "lineage",
      pruned: inherited.value === "pruned",
      line: lineValue.value,
      smoothing: smoothingAsked.value,
      grid: "steady",
    };
  });
  const shown = computed(() => chosenAnswer(subscription.state.value, window.value));
  const whole = computed(() => subscription.state.value.whole);
  const bests = computed(() => bestsOf(whole.value, goalFor(path)));
  const lines = computed(decorator({ shown, runs, own, bests }));
  const extentHere = computed(() => extentOf(lines.value));
  const isLog = makeScale(path, lines, () => shown.peek()?.question ?? null);
  const x = computed<Span>(() => {
    if (window.value) return window.value;
    if (!isSynced.value) return extentHere.value ? fromZero(extentHere.value, own.value) : [0, 1];
    return shownByDefault(extentHere.value, extent.value);
  });
  const props = computed<ChartProps>(() => ({
    path,
    axis: own.value,
    lines: lines.value,
    x: x.value,
    y: yWindowOf(path),
    isLog: isLog.value,
    ignoresOutliers: ignoresOutliers.value,
    hovered: lines.value.some((line) => line.run_id === hoveredRun.value) ? hoveredRun.value : null,
    cursor: cursor.value?.axis === own.value && cursor.value.chart !== path ? cursor.value.x : null,
    left: TICKS_WIDTH,
    right: gutter.value,
    palette: palette.value,
    isServerAway: connection.value === "away",
  }));
  const tags: Signal<Tag[]> = signal([]);
  const mounted = mountChart(element, { ...props.peek(), ...handlers(path, own, isSynced, lines) });
  const ends = [
    effect(() => {
      if (question.value) subscription.ask(question.value);
    }),
    effect(() => {
      const now = props.value;
      mounted.update(now);
      tags.value = tagsOf(now.lines, now, isPointwise(now, mounted));
    }),
    effect(() => {
      const span = extentHere.value;
      const answer = shown.value;
      if (span && answer && isSynced.value && answer.question.x === axis.value)
        untracked(() => noteExtent(path, epochOf(answer), span));
      if (isSynced.value && lines.value[0]) noteClock(path, lines.value[0].points);
    }),
  ];
  return {
    mounted,
    tags,
    lines,
    isLog,
    state: subscription.state,
    question,
    end: () => {
      for (const end of ends) end();
      noteClock(path, 0);
      subscription.end();
      mounted.remove();
    },
  };
}

/** Extents count for the runs that are drawn: those of an answer about other runs do not. */
function epochOf(answer: Answer): string {
  const [project, kind, how, ids] = JSON.parse(epoch.peek()) as [string, Axis, string, string[]];
  const isSame = kind === answer.question.x && ids.join() === answer.question.run_ids.join();
  return isSame ? JSON.stringify([project, kind, how, ids]) : "before";
}

function chosenAnswer({ fine, whole }: SeriesState, window: Span | null): Answer | null {
  if (!fine || !whole) return fine ?? whole;
  if (window === null) return whole.question.x === fine.question.x ? whole : fine;
  return covers(fine, window) || fine.question.x !== whole.question.x ? fine : whole;
}

/** Say whether y is logarithmic: as was chosen for this chart, for all, or as suits. What suits is not decided anew by zooming. */
function makeScale(
  path: string,
  lines: ReadonlySignal<readonly ChartLine[]>,
  questionOf: () => Question | null,
): ReadonlySignal<boolean> {
  let decided: { runs: string; isLog: boolean } | null = null;
  return computed(() => {
    const chosen = chosenScale(path);
    if (chosen !== "auto") return chosen === "log";
    const now = lines.value;
    const question = questionOf();
    if (now.length === 0 || !question) return decided?.isLog ?? false;
    const runs = question.run_ids.join();
    if (decided && decided.runs === runs && question.range !== null) return decided.isLog;
    decided = { runs, isLog: suitsLog(now, decided?.runs === runs && decided.isLog) };
    return decided.isLog;
  });
}

function isPointwise(now: ChartProps, mounted: MountedChart): boolean {
  const width = mounted.view()?.plot.width ?? 0;
  const inView = now.lines.filter((line) => firstAtOrAfter(line.x, now.x[0]) < firstAtOrAfter(line.x, now.x[1]));
  return (
    inView.length > 0 &&
    inView.every((line) => showsPoints({ x: line.x, isRaw: line.is_raw }, now.x, width)) &&
    inView.some((line) => line.x.length > 1)
  );
}

function handlers(
  path: string,
  own: ReadonlySignal<Axis>,
  isSynced: ReadonlySignal<boolean>,
  lines: ReadonlySignal<readonly ChartLine[]>,
): Partial<ChartProps> {
  return {
    onHover: (runId) => {
      hoveredRun.value = runId;
    },
    onCursor: (x) => {
      if (x !== null) cursor.value = { axis: own.peek(), x, chart: path };
      else if (cursor.peek()?.chart === path) cursor.value = null;
    },
    onZoom: (x, y) => {
      if (isSynced.peek()) zoomTo(withinAll(x, extent.peek()));
      else clockWindow.value = x;
      if (y) setYWindow(path, y);
    },
    onReset: showAll,
    onCopy: (text, what) => void copy(text, what),
    askExact: async (runIds, x) => {
      const { project } = place.peek();
      if (!project || lines.peek().length === 0) return [];
      const body = {
        run_ids: runIds,
        path,
        x: { kind: own.peek(), value: x },
        inherited: inherited.peek() === "off" ? "own" : "lineage",
      };
      try {
        const found = await postJson<{ points: Point[] }>(projectPath(project, "series/at"), body);
        noteAnswer();
        return found.points;
      } catch (error) {
        noteAnswer(error);
        throw error;
      }
    },
  };
}
