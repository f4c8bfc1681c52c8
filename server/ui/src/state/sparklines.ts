import { type Signal, signal } from "@preact/signals";
import { postBytes, projectPath } from "../api/client";
import { type Line, readFrame } from "../api/frames";
import type { BucketsQuery, Row } from "../api/types";
import { changedRuns, noteAnswer, revision } from "./live";

const BATCH_MS = 40;
const BATCH_PATHS = 40;
const BUCKETS = 64;
const MOST_KEPT = 2000;
const OLDEST_MS = 1000;

type Kept = { line: Signal<Line | null>; revision: number; askedAt: number };

const kept = new Map<string, Kept>();
const waiting = new Map<string, { project: string; runId: string; path: string }>();
const changedAt = new Map<string, number>();
let isScheduled = false;

/**
 * Return the line of a run's series in few points; it is fetched with others that are asked for at about the same time, and
 * again, at most once a second, when it is asked for after the run's lineage changed.
 */
export function sparkline(project: string, run: Row, path: string): Signal<Line | null> {
  const runId = run.run_id;
  const revision = lastChange(run);
  const key = `${project}\n${runId}\n${path}`;
  let found = kept.get(key);
  if (!found) {
    found = { line: signal(null), revision: -1, askedAt: Number.NEGATIVE_INFINITY };
    kept.set(key, found);
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
  }
  if (found.revision !== revision && !waiting.has(key) && performance.now() - found.askedAt > OLDEST_MS) {
    found.revision = revision;
    found.askedAt = performance.now();
    waiting.set(key, { project, runId, path });
    if (!isScheduled) setTimeout(askAll, BATCH_MS);
    isScheduled = true;
  }
  return found.line;
}

/** Return the last revision in which something of a run's lineage changed. */
function lastChange(run: Row): number {
  const now = revision.value;
  const before = changedAt.get(run.run_id);
  const changed = changedRuns.peek();
  if (before !== undefined && changed && !run.lineage.some((reach) => changed.has(reach.run_id))) return before;
  changedAt.set(run.run_id, now);
  return now;
}

function askAll(): void {
  isScheduled = false;
  const groups = new Map<string, { project: string; runId: string; paths: string[] }>();
  for (const { project, runId, path } of waiting.values()) {
    const key = `${project}\n${runId}`;
    const group = groups.get(key) ?? { project, runId, paths: [] };
    group.paths.push(path);
    groups.set(key, group);
  }
  waiting.clear();
  for (const { project, runId, paths } of groups.values())
    for (let at = 0; at < paths.length; at += BATCH_PATHS) void ask(project, runId, paths.slice(at, at + BATCH_PATHS));
}

async function ask(project: string, runId: string, paths: string[]): Promise<void> {
  const body: BucketsQuery = {
    run_ids: [runId],
    paths,
    x: "step",
    range: null,
    buckets: BUCKETS,
    inherited: "lineage",
    pruned: false,
    line: "last",
    smoothing: null,
  };
  try {
    const frame = readFrame(await postBytes(projectPath(project, "series/buckets"), body));
    noteAnswer();
    for (const line of frame.lines) {
      const found = kept.get(`${project}\n${runId}\n${line.path}`);
      if (found) found.line.value = line;
    }
  } catch (error) {
    noteAnswer(error);
    for (const path of paths) {
      const found = kept.get(`${project}\n${runId}\n${path}`);
      if (found) found.revision = -1;
    }
  }
}
