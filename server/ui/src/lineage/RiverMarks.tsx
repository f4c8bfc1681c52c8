import { useRef, useState } from "preact/hooks";
import type { Family, Mark, Reach, RunValues } from "../api/types";
import { Button } from "../controls/Button";
import { useValuesAt } from "../state/family";
import { chooseMetrics } from "../state/outcome";
import { colourOf } from "../state/theme";
import { pinnedMetric } from "../state/view";
import { formatNumber, formatStep } from "../text/format";
import { ForkPopup } from "./ForkPopup";

const CARD_WIDTH = 320;
/** Ticks that are nearer to each other are drawn as one; the keyboard reaches each of them. */
const LEAST_GAP = 3;

/** A checkpoint on the line of a run, with whose it is. */
export type PlacedMark = Mark & { stroke: string; run_name: string };

/** Checkpoints on the line: those of every run up to where it was left. */
export function marksOnLine(lineage: readonly Reach[], family: Family | null): PlacedMark[] {
  const members = new Map(family?.runs.map((run) => [run.run_id, run]));
  return lineage
    .flatMap((reach, at) => {
      const left = lineage[at + 1]?.fork_step ?? Number.POSITIVE_INFINITY;
      const found = members.get(reach.run_id)?.marks ?? [];
      return found
        .filter((mark) => mark.step <= left)
        .map((mark) => ({ ...mark, run_id: reach.run_id, run_name: reach.name, stroke: colourOf(reach).line }));
    })
    .sort((one, other) => one.step - other.step);
}

/** Return the checkpoints that are drawn: they are far enough from each other to be told apart. */
export function drawnMarks(points: readonly PlacedMark[], x: (step: number) => number): PlacedMark[] {
  let last = Number.NEGATIVE_INFINITY;
  return points.filter((mark) => {
    if (x(mark.step) - last < LEAST_GAP) return false;
    last = x(mark.step);
    return true;
  });
}

/** Props of `RiverMarks`. */
export type RiverMarksProps = {
  found: RunValues;
  points: readonly PlacedMark[];
  x: (step: number) => number;
  width: number;
};

/** One of the checkpoints can be pointed at, with the mouse or the arrow keys: what it holds, and how to fork from it. */
export function RiverMarks({ found, points, x, width }: RiverMarksProps) {
  const [chosen, setChosen] = useState<number | null>(null);
  const [isForking, setForking] = useState(false);
  const card = useRef<HTMLDivElement>(null);
  const leaving = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const metric = chooseMetrics(found, pinnedMetric.value)[0] ?? null;
  const mark = chosen === null ? undefined : points[Math.min(chosen, points.length - 1)];
  const values = useValuesAt([found.run.run_id], metric, mark?.step ?? null);
  const point = values.value?.get(found.run.run_id);
  const stay = () => clearTimeout(leaving.current);
  const leave = () => {
    stay();
    leaving.current = setTimeout(() => setChosen(null), 300);
  };
  const pointAt = (event: PointerEvent) => {
    stay();
    const at = event.clientX - (event.currentTarget as HTMLElement).getBoundingClientRect().left;
    const nearest = nearestMark(points, x, at);
    setChosen(Math.abs(x(points[nearest]!.step) - at) < 14 ? nearest : null);
  };
  const walk = (event: KeyboardEvent) => {
    const target = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const now = chosen ?? points.length - 1;
    if (target !== undefined) setChosen(Math.max(0, Math.min(points.length - 1, now + target)));
    else if (event.key === "Home") setChosen(0);
    else if (event.key === "End") setChosen(points.length - 1);
    else if (event.key === "Enter" || event.key === " ") setForking(true);
    else return;
    event.preventDefault();
  };
  const text = mark ? `checkpoint at step ${formatStep(mark.step)}` : "";
  return (
    <div class="river-with-marks" onPointerLeave={() => !isForking && leave()} onPointerEnter={stay}>
      <div
        class="river-marks"
        role="slider"
        tabIndex={0}
        aria-label="Checkpoints to fork from; Enter forks"
        aria-valuemin={0}
        aria-valuemax={points.length - 1}
        aria-valuenow={chosen ?? points.length - 1}
        aria-valuetext={text + (point ? `, ${metric} ${formatNumber(point.value)}` : "")}
        onPointerMove={pointAt}
        onClick={() => mark && setForking(true)}
        onKeyDown={walk}
        onFocus={(event) => event.currentTarget.matches(":focus-visible") && setChosen(chosen ?? points.length - 1)}
        onBlur={() => !isForking && leave()}
      />
      {mark && (
        <>
          <svg class="mark-ring" width={24} height={24} style={{ left: `${x(mark.step) - 12}px` }} aria-hidden="true">
            <circle cx="12" cy="12" r="9" />
            <circle cx="12" cy="12" r="4.5" fill={mark.stroke} />
          </svg>
          <div
            ref={card}
            class="mark-card"
            style={{ left: `${Math.max(0, Math.min(x(mark.step) - 110, width - CARD_WIDTH))}px` }}
            onFocusCapture={stay}
          >
            <span>
              <b>checkpoint at step {formatStep(mark.step)}</b>
              <br />
              <span class="dim">
                {mark.epoch !== null && `epoch ${mark.epoch} · `}
                {point && metric && (
                  <>
                    <span class="mono">{metric}</span> {formatNumber(point.value)}
                  </>
                )}
                {!point && mark.run_id !== found.run.run_id && mark.run_name}
              </span>
            </span>
            <Button icon="fork" onClick={() => setForking(true)}>
              Fork here
            </Button>
          </div>
          {isForking && (
            <ForkPopup
              anchor={card.current}
              run={found.run}
              step={mark.step}
              onClose={() => {
                setForking(false);
                setChosen(null);
              }}
            />
          )}
        </>
      )}
    </div>
  );
}

function nearestMark(points: readonly PlacedMark[], x: (step: number) => number, at: number): number {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x(points[middle]!.step) < at) low = middle + 1;
    else high = middle;
  }
  const before = Math.max(0, low - 1);
  return Math.abs(x(points[before]!.step) - at) < Math.abs(x(points[low]!.step) - at) ? before : low;
}
