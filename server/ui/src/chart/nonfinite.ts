import type { Axis } from "../api/types";
import { formatStep, formatX } from "../text/format";
import { type ChartLine, showsPoints } from "./scene";
import { projectionOf, toPixelX, type View } from "./view";

const KINDS = [
  ["nan", "NaN"],
  ["inf", "Inf"],
  ["ninf", "−Inf"],
] as const;
const WORDS = { nan: "NaN", inf: "Inf", "-inf": "−Inf" };
type Counted = Pick<ChartLine, "nan" | "inf" | "ninf" | "nonfinite">;

/** What is no number: how many of which, and where the first is. */
export function nonFiniteOf(lines: readonly Counted[], axis: Axis): { text: string; x: number } | null {
  const first = Math.min(...lines.flatMap((line) => line.nonfinite.map(({ x }) => x)));
  if (first === Number.POSITIVE_INFINITY) return null;
  const counts = KINDS.flatMap(([kind, word]) => {
    const count = lines.reduce((all, line) => all + line[kind], 0);
    return count > 0 ? [`${formatStep(count)} ${word}`] : [];
  });
  return { text: `${counts.join(", ")} from ${formatX(first, axis)}`, x: first };
}

const REACH = { x: 6, y: 12 };

/** A mark of what is no number: which, where, and whether a closer look tells more. */
export type NonFiniteMark = { text: string; x: number; isWhole: boolean };

/** Return the mark that is pointed at, of what is no number: on the floor of the plot, or at its ceiling. */
export function nonFiniteAt(
  lines: readonly ChartLine[],
  view: View,
  at: { x: number; y: number },
  axis: Axis,
): NonFiniteMark | null {
  const { plot } = view;
  const isHigh = at.y <= plot.top + REACH.y;
  if (!isHigh && at.y < plot.top + plot.height - REACH.y) return null;
  const projection = projectionOf(view);
  let best: NonFiniteMark | null = null;
  let nearest = REACH.x;
  for (const line of lines)
    for (const { x, kind } of line.nonfinite) {
      const isFirst = line.nonfinite.find((one) => one.kind === kind)!.x === x;
      const distance = Math.abs(toPixelX(projection, x) - at.x);
      if (distance > nearest || (kind === "inf") !== isHigh) continue;
      nearest = distance;
      const text = `${line.title}: ${WORDS[kind]} ${line.is_raw || isFirst ? "at" : "near"} ${formatX(x, axis)}`;
      best = { text, x, isWhole: showsPoints({ x: line.x, isRaw: line.is_raw }, view.x, plot.width) };
    }
  return best;
}
