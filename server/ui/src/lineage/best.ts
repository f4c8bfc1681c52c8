import type { Extremes, FamilyRun, Point } from "../api/types";
import { describe, keptEnds } from "../marks/tree";
import type { Goal } from "../state/goals";
import { toNumber } from "../text/format";

/** The best point that a run shows, and the better one that its family has beside it. */
export type Bests = { shown: Point | null; beyond: Point | null };

/** Return the best points of a run's line and of its family; none where it is not known what is better. */
export function bestsOf(line: Extremes, family: Extremes, goal: Goal): Bests {
  if (goal === null) return { shown: null, beyond: null };
  const name = goal === "min" ? "least" : "greatest";
  const [shown, best] = [line[name], family[name]];
  const isBetter = best !== null && (shown === null || isBelow(best, shown, goal));
  return { shown, beyond: isBetter ? best : null };
}

function isBelow(one: Point, other: Point, goal: Goal): boolean {
  const difference = toNumber(one.value) - toNumber(other.value);
  return goal === "min" ? difference < 0 : difference > 0;
}

/** Return what became of a point of a family: "pruned", or the head that shows it, where that is another run. */
export function fateOf(point: Point, runs: readonly FamilyRun[]): string {
  const writer = runs.find((run) => run.run_id === point.source_run);
  const kept = keptEnds(describe(runs, (run) => run.own)).get(point.source_run);
  if (kept === undefined || point.step > kept) return "pruned";
  return writer?.is_head && writer.experiment !== null ? `head of ${writer.experiment}` : "";
}
