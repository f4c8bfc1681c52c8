import type { Line } from "../api/frames";

/** A value that a fork left behind and that is better than all that was kept. */
export type PrunedBest = { x: number; y: number; run_id: string; kept: number };

/** Return the best value of what was pruned of a line, if nothing that was kept comes up to it. */
export function prunedBestOf(
  { min, max, pruned }: Pick<Line, "min" | "max" | "pruned">,
  goal: "min" | "max" | null,
): PrunedBest | null {
  if (goal === null || pruned.length === 0) return null;
  const sign = goal === "min" ? 1 : -1;
  let kept = Number.POSITIVE_INFINITY;
  for (const value of goal === "min" ? min : max) if (Number.isFinite(value)) kept = Math.min(kept, sign * value);
  let best: PrunedBest | null = null;
  let least = kept;
  for (const { x, y, run_id } of pruned)
    for (let at = 0; at < x.length; at++) {
      if (!(Number.isFinite(y[at]!) && sign * y[at]! < least)) continue;
      least = sign * y[at]!;
      best = { x: x[at]!, y: y[at]!, run_id, kept: sign * kept };
    }
  return Number.isFinite(kept) ? best : null;
}
