import type { RunState } from "../api/types";

/** Measures of the marks; the same numbers serve SVG and canvas. */
export const marks = {
  /** Radius of a fork's diamond: in rows, in charts, on pages. */
  diamond: { row: 2.7, chart: 3.8, page: 5 },
  /** Radius of a line's end: in rows, in charts, on pages. */
  mouth: { row: 2.4, chart: 3.2, page: 4 },
  /** Dots of what was pruned. */
  pruned: { width: 1.5, dash: [0.1, 3.6] as const },
  /** Width of a run's own part: in rows, in charts, on pages. */
  own: { row: 2.5, chart: 2, page: 3.5 },
  /** Width of an inherited part right above the run, and how much thinner each run further up is. */
  inherited: { row: 1.6, chart: 1.25, page: 1.75, thinner: 0.85 },
  /** Distance of the lanes of what was pruned, in a row. */
  lane: 5.6,
} as const;

/** Return the path of a diamond. */
export function diamondPath(x: number, y: number, r: number): string {
  return `M${x - r} ${y}L${x} ${y - r}L${x + r} ${y}L${x} ${y + r}Z`;
}

/** How the end of a line is drawn: by its state, so that no column needs to say it. */
export type Mouth = "disc" | "ring" | "cross" | "broken" | "bar" | "dots";

/** Return the shape of a line's end. */
export function mouthOf(state: RunState, isServerAway = false): Mouth {
  if (isServerAway) return "dots";
  switch (state) {
    case "running":
      return "ring";
    case "failed":
      return "cross";
    case "lost":
      return "broken";
    case "preempted":
    case "aborted":
      return "bar";
    default:
      return "disc";
  }
}

/** A curve from a parent's lane to a child's: it leaves at the true step and arrives level. */
export function forkCurve(x: number, y: number, dy: number): string {
  const k = Math.min(Math.max(Math.abs(dy) * 0.45, 4), 30);
  return `M${x} ${y}c${0.7 * k} 0 ${0.25 * k} ${dy} ${k} ${dy}`;
}

/** How far to the right a curve reaches before it is level. */
export function forkReach(dy: number): number {
  return Math.min(Math.max(Math.abs(dy) * 0.45, 4), 30);
}
