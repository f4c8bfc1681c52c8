import { MouthMark, type RiverSize } from "./River";
import { diamondPath, forkCurvePart, marks } from "./shapes";
import type { TreeCurve, TreeLane, TreeRun } from "./tree";

/** Props of `TreeSlice`. */
export type TreeSliceProps = {
  /** One lane of what `layOutTree` returned; for a row of 28 px with `rowScale` and `marks.bend.row` (`wide` above 400 px). */
  lane: TreeLane;
  /** Where steps lie: the same function as for `layOutTree`. */
  x: (step: number) => number;
  /** First step of the scale: from there a parent that has not arrived is dotted. */
  low: number;
  width: number;
  /** Height of every lane: curves that pass are drawn as far as they lie in this one. */
  height: number;
  /** Where in the lane the line lies; its middle unless told. */
  y?: number;
  size?: RiverSize;
  /** Colour of the lines of a run. */
  colour: (run: TreeRun) => string;
  isServerAway?: boolean;
  /** Whether what no head keeps is left out. */
  hidesPruned?: boolean;
};

/**
 * One lane's part of a tree: its line, the diamonds on it, and its slice of every curve that leaves, passes or arrives. Slices
 * below each other make the whole tree, so rows can be virtual.
 */
export function TreeSlice({
  lane,
  x,
  low,
  width,
  height,
  y = height / 2,
  size = "row",
  colour,
  isServerAway = false,
  hidesPruned = false,
}: TreeSliceProps) {
  const shared = { x, low, y, size, colour, isServerAway, hidesPruned };
  const curves = lane.curves.filter((curve) => curve.isKept || !hidesPruned);
  const isCrowded = size === "row" && curves.length > MOST_CURVES;
  const passing = isCrowded ? curves.filter((curve) => curve.down > 0) : [];
  const told = isCrowded ? curves.filter((curve) => curve.down === 0) : curves;
  return (
    <svg class="tree-slice" width={width} height={height} aria-hidden="true">
      {/* What lies dry first, then what was inherited, then the own part: where curves share a stretch, the living one is seen. */}
      {passing.length > 0 && <Bundle curves={passing} height={height} {...shared} />}
      {[...told].sort(driestFirst).map((curve) => (
        <ForkCurve key={curve.child.run_id} curve={curve} height={height} {...shared} />
      ))}
      {lane.keptTo !== null || !hidesPruned ? <LaneLine lane={lane} {...shared} /> : null}
    </svg>
  );
}

/** More curves in a row are not told apart: those that go further down are one bundle. */
const MOST_CURVES = 24;

/** Curves that go on below a crowded row, as one. */
function Bundle({ curves, height, x, low, y }: Shared & { curves: readonly TreeCurve[]; height: number }) {
  const parts = curves.map(
    ({ child, up, down, reach }) =>
      forkCurvePart(x(child.fork_step ?? low), y + up * height, (down - up) * height, reach, [-1, height + 1])?.path,
  );
  return <path class="bundle" d={parts.filter(Boolean).join("")} />;
}

/** Leave out diamonds that would hide in one another, where there are many; of several at one place the first stays. */
function apart(forks: readonly TreeRun[], place: (run: TreeRun) => number, r: number): readonly TreeRun[] {
  if (forks.length <= MOST_CURVES) return forks;
  let next = Number.POSITIVE_INFINITY;
  return [...forks]
    .sort((one, other) => place(other) - place(one))
    .filter((fork) => {
      if (place(fork) > next - 2 * r) return false;
      next = place(fork);
      return true;
    });
}

const DOTS = marks.pruned.dash[0] + marks.pruned.dash[1];

type Shared = Required<Pick<TreeSliceProps, "x" | "low" | "y" | "size" | "colour" | "isServerAway" | "hidesPruned">>;

function driestFirst(one: TreeCurve, other: TreeCurve): number {
  return wetness(one) - wetness(other);
}

function wetness(curve: TreeCurve): number {
  return curve.child.isTip ? 2 : curve.isKept ? 1 : 0;
}

/** The curve to a child, as far as it lies in this lane. */
function ForkCurve({ curve, height, x, low, y, size, colour }: Shared & { curve: TreeCurve; height: number }) {
  const { child, up, down, reach, isKept } = curve;
  const part = forkCurvePart(x(child.fork_step ?? low), y + up * height, (down - up) * height, reach, [-1, height + 1]);
  if (!part) return null;
  if (!isKept) return <path class="bed" d={part.path} stroke-dashoffset={part.begins % DOTS} />;
  const isSubject = size === "page" && child.isTip;
  return (
    <path
      class={isSubject ? "water own" : "water inherited"}
      stroke={colour(child)}
      stroke-width={isSubject ? marks.own.page : marks.curve[size]}
      d={part.path}
    />
  );
}

/** A lane's line with the diamonds on it and its end. */
function LaneLine({ lane, x, low, y, size, colour, isServerAway, hidesPruned }: Shared & { lane: TreeLane }) {
  const { run, start, keptTo } = lane;
  const last = run.own?.[1] ?? null;
  const water = keptTo === null ? null : Number.isFinite(keptTo) ? keptTo : last;
  const end = Math.max(start, last === null ? start : x(last));
  const isDry = water !== null && last !== null && last > water;
  const bedFrom = water === null ? start : Math.max(start, x(water));
  const stroke = colour(run);
  const showsEnd = !(hidesPruned && isDry);
  return (
    <>
      {run.isPending && run.fork_step !== null && <path class="bed" d={`M${x(low)} ${y}H${x(run.fork_step)}`} />}
      {(water === null || isDry) && !hidesPruned && end > bedFrom && <path class="bed" d={`M${bedFrom} ${y}H${end}`} />}
      {water !== null && (
        <line
          class={run.isTip ? "water own" : "water upstream"}
          stroke={stroke}
          stroke-width={run.isTip ? marks.own[size] : marks.upstream[size]}
          x1={start}
          x2={Math.max(x(water), start + 0.5)}
          y1={y}
          y2={y}
        />
      )}
      {showsEnd && (
        <MouthMark
          x={end}
          y={y}
          r={marks.mouth[size] * (run.isTip ? 1 : 0.85)}
          state={run.state}
          colour={run.state === "lost" && !run.isTip ? "var(--bed)" : stroke}
          isServerAway={isServerAway}
        />
      )}
      {apart(lane.forks, (child) => x(child.fork_step ?? low), marks.diamond[size]).map((child) => (
        <path
          key={child.run_id}
          class="diamond"
          data-fork={child.run_id}
          stroke={colour(child)}
          d={diamondPath(x(child.fork_step ?? low), y, marks.diamond[size])}
        />
      ))}
    </>
  );
}
