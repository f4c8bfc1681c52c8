import type { Change, FamilyRun } from "../api/types";
import type { TreeRun } from "../marks/tree";
import { formatContent, formatStep } from "../text/format";
import { placeOf } from "../text/identity";

/** Return where a run comes from. */
export function originOf(run: FamilyRun): string {
  if (!run.fork) return "root";
  const step = `fork at step ${formatStep(run.fork.step)}`;
  return run.is_pending ? `${step}, its parent is not here yet` : step;
}

/** Return what a run is the head of, seen from the experiment that was asked for; empty for none. */
export function roleOf(run: FamilyRun, isTip: boolean, experiment: string | null): string {
  if (!isTip) return "";
  if (run.experiment === null) return "";
  return run.experiment === experiment ? "head" : `head of ${run.experiment}`;
}

/** Return who a run is beside its own name, seen from the experiment that was asked for: which run of which experiment. */
export function whoOf(run: FamilyRun, isTip: boolean, experiment: string | null): string {
  const place = placeOf({ ...run, is_head: isTip });
  return run.experiment === null || run.experiment === experiment ? place : `${run.experiment}, ${place}`;
}

/** Return which steps a run has, and what is kept of them. */
export function stepsOf(own: TreeRun["own"], keptTo: number | null): string {
  if (!own) return "no points yet";
  const all = own[0] === own[1] ? `step ${formatStep(own[0])}` : `${formatStep(own[0])} – ${formatStep(own[1])}`;
  if (keptTo === null) return `${all}, pruned`;
  if (keptTo >= own[1]) return `${all}, kept`;
  if (keptTo < own[0]) return `${all}, pruned`;
  return `kept ${formatStep(own[0])} – ${formatStep(keptTo)}, pruned to ${formatStep(own[1])}`;
}

/** Return a change in words. */
export function changeText(change: Change): string {
  if (change.before === null) return `${change.path} = ${shownValue(change.after)}`;
  return `${change.path} ${shownValue(change.before)} → ${change.after === null ? "removed" : shownValue(change.after)}`;
}

/** Return a value of a change in a few words. */
export function shownValue(value: Change["before"]): string {
  if (value === null) return "not set";
  const text = formatContent(value.value, value.type);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
