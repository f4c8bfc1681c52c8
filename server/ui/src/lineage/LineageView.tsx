import "./lineage.css";
import "./lanes.css";
import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { Line } from "../api/frames";
import type { Family } from "../api/types";
import { suitsLog } from "../chart/range";
import { Waiting } from "../controls/Waiting";
import { useHeight, useWidth } from "../controls/width";
import { marks } from "../marks/shapes";
import { hrefNow, place } from "../state/address";
import { useCurves, useFamily, useMetrics, useReached } from "../state/family";
import { asOf, hidesPruned, lineageScale, lineageWindow, pinnedMetric, selectedRuns, unfolded } from "../state/view";
import { domainOf, geometryOf } from "./geometry";
import { LaneList } from "./LaneList";
import { LineageControls } from "./LineageControls";
import { type Entry, layOutEntries } from "./lanes";
import { runningAt, type Standing, standingAt } from "./moment";
import { extentOf } from "./scales";
import { TimeStrip } from "./TimeStrip";

/** Props of `LineageView`. */
export type LineageViewProps = {
  /** A run, or an experiment. */
  name: string;
  /** What stands left of the controls. */
  head?: (shown: {
    family: Family;
    standing: Standing;
    metric: string | null;
    curves: ReadonlyMap<string, Line>;
  }) => ComponentChildren;
};

/** A family as a tree over steps, with one metric of every run; the Lineage page and the run page's tab show it. */
export function LineageView({ name, head }: LineageViewProps) {
  const answer = useFamily(name);
  if (answer.error !== null && !answer.value)
    return (
      <div class="failed">
        <h2>There is no lineage to draw</h2>
        <p class="prose">{answer.error}</p>
        <a class="button" href={hrefNow({ page: "lineage", project: place.value.project }, { family: null })}>
          All experiments
        </a>
      </div>
    );
  if (!answer.value) return <div class="lineage">{answer.isSlow && <Waiting />}</div>;
  return <Shown key={name} family={answer.value} head={head} />;
}

/** Lines are asked for all runs of a small family, else for those in view: this many runs. */
const MOST_LINES = 64;
const POINTS = 40_000;
const LANES_AHEAD = 12;

function Shown({ family, head }: { family: Family; head: LineageViewProps["head"] }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const height = useHeight(box);
  const ids = useMemo(() => family.runs.map((run) => run.run_id), [family]);
  const metrics = useLatest(useMetrics(ids).value, true) ?? NO_METRICS;
  const metric = useMetric(metrics);
  const moment = asOf.value > 0 ? asOf.value : null;
  const running = useMemo(() => runningAt(family.runs, moment), [family, moment]);
  const reached = useLatest(useReached(running, metric, moment).value, running.length > 0 && metric !== null);
  const standing = useMemo(() => standingAt(family.runs, moment, reached), [family, moment, reached]);
  const domain = lineageWindow.value ?? domainOf(family.runs);
  const [low, high] = domain;
  const entries = useMemo(() => {
    const ask = (geometry: ReturnType<typeof geometryOf>) =>
      layOutEntries({
        family: family.runs,
        standing: standing.runs,
        x: geometry.x,
        bend: marks.bend.page,
        keeps: new Set([family.focus, ...selectedRuns.value]),
        unfolded: new Set(unfolded.value),
        hidesPruned: hidesPruned.value,
      });
    const geometry = geometryOf(width, height, family.runs.length, [low, high]);
    return ask(geometry);
  }, [family, standing, width, height, low, high, selectedRuns.value, unfolded.value, hidesPruned.value]);
  const geometry = useMemo(
    () => geometryOf(width, height, entries.length, [low, high]),
    [width, height, entries.length, low, high],
  );
  const [firstLane, setFirstLane] = useState(0);
  const wanted = useWanted(entries, firstLane, family);
  const asked = {
    runIds: wanted,
    path: metric,
    range: lineageWindow.value,
    buckets: Math.max(64, Math.min(Math.round(geometry.right / 2), Math.floor(POINTS / Math.max(1, wanted.length)))),
  };
  const curves = useKept(useCurves(asked).value, `${metric} ${lineageWindow.value?.join(" ")}`);
  const extent = useMemo(() => extentOf(curves.values()), [curves]);
  const suits = useMemo(() => suitsLog([...curves.values()], false), [curves]);
  const isLog = lineageScale.value === "auto" ? suits : lineageScale.value === "log";
  return (
    <div class="lineage">
      <div class="lineage-top">
        {head?.({ family, standing, metric, curves })}
        <LineageControls metrics={metrics} metric={metric} isLog={isLog} />
      </div>
      <div class="lineage-body" ref={box}>
        {width > 0 && height > 0 && (
          <LaneList
            family={family}
            entries={entries}
            later={standing.later}
            geometry={geometry}
            curves={curves}
            extent={extent}
            isLog={isLog}
            metric={metric}
            view={{ width, height }}
            onFirstLane={setFirstLane}
          />
        )}
      </div>
      <TimeStrip
        runs={family.runs}
        moment={moment}
        onChange={(next) => {
          asOf.value = next ?? 0;
        }}
      />
    </div>
  );
}

const NO_METRICS: readonly string[] = [];

/** The pinned metric, or one that was chosen at first: one that is logged later takes nobody's place. */
function useMetric(metrics: readonly string[]): string | null {
  const first = useRef<string | null>(null);
  if (metrics.length > 0 && !metrics.includes(first.current ?? "")) first.current = metrics[0]!;
  return pinnedMetric.value || first.current;
}

const NONE: ReadonlyMap<string, Line> = new Map();

/** Runs whose lines are drawn, and the parents whose lines are their ghosts. */
function useWanted(entries: readonly Entry[], firstLane: number, family: Family): string[] {
  // Scrolling a little asks for nothing new.
  const first = Math.max(0, Math.floor(firstLane / LANES_AHEAD) * LANES_AHEAD - LANES_AHEAD);
  const shown = entries.slice(first, first + MOST_LINES).map((entry) => entry.run.run_id);
  return useMemo(() => {
    const parents = new Map(family.runs.map((run) => [run.run_id, run.fork?.parent]));
    const found = new Set(shown);
    for (const runId of shown) {
      const parent = parents.get(runId);
      if (parent && parents.has(parent)) found.add(parent);
    }
    return [...found].sort();
  }, [shown.join("\n"), family]);
}

/** The last value that was there, as long as one is wanted: while the handle of time is drawn, lines do not jump to their ends. */
function useLatest<T>(value: T | null, isWanted: boolean): T | null {
  const latest = useRef<T | null>(null);
  if (value !== null || !isWanted) latest.current = value;
  return latest.current;
}

/** Lines that were fetched stay while others are: those of lanes that were seen, and all of them until newer ones are there. */
function useKept(found: ReadonlyMap<string, Line> | null, about: string): ReadonlyMap<string, Line> {
  const kept = useRef({ about, lines: NONE });
  return useMemo(() => {
    if (found) {
      const before = kept.current.about === about ? kept.current.lines : NONE;
      kept.current = { about, lines: new Map([...before, ...found]) };
    }
    return kept.current.lines;
  }, [found, about]);
}
