import { postBytes, postJson, projectPath } from "../api/client";
import { type Frame, type Line, readFrame } from "../api/frames";
import type { BucketsQuery, JsonNumber, Point, RunValues } from "../api/types";
import { toNumber } from "../text/format";
import { byInterest, goalOf } from "../text/metrics";
import { place } from "./address";
import { type Answer, useAnswer } from "./answer";
import { pinnedMetric } from "./view";

/** A metric of a run and of its parent at the last step that both have. */
export type OutcomeRow = {
  path: string;
  step: number;
  /** Where the parent has nothing later than the fork to compare with: the run's own last step, `step` is where it began. */
  until: number | null;
  before: number;
  after: number;
  /** Change in percent of the parent's value; null where that says nothing. */
  percent: number | null;
};
/** What came of a fork. */
export type Outcome = { rows: OutcomeRow[]; pinned: { own: Line; parent: Line | null } | null };

const MOST_METRICS = 6;
const BUCKETS = 256;

/** Return the metrics of a run that one would look at first; the pinned one leads. */
export function chooseMetrics({ attributes }: RunValues, pinned: string): string[] {
  const metrics = Object.entries(attributes).flatMap(([path, { type }]) =>
    type === "float_series" && !/^(sys|runtime)\//.test(path) ? [path] : [],
  );
  const known = byInterest(metrics);
  const named = known.filter((path) => goalOf(path) !== null);
  const first = metrics.includes(pinned) ? [pinned] : [];
  return [...new Set([...first, ...(named.length > 0 ? named : known)])].slice(0, MOST_METRICS);
}

/** What came of a run, against its parent; kept up to date. */
export function useOutcome(found: RunValues): Answer<Outcome> {
  const project = place.value.project!;
  const { run } = found;
  const paths = chooseMetrics(found, pinnedMetric.value);
  const parent = run.fork && !run.fork.is_pending ? run.fork.parent : null;
  const question = paths.length > 0 ? `outcome\n${project}\n${run.run_id}\n${parent}\n${paths.join("\n")}` : null;
  const about = run.lineage.map((reach) => reach.run_id);
  return useAnswer(question, (signal) => ask(project, run.run_id, parent, paths, signal), about);
}

async function ask(
  project: string,
  runId: string,
  parent: string | null,
  paths: string[],
  signal: AbortSignal,
): Promise<Outcome> {
  const body: BucketsQuery = {
    run_ids: parent ? [runId, parent] : [runId],
    paths,
    x: "step",
    range: null,
    buckets: BUCKETS,
    inherited: "lineage",
    pruned: true,
    line: "last",
    smoothing: null,
  };
  const frame = readFrame(await postBytes(projectPath(project, "series/buckets"), body, signal));
  const own = lineOf(frame, runId, paths[0]!);
  const pinned = own && own.x.length > 0 ? { own, parent: parent ? lineOf(frame, parent, paths[0]!) : null } : null;
  if (!parent) return { rows: [], pinned };
  const rows = await Promise.all(paths.map((path) => compareAt(project, frame, runId, parent, path, signal)));
  return { rows: rows.flatMap((row) => row ?? []), pinned };
}

function lineOf(frame: Frame, runId: string, path: string): Line | null {
  return frame.lines.find((line) => line.run_id === runId && line.path === path) ?? null;
}

async function compareAt(
  project: string,
  frame: Frame,
  runId: string,
  parent: string,
  path: string,
  signal: AbortSignal,
): Promise<OutcomeRow | null> {
  const ends = [lineOf(frame, runId, path)?.last?.x, lineOf(frame, parent, path)?.last?.x];
  if (ends[0] === undefined || ends[1] === undefined) return null;
  const at = async (value: number) => {
    const body = { run_ids: [parent, runId], path, x: { kind: "step", value }, inherited: "lineage" };
    const { points } = await postJson<{ points: Point[] }>(projectPath(project, "series/at"), body, signal);
    return [parent, runId].map((one) => points.find((point) => point.run_id === one)) as [Point?, Point?];
  };
  const last = await at(Math.min(ends[0], ends[1]));
  // The last points up to there may stand at different steps: one of them may have the other's, too.
  const earlier = apart(last) > 0 ? await at(Math.min(last[0]!.step, last[1]!.step)) : last;
  const [before, after] = apart(earlier) < apart(last) ? earlier : last;
  if (!before || !after) return null;
  // The same point of both: the fork has logged nothing of this metric, or its parent nothing since.
  if (after.source_run === before.source_run) return sinceFork(after, lineOf(frame, runId, path));
  return outcomeRow(path, after.step, before.value, after.value);
}

function apart([before, after]: [Point?, Point?]): number {
  return before && after ? Math.abs(before.step - after.step) : 0;
}

/** Compare a run with where it began. */
function sinceFork(begin: Point, own: Line | null): OutcomeRow | null {
  if (!own?.last || !(own.last.x > begin.step) || !Number.isFinite(own.last.y)) return null;
  return { ...outcomeRow(own.path, begin.step, begin.value, own.last.y), until: own.last.x };
}

/** Compare two values of a metric. */
export function outcomeRow(path: string, step: number, before: JsonNumber, after: JsonNumber): OutcomeRow {
  const [old, now] = [toNumber(before), toNumber(after)];
  const percent = (100 * (now - old)) / Math.abs(old);
  return {
    path,
    step,
    until: null,
    before: old,
    after: now,
    percent: Number.isFinite(percent) ? percent : null,
  };
}
