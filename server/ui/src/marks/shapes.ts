import type { RunState } from "../api/types";

/** Measures of the marks; the same numbers serve SVG and canvas. */
export const marks = {
  /** Radius of a fork's diamond: in rows, in charts, on pages. */
  diamond: { row: 2.7, chart: 3.8, page: 5 },
  /** Radius of a line's end: in rows, in charts, on pages. */
  mouth: { row: 3, chart: 3.2, page: 4 },
  /** Dots of what was pruned. */
  pruned: { width: 1.5, dash: [0.1, 3.6] as const },
  /** Width of a run's own part: in rows, in charts, on pages. */
  own: { row: 2.5, chart: 2, page: 3 },
  /** Width of an inherited part right above the run, and how much thinner each run further up is. */
  inherited: { row: 1.6, chart: 1.25, page: 2, thinner: 0.8, thinnest: 1 },
  /** Width of a kept part in a lane of its own, and of the curve that leads to it. */
  upstream: { row: 1.75, page: 2.5 },
  curve: { row: 1.5, page: 2 },
  /** How far below the line the lanes of what was pruned lie, nearest first. */
  lanes: { row: [6.6, 12] as const, page: [18, 36] as const },
  /** How far to the right the curve of a fork reaches: in a glyph, in a row of a tree, in a wide one, on pages. */
  bend: { glyph: 12, row: 13, wide: 22, page: 30 },
  /** Height and width of a checkpoint's tick, and how far above the middle of the line it begins. */
  tick: { height: 5, width: 1.5, gap: 3 },
} as const;

const LEFT_MARGIN = 2;
const RIGHT_MARGIN = 12;

/**
 * Return where steps lie in a row of a given width: the axis in the column's head, hairlines and rivers all use it. Right of the
 * last step there is room for the arrow of a run that goes on.
 */
export function rowScale(domain: readonly [number, number], width: number): (step: number) => number {
  const [low, high] = domain;
  const perStep = Math.max(width - LEFT_MARGIN - RIGHT_MARGIN, 1) / (high - low || 1);
  return (step) => LEFT_MARGIN + (step - low) * perStep;
}

/** Return the path of a diamond. */
export function diamondPath(x: number, y: number, r: number): string {
  return `M${x - r} ${y}L${x} ${y - r}L${x + r} ${y}L${x} ${y + r}Z`;
}

/** How the end of a line is drawn: by its state, so that no column needs to say it. */
export type Mouth = "disc" | "ring" | "cross" | "broken" | "bar" | "dots";

/** Return the shape of a line's end. Without a server only what was still running is unknown. */
export function mouthOf(state: RunState, isServerAway = false): Mouth {
  switch (state) {
    case "running":
      return isServerAway ? "dots" : "ring";
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

/**
 * Return the curve from a parent's lane to a child's, `reach` to the right and `dy` down: it leaves at the true step and
 * arrives level.
 */
export function forkCurve(x: number, y: number, dy: number, reach: number): string {
  return `M${x} ${y}c${0.7 * reach} 0 ${0.25 * reach} ${dy} ${reach} ${dy}`;
}

/** A part of a fork's curve: its path, and how far down the curve it begins, for dots that go on where those above ended. */
export type CurvePart = { path: string; begins: number };

/**
 * Return the part of a curve that lies between two heights; null if none does. A long curve is drawn in every lane that it
 * passes, and what lies outside the lane costs time, too.
 */
export function forkCurvePart(
  x: number,
  y: number,
  dy: number,
  reach: number,
  between: readonly [number, number],
): CurvePart | null {
  const [from, to] = between.map((height) => Math.min(1, Math.max(0, (height - y) / dy))) as [number, number];
  if (from >= 1 || to <= 0) return null;
  const [t, u] = [timeAt(from), timeAt(to)];
  const xs = blossoms([0, 0.7 * reach, 0.25 * reach, reach], t, u);
  const ys = blossoms([0, 0, dy, dy], t, u);
  const at = (index: number) => `${round(x + xs[index]!)} ${round(y + ys[index]!)}`;
  return { path: `M${at(0)}C${at(1)} ${at(2)} ${at(3)}`, begins: from * Math.abs(dy) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The parameter at which the curve has come down a part of its height: the inverse of 3t² - 2t³. */
function timeAt(part: number): number {
  return 0.5 - Math.sin(Math.asin(1 - 2 * part) / 3);
}

/** Control points of the part of a cubic Bézier curve between two parameters. */
function blossoms([a, b, c, d]: readonly [number, number, number, number], t: number, u: number): number[] {
  const blend = (r: number, s: number, v: number) => {
    const first = mix(mix(a, b, r), mix(b, c, r), s);
    const second = mix(mix(b, c, r), mix(c, d, r), s);
    return mix(first, second, v);
  };
  return [blend(t, t, t), blend(t, t, u), blend(t, u, u), blend(u, u, u)];
}

function mix(one: number, other: number, part: number): number {
  return one + (other - one) * part;
}
