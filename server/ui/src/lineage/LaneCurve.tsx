import { useMemo } from "preact/hooks";
import type { Line } from "../api/frames";
import type { RunColour } from "../marks/colour";
import { formatNumber } from "../text/format";
import { stretch, type ValueScale } from "./scales";

/** Props of `LaneCurve`. */
export type LaneCurveProps = {
  line: Line;
  /** The line of the run that it left, and where. */
  parent: { line: Line; from: number } | null;
  /** The step at which its own part begins; null for a root. */
  forkStep: number | null;
  /** Up to which step the run is kept; null if nothing is. */
  keptTo: number | null;
  isTip: boolean;
  x: (step: number) => number;
  scale: ValueScale;
  colour: RunColour;
  /** The last step that is drawn: where the run had come to at the moment that is shown; null is all. */
  until: number | null;
  /** How far to the right the drawing reaches, px. */
  right: number;
  /** Whether what no head keeps is left out. */
  hidesPruned: boolean;
};

/** The pinned metric of a run: what it inherited, its own part, and as a ghost how its parent went on. */
export function LaneCurve(props: LaneCurveProps) {
  const { line, parent, forkStep, keptTo, isTip, x, scale, colour, right, hidesPruned, until } = props;
  const end = until ?? Number.POSITIVE_INFINITY;
  const start = forkStep ?? Number.NEGATIVE_INFINITY;
  const kept = keptTo ?? Number.NEGATIVE_INFINITY;
  const isWhole = kept >= (line.last?.x ?? 0);
  const paths = useMemo(
    () => ({
      ghost: parent ? stretch(parent.line, parent.from, Number.POSITIVE_INFINITY, x, scale.y) : "",
      inherited: forkStep === null ? "" : stretch(line, Number.NEGATIVE_INFINITY, start, x, scale.y),
      own: kept > start ? stretch(line, start, Math.min(kept, end), x, scale.y) : "",
      pruned: stretch(line, Math.max(start, kept), end, x, scale.y),
    }),
    [line, parent?.line, parent?.from, start, kept, end, x, scale],
  );
  return (
    <>
      {paths.ghost && <path class="bed ghost" d={paths.ghost} />}
      {paths.inherited && <path class="curve inherited" stroke={colour.line} d={paths.inherited} />}
      {paths.pruned && !hidesPruned && kept !== Number.POSITIVE_INFINITY && <path class="bed" d={paths.pruned} />}
      {paths.own && <path class={isTip ? "curve own tip" : "curve own"} stroke={colour.line} d={paths.own} />}
      {(isWhole || !hidesPruned) && end >= (line.last?.x ?? 0) && (
        <LastValue {...props} isKept={isWhole} right={right} />
      )}
    </>
  );
}

function LastValue({ line, forkStep, x, scale, colour, isTip, isKept, right }: LaneCurveProps & { isKept: boolean }) {
  const last = line.last;
  if (!last || (forkStep !== null && last.x <= forkStep) || !Number.isFinite(last.y)) return null;
  const [left, top] = [x(last.x), scale.y(last.y)];
  if (left < 0 || left > right) return null;
  const fits = left + 60 < right;
  return (
    <>
      <circle cx={left} cy={top} r={2.5} fill={isKept ? colour.line : "var(--bed)"} />
      <text
        class={isTip ? "lane-value tip" : "lane-value"}
        style={{ fill: isKept ? colour.text : "var(--ink-2)" }}
        x={fits ? left + 8 : left - 6}
        y={fits ? top + 4 : top - 7}
        text-anchor={fits ? "start" : "end"}
      >
        {formatNumber(last.y)}
      </text>
    </>
  );
}
