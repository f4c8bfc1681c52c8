import { goalOf } from "../text/metrics";
import { remembered } from "./remembered";

/** Whether low or high values of a metric are what one wants; null is neither. */
export type Goal = "min" | "max" | null;

/** Goals that the reader set, by path of the metric; "none" where neither is. */
export const chosenGoals = remembered<Record<string, "min" | "max" | "none">>("goals", {});

/** Return the goal of a metric: what the reader set, else what checkpoints went by, else what its name says. */
export function goalFor(path: string, declared: Goal = null): Goal {
  const chosen = Object.hasOwn(chosenGoals.value, path) ? chosenGoals.value[path] : undefined;
  if (chosen !== undefined) return chosen === "none" ? null : chosen;
  return declared ?? goalOf(path);
}

const nextGoal = { min: "max", max: "none", none: "min" } as const;

/** Give a metric the next goal: low values, high ones, none. */
export function turnGoal(path: string, now: Goal): void {
  setGoal(path, nextGoal[now ?? "none"]);
}

/** Say which values of a metric are what one wants. */
export function setGoal(path: string, goal: "min" | "max" | "none"): void {
  chosenGoals.value = { ...chosenGoals.peek(), [path]: goal };
}

/** Return what a run's checkpoints went by. */
export function declaredGoal(attributes: { [path: string]: { value: unknown } }, path: string): Goal {
  const mode = attributes["checkpoints/mode"]?.value;
  if (attributes["checkpoints/monitor"]?.value !== path) return null;
  return mode === "min" || mode === "max" ? mode : null;
}
