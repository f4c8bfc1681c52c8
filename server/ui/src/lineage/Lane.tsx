import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Line } from "../api/frames";
import type { Change, Mark } from "../api/types";
import { diamondPath, marks } from "../marks/shapes";
import { TreeSlice } from "../marks/TreeSlice";
import type { TreeLane, TreeRun } from "../marks/tree";
import { hoveredRun } from "../state/hover";
import { connection } from "../state/live";
import { colourOf } from "../state/theme";
import { hidesPruned } from "../state/view";
import { formatNumber } from "../text/format";
import type { Geometry } from "./geometry";
import { LaneCurve } from "./LaneCurve";
import { FoldedLabel, LaneLabel } from "./LaneLabel";
import { changeText, shownValue } from "./laneFacts";
import type { Entry } from "./lanes";
import { pointAt, type ValueScale } from "./scales";

/** Props of `Lane`. */
export type LaneProps = {
  entry: Entry;
  index: number;
  count: number;
  id: string;
  experiment: string | null;
  geometry: Geometry;
  ticks: readonly number[];
  line: Line | null;
  parentLine: Line | null;
  scale: ValueScale | null;
  cursor: ReadonlySignal<number | null>;
  isActive: boolean;
  isSelected: boolean;
  isAway: boolean;
  /** Runs that were not there yet at the moment that is shown. */
  later: ReadonlySet<string>;
};

/** One run of a family: who it is, its river, what it changed, and the pinned metric; drawn again only where that differs. */
export function Lane(props: LaneProps) {
  const { entry, index, count, experiment, geometry, ticks, line, parentLine, scale, later } = props;
  const { isActive, isSelected, isAway } = props;
  return useMemo(
    () => <Drawn {...props} />,
    [entry, index, count, experiment, geometry, ticks, line, parentLine, scale, later, isActive, isSelected, isAway],
  );
}

function Drawn(props: LaneProps) {
  const { entry, index, count, id, experiment, geometry, isActive, isSelected, isAway, later } = props;
  const { run, lane, folded } = entry;
  const isLater = later.has(run.run_id);
  const isFolded = folded.length > 0;
  const shown = isLater ? lane : withoutLater(lane, later);
  const isHovered = useComputed(() => hoveredRun.value === run.run_id);
  return (
    <div
      id={id}
      class="lane"
      role="option"
      tabIndex={-1}
      aria-selected={isSelected}
      aria-posinset={index + 1}
      aria-setsize={count}
      data-run={run.run_id}
      data-active={isActive}
      data-away={isAway}
      data-later={isLater}
      data-hovered={isHovered.value}
      style={{ top: `${index * geometry.height}px`, height: `${geometry.height}px` }}
    >
      {isFolded ? (
        <FoldedLabel entry={entry} geometry={geometry} />
      ) : (
        <LaneLabel entry={entry} experiment={experiment} geometry={geometry} isLater={isLater} />
      )}
      <div class="lane-plot" style={{ left: `${geometry.gutter}px`, width: `${geometry.width}px` }}>
        <Plot {...props} />
        <TreeSlice
          lane={shown}
          x={geometry.x}
          low={geometry.domain[0]}
          width={geometry.width}
          height={geometry.height}
          y={geometry.river}
          size="page"
          hidesPruned={hidesPruned.value}
          colour={lineColour}
          isServerAway={connection.value === "away"}
        />
        <svg class="lane-marks" width={geometry.width} height={geometry.height} aria-hidden="true">
          {isFolded ? <FoldedMarks entry={entry} geometry={geometry} /> : <Ticks entry={entry} geometry={geometry} />}
          <CursorPoint {...props} />
        </svg>
        {!isFolded && <EdgeChanges entry={entry} geometry={geometry} />}
      </div>
    </div>
  );
}

/** A lane without the forks that came later than the moment that is shown. */
function withoutLater(lane: TreeLane, later: ReadonlySet<string>): TreeLane {
  if (later.size === 0) return lane;
  return {
    ...lane,
    curves: lane.curves.filter((curve) => !later.has(curve.child.run_id)),
    forks: lane.forks.filter((child) => !later.has(child.run_id)),
  };
}

/** The step at which a run was at the moment that is shown; null where that is its last. */
function untilOf({ run, lane }: Entry): number | null {
  if (!run.own) return null;
  if (!lane.run.own) return run.fork?.step ?? Number.NEGATIVE_INFINITY;
  return lane.run.own[1] < run.own[1] ? lane.run.own[1] : null;
}

function lineColour(run: TreeRun): string {
  return colourOf(run).line;
}

/** Grid, and the metric on the scale that all lanes share. */
function Plot({ entry, geometry, ticks, line, parentLine, scale }: LaneProps) {
  const { width, height, right, x } = geometry;
  const fork = entry.run.fork;
  return (
    <svg class="lane-curves" width={width} height={height} aria-hidden="true">
      {ticks.map((step) => (
        <path key={step} class="grid" d={`M${Math.round(x(step)) + 0.5} 0V${height}`} />
      ))}
      {scale?.ticks.map((value) => (
        <g key={value}>
          <path class="grid across" d={`M${x(geometry.domain[0])} ${Math.round(scale.y(value)) + 0.5}H${right}`} />
          <text x={0} y={scale.y(value) + 4} text-anchor="end">
            {formatNumber(value, 2)}
          </text>
        </g>
      ))}
      {line && scale && entry.folded.length === 0 && (
        <svg width={width} height={height} aria-hidden="true">
          <LaneCurve
            line={line}
            parent={parentLine && fork && !hidesPruned.value ? { line: parentLine, from: fork.step } : null}
            forkStep={fork?.step ?? null}
            keptTo={entry.lane.keptTo}
            isTip={entry.lane.run.isTip}
            x={x}
            scale={scale}
            colour={colourOf(entry.run)}
            right={width}
            hidesPruned={hidesPruned.value}
            until={untilOf(entry)}
          />
        </svg>
      )}
    </svg>
  );
}

const LEAST_GAP = 4;

/** Return checkpoints that are far enough from each other to be seen. */
function apart(found: readonly Mark[], x: (step: number) => number): Mark[] {
  let last = Number.NEGATIVE_INFINITY;
  return found.filter((mark) => {
    if (x(mark.step) - last < LEAST_GAP) return false;
    last = x(mark.step);
    return true;
  });
}

function Ticks({ entry, geometry }: { entry: Entry; geometry: Geometry }) {
  const { run, lane } = entry;
  const colour = colourOf(run).line;
  const kept = hidesPruned.value ? (lane.keptTo ?? Number.NEGATIVE_INFINITY) : Number.POSITIVE_INFINITY;
  const last = Math.min(kept, untilOf(entry) ?? Number.POSITIVE_INFINITY);
  const inView = run.marks.filter((mark) => geometry.x(mark.step) >= lane.start - 1 && mark.step <= last);
  return (
    <>
      {apart(inView, geometry.x).map((mark) => (
        <path
          key={mark.mark_id}
          class="tick"
          stroke={lane.keptTo !== null && mark.step <= lane.keptTo ? colour : "var(--bed)"}
          d={`M${geometry.x(mark.step)} ${geometry.river - marks.tick.gap}v${-marks.tick.height}`}
        />
      ))}
    </>
  );
}

/** The forks within a folded chain. */
function FoldedMarks({ entry, geometry }: { entry: Entry; geometry: Geometry }) {
  let last = Number.NEGATIVE_INFINITY;
  return (
    <>
      {entry.folded.slice(1).map((run) => {
        const at = geometry.x(run.fork?.step ?? 0);
        if (at - last < LEAST_GAP) return null;
        last = at;
        return (
          <path
            key={run.run_id}
            class="diamond"
            stroke={colourOf(run).line}
            d={diamondPath(at, geometry.river, marks.diamond.row)}
          />
        );
      })}
    </>
  );
}

/** What the line is at the cursor's step. */
function CursorPoint({ entry, geometry, line, scale, cursor }: LaneProps) {
  const step = cursor.value;
  if (step === null || !line || !scale || entry.folded.length > 0) return null;
  if (hidesPruned.value && step > (entry.lane.keptTo ?? Number.NEGATIVE_INFINITY)) return null;
  if (step > (untilOf(entry) ?? Number.POSITIVE_INFINITY)) return null;
  const point = pointAt(line, step);
  if (!point || (line.last && step > line.last.x)) return null;
  const colour = colourOf(entry.run);
  const [left, top] = [geometry.x(step), scale.y(point.y)];
  return (
    <g class="cursor-point">
      <circle cx={left} cy={top} r={3} fill={colour.line} />
      {(!line.last || geometry.x(line.last.x) - left > 56) && (
        <text class="lane-value halo" style={{ fill: colour.text }} x={left + 7} y={top - 5}>
          {formatNumber(point.y)}
        </text>
      )}
    </g>
  );
}

/** What a fork changed, on its edge: the first, and how many more. */
function EdgeChanges({ entry, geometry }: { entry: Entry; geometry: Geometry }) {
  const { run, lane } = entry;
  const [first] = run.changes;
  if (!first || !lane.hasParent) return null;
  const start = Math.max(lane.start, 0) + 6;
  const room = geometry.width - start;
  const isTurned = room < 180;
  const style = isTurned
    ? { right: `${Math.max(room + 40, 8)}px`, maxWidth: `${Math.max(start - 60, 60)}px` }
    : { left: `${start}px`, maxWidth: `${room - 8}px` };
  const shown = run.changes.slice(0, room > 460 ? 2 : 1);
  const more = run.changes.length - shown.length;
  return (
    <p
      class="edge-changes"
      style={{ ...style, top: `${geometry.river - 24}px` }}
      title={run.changes.slice(0, 40).map(changeText).join("\n")}
    >
      {shown.map((change) => (
        <ChangeWords key={change.path} change={change} />
      ))}
      {more > 0 && <span class="dim">and {more} more</span>}
    </p>
  );
}

/** A change: path, what was dim, what is bold. */
export function ChangeWords({ change }: { change: Change }) {
  return (
    <span class="edge-change">
      <span class="mono">{change.path}</span>{" "}
      {change.before !== null && <span class="dim">{shownValue(change.before)}</span>}
      {change.before !== null && " → "}
      {change.before === null && "= "}
      <b>{change.after === null ? "removed" : shownValue(change.after)}</b>
    </span>
  );
}
