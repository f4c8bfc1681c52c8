import { useMemo, useRef } from "preact/hooks";
import type { FamilyRun } from "../api/types";
import { useWidth } from "../controls/width";
import { diamondPath } from "../marks/shapes";
import { hoveredRun } from "../state/hover";
import { colourOf } from "../state/theme";
import { formatTime } from "../text/format";
import { creations } from "./moment";

/** Props of `TimeStrip`. */
export type TimeStripProps = {
  runs: readonly FamilyRun[];
  /** Unix seconds; null is now. */
  moment: number | null;
  onChange: (moment: number | null) => void;
};

const MIDDLE = 28;
const LEFT = 24;
const NOW_GAP = 56;
const SNAP = 6;
/** What is asked for at a run is how all was before it began, s. */
const JUST_BEFORE = 0.001;
/** With less room than this for each, runs are ticks and no diamonds. */
const CROWDED = 10;
/** Between the last run that began and now. */
const TAIL = 128;

/** When the runs of a family began; drawing the handle back shows the family as it was. */
export function TimeStrip({ runs, moment, onChange }: TimeStripProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const events = useMemo(() => creations(runs), [runs]);
  const [first, last] = [events[0]?.seconds ?? 0, events.at(-1)?.seconds ?? 0];
  const end = Math.max(width - NOW_GAP, LEFT + 40);
  const x = (seconds: number) =>
    last > first ? LEFT + 24 + ((seconds - first) / (last - first)) * (end - TAIL - LEFT) : (LEFT + end) / 2;
  const handle = moment === null ? end : Math.max(LEFT, Math.min(end, x(moment)));
  const shown = moment ?? Number.POSITIVE_INFINITY;
  const count = events.filter((event) => event.seconds <= shown).length;
  const isCrowded = (end - TAIL - LEFT) / events.length < CROWDED;
  const drag = (event: PointerEvent) => {
    const at = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
    const near = events.slice(1).find((one) => Math.abs(x(one.seconds) - at) < SNAP);
    if (at > end - 16 || last === first) onChange(null);
    else if (near) onChange(near.seconds - JUST_BEFORE);
    else onChange(Math.min(last, Math.max(first, first + ((at - LEFT - 24) / (end - TAIL - LEFT)) * (last - first))));
  };
  const stops = events.slice(1).map((event) => event.seconds - JUST_BEFORE);
  const walk = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowDown")
      onChange(stops.findLast((stop) => stop < shown) ?? stops[0] ?? null);
    else if (event.key === "ArrowRight" || event.key === "ArrowUp")
      onChange(stops.find((stop) => stop > shown) ?? null);
    else if (event.key === "Home") onChange(stops[0] ?? null);
    else if (event.key === "End") onChange(null);
    else return;
    event.preventDefault();
  };
  const next = events.find((event) => event.seconds > shown);
  const isBefore = next !== undefined && next.seconds - shown <= 2 * JUST_BEFORE;
  if (events.length < 2) return null;
  return (
    <div class="time-strip">
      <p class="time-strip-label">
        {moment === null ? (
          <>
            as of <b>now</b>
          </>
        ) : (
          <>
            {isBefore ? (
              <>
                before{" "}
                <b class="run-name" style={{ color: colourOf(next.run).text }} title={formatTime(1000 * moment)}>
                  {next.run.name}
                </b>
              </>
            ) : (
              <>
                as of <b>{formatTime(1000 * moment)}</b>
              </>
            )}
            <br />
            <button type="button" class="link" onClick={() => onChange(null)}>
              back to now
            </button>
          </>
        )}
      </p>
      <div
        ref={box}
        class="time-strip-scale"
        role="slider"
        tabIndex={0}
        aria-label="As of when the lineage is drawn"
        aria-valuemin={1}
        aria-valuemax={events.length}
        aria-valuenow={count}
        aria-valuetext={
          moment === null
            ? "now"
            : `${isBefore ? `before ${next.run.name}` : formatTime(1000 * moment)}, ${count} of ${events.length} runs`
        }
        onKeyDown={walk}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag(event);
        }}
        onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && drag(event)}
      >
        {width > 0 && (
          <svg width={width} height={56} aria-hidden="true">
            <path class="axis" d={`M${LEFT} ${MIDDLE + 0.5}H${end + 16}`} />
            {shownLast(labelled(events, x, end)).map(({ event, hasName, time }) => (
              <Event
                key={event.run.run_id}
                run={event.run}
                at={x(event.seconds)}
                hasName={hasName}
                time={time}
                isLater={event.seconds > shown}
                isCrowded={isCrowded}
              />
            ))}
            <text x={end} y={14} text-anchor="middle">
              now
            </text>
            <rect class="time-handle" x={handle - 4} y={MIDDLE - 10} width={8} height={21} rx={2} />
          </svg>
        )}
      </div>
    </div>
  );
}

type EventProps = { run: FamilyRun; at: number; hasName: boolean; time: string; isLater: boolean; isCrowded: boolean };

function Event({ run, at, hasName, time, isLater, isCrowded }: EventProps) {
  const colour = colourOf(run);
  const isHovered = hoveredRun.value === run.run_id;
  return (
    <g class="time-event" data-later={isLater}>
      {isCrowded && !isHovered ? (
        <path class="tick" stroke={colour.line} d={`M${at} ${MIDDLE - 5}v10`} />
      ) : run.fork ? (
        <path class="diamond" stroke={colour.line} d={diamondPath(at, MIDDLE, 4.5)} />
      ) : (
        <circle cx={at} cy={MIDDLE} r={4} fill={colour.line} />
      )}
      {time && (
        <text x={at} y={14} text-anchor="middle">
          {time}
        </text>
      )}
      {isHovered && <rect class="time-behind" x={at - 80} y={36} width={160} height={18} />}
      {(hasName || isHovered) && (
        <text
          class={isHovered ? "run-name halo" : "run-name"}
          x={at}
          y={48}
          text-anchor="middle"
          style={{ fill: colour.text }}
        >
          {run.name.length > 22 ? `${run.name.slice(0, 21)}…` : run.name}
        </text>
      )}
    </g>
  );
}

/** The hovered one is painted over all others. */
function shownLast<T extends { event: CreationEvent }>(found: readonly T[]): T[] {
  const isHovered = (one: T) => one.event.run.run_id === hoveredRun.value;
  return [...found.filter((one) => !isHovered(one)), ...found.filter(isHovered)];
}

type CreationEvent = ReturnType<typeof creations>[number];

/** Give a name and a time to those that have room for them, the latest first. */
function labelled(events: readonly CreationEvent[], x: (seconds: number) => number, end: number) {
  let left = end - 20;
  let timeLeft = end - 24;
  const isOneDay = new Set(events.map((event) => event.run.created.slice(0, 10))).size === 1;
  const room = isOneDay ? 28 : 40;
  const found = [...events].reverse().map((event) => {
    const at = x(event.seconds);
    const half = 3.2 * Math.min(event.run.name.length, 22) + 6;
    const time = isOneDay ? clock(event.seconds) : day(event.seconds);
    const hasName = at + half < left;
    if (hasName) left = at - half;
    const hasTime = at + room < timeLeft;
    if (hasTime) timeLeft = at - room;
    return { event, hasName, time: hasTime ? time : "" };
  });
  return found.reverse();
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTES = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

function clock(seconds: number): string {
  return CLOCK.format(new Date(1000 * seconds));
}

function day(seconds: number): string {
  const date = new Date(1000 * seconds);
  return `${DAY.format(date)}, ${MINUTES.format(date)}`;
}
