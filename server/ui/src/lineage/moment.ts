import type { FamilyRun, RunState } from "../api/types";
import { describe, type TreeRun } from "../marks/tree";

/** Runs of a family as they stood at a moment. */
export type Standing = {
  runs: TreeRun[];
  /** Runs that were not there yet. */
  later: ReadonlySet<string>;
  states: ReadonlyMap<string, RunState>;
};

/**
 * Return how a family stood at a moment: who was the head of each experiment then, and what still ran.
 *
 * @param moment Unix seconds; null is now
 */
export function standingAt(family: readonly FamilyRun[], moment: number | null): Standing {
  const states = new Map(family.map((run) => [run.run_id, run.state]));
  const own = (run: FamilyRun) => run.own;
  if (moment === null) return { runs: describe(family, own), later: new Set(), states };
  const later = new Set(family.filter((run) => secondsOf(run.created) > moment).map((run) => run.run_id));
  const there = family.filter((run) => !later.has(run.run_id));
  for (const run of there)
    if (run.ended === null ? run.state === "running" : secondsOf(run.ended) > moment) states.set(run.run_id, "running");
  const heads = headsOf(there);
  const then = there.map((run) => ({
    ...run,
    is_head: heads.has(run.run_id),
    state: states.get(run.run_id) ?? null,
  }));
  const after = family.filter((run) => later.has(run.run_id)).map((run) => ({ ...run, is_head: false, state: null }));
  const tips = new Map(describe(then, own).map((run) => [run.run_id, run]));
  const ghosts = new Map(describe(after, own).map((run) => [run.run_id, { ...run, isTip: false }]));
  return { runs: family.flatMap((run) => tips.get(run.run_id) ?? ghosts.get(run.run_id) ?? []), later, states };
}

/** The run of each experiment that was created last. */
function headsOf(runs: readonly FamilyRun[]): Set<string> {
  const heads = new Map<string, FamilyRun>();
  for (const run of runs) {
    if (run.experiment === null || run.is_archived) continue;
    const before = heads.get(run.experiment);
    if (!before || isAfter(run, before)) heads.set(run.experiment, run);
  }
  return new Set([...heads.values()].map((run) => run.run_id));
}

function isAfter(one: FamilyRun, other: FamilyRun): boolean {
  const apart = secondsOf(one.created) - secondsOf(other.created);
  return apart !== 0 ? apart > 0 : one.run_id > other.run_id;
}

/** Return a time as Unix seconds. */
export function secondsOf(time: string): number {
  return new Date(time).getTime() / 1000;
}

/** Moments at which a family changed: every creation, by time, with the runs that were created then. */
export function creations(family: readonly FamilyRun[]): { seconds: number; run: FamilyRun }[] {
  return family
    .map((run) => ({ seconds: secondsOf(run.created), run }))
    .filter(({ seconds }) => Number.isFinite(seconds))
    .sort((one, other) => one.seconds - other.seconds || (one.run.run_id < other.run.run_id ? -1 : 1));
}
