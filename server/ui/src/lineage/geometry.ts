import type { Family, FamilyRun } from "../api/types";
import { laneHeight } from "./lanes";

/** Where everything lies in a lane, px. */
export type Geometry = {
  /** Width of the names at the left. */
  gutter: number;
  /** Width of the drawing, from the gutter on: the scale, and what stands right of its end. */
  width: number;
  /** Where the scale ends. */
  right: number;
  height: number;
  /** Where the river lies. */
  river: number;
  /** Where the highest and the lowest value lie. */
  top: number;
  bottom: number;
  domain: [number, number];
  /** Where a step lies, from the gutter's end. */
  x: (step: number) => number;
  /** The step at a place. */
  step: (x: number) => number;
};

/** Height of the axis above all lanes. */
export const AXIS = 32;
/** Room left of the first step, for marks that stand on it. */
const PAD = 8;

/** Work out where everything lies. */
export function geometryOf(width: number, height: number, lanes: number, domain: [number, number]): Geometry {
  const gutter = width >= 1000 ? 248 : width >= 700 ? 172 : 128;
  const drawing = Math.max(width - gutter, 120);
  const right = drawing - (width >= 1000 ? 112 : 76);
  const lane = laneHeight(lanes, height - AXIS);
  const isRoomy = lane >= 128;
  const river = isRoomy ? 40 : lane >= 92 ? 30 : 24;
  const [low, high] = domain;
  const scale = (right - PAD) / (high - low || 1);
  return {
    gutter,
    width: drawing,
    right,
    height: lane,
    river,
    top: river + (isRoomy ? 22 : 12),
    bottom: lane - (isRoomy ? 18 : 8),
    domain,
    x: (step) => PAD + (step - low) * scale,
    step: (x) => low + (x - PAD) / scale,
  };
}

/** Return the experiment that a family is drawn for; null where it is drawn for a run. */
export function experimentOf(family: Family): string | null {
  const focus = family.runs.find((run) => run.run_id === family.focus);
  return family.experiment ?? (focus?.is_head ? focus.experiment : null);
}

/** Return the first and the last step that a family has points or forks at; null without any. */
export function stepsOfFamily(runs: readonly FamilyRun[]): [number, number] | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const run of runs)
    for (const step of [...(run.own ?? []), ...(run.fork ? [run.fork.step] : [])]) {
      low = Math.min(low, step);
      high = Math.max(high, step);
    }
  return high >= low ? [low, high] : null;
}

/** Return the scale of a family: it begins at 0 unless that lies far from its first step. */
export function domainOf(runs: readonly FamilyRun[]): [number, number] {
  const [low, high] = stepsOfFamily(runs) ?? [0, 1];
  const first = low < high / 4 ? 0 : low;
  return [first, high > first ? high : first + 1];
}

/** Return whether a family counts in whole steps. */
export function countsWhole(runs: readonly FamilyRun[]): boolean {
  return runs.every((run) => [...(run.own ?? []), run.fork?.step ?? 0].every(Number.isInteger));
}

/** Return a step as exact as the drawing is: whole where the family counts so, else to what a pixel shows. */
export function roundStep(step: number, perPixel: number, isWhole: boolean): number {
  if (isWhole) return Math.round(step);
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(perPixel))));
  return Number(step.toFixed(digits));
}
