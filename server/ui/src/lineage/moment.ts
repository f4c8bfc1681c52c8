import type { FamilyRun, RunState, StepRange } from "../api/types";
import { describe, type TreeRun } from "../marks/tree";

/** Runs of a family as they stood at a moment. */
export type Standing = {
  /** With the steps that they had by then. */
  runs: TreeRun[];
  /** Runs that were not there yet. */
  later: ReadonlySet<string>;
  states: ReadonlyMap<string, RunState>;
};

/** Runs that were running at a moment and are not any more: how far they had come has to be asked for. */
export function runningAt(family: readonly FamilyRun[], moment: number | null): string[] {
  if (moment === null) return [];
  return family.filter((run) => secondsOf(run.created) <= moment && ranAt(run, moment)).map((run) => run.run_id);
}

function ranAt(run: FamilyRun, moment: number): boolean {
  return run.ended === null ? run.state === "running" : secondsOf(run.ended) > moment;
}

/**
 * Return how a family stood at a moment: who was the head of each experiment then, what still ran, and how far it had come.
 *
 * @param moment Unix seconds; null is now
 * @param reached last steps of those that ran then, minus infinity for none yet; null while that is not known
 */
export function standingAt(
  family: readonly FamilyRun[],
  moment: number | null,
  reached: ReadonlyMap<string, number> | null = null,
): Standing {
  const states = new Map(family.map((run) => [run.run_id, run.state]));
  const own = (run: FamilyRun) => run.own;
  if (moment === null) return { runs: describe(family, own), later: new Set(), states };
  const later = new Set(family.filter((run) => secondsOf(run.created) > moment).map((run) => run.run_id));
  const there = family.filter((run) => !later.has(run.run_id));
  for (const run of there) if (ranAt(run, moment)) states.set(run.run_id, "running");
  const ownThen = (run: FamilyRun) =>
    reached && ranAt(run, moment) ? upTo(run.own, reached.get(run.run_id)) : run.own;
  const heads = headsOf(there);
  const then = there.map((run) => ({
    ...run,
    is_head: heads.has(run.run_id),
    state: states.get(run.run_id) ?? null,
  }));
  const after = family.filter((run) => later.has(run.run_id)).map((run) => ({ ...run, is_head: false, state: null }));
  const tips = new Map(describe(then, ownThen).map((run) => [run.run_id, run]));
  const ghosts = new Map(describe(after, own).map((run) => [run.run_id, { ...run, isTip: false }]));
  return { runs: family.flatMap((run) => tips.get(run.run_id) ?? ghosts.get(run.run_id) ?? []), later, states };
}

function upTo(own: StepRange | null, step: number | undefined): StepRange | null {
  if (own === null || step === undefined) return own;
  return step < own[0] ? null : [own[0], Math.min(own[1], step)];
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
