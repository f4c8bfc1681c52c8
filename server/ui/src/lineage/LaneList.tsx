import type { Signal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Line } from "../api/frames";
import type { Family } from "../api/types";
import { stepTicks } from "../chart/ticks";
import { lineageWindow, selectedRuns } from "../state/view";
import { formatStep } from "../text/format";
import { useBrush } from "./brush";
import { AXIS, experimentOf, type Geometry } from "./geometry";
import { Lane } from "./Lane";
import { type CardPlace, LaneCard } from "./LaneCard";
import { ancestry, type Entry } from "./lanes";
import { select, usePointing } from "./pointing";
import { type Extent, valueScale } from "./scales";

/** Props of `LaneList`. */
export type LaneListProps = {
  family: Family;
  entries: readonly Entry[];
  later: ReadonlySet<string>;
  geometry: Geometry;
  curves: ReadonlyMap<string, Line>;
  extent: Extent | null;
  isLog: boolean;
  metric: string | null;
  view: { width: number; height: number };
  onFirstLane: (lane: number) => void;
};

const SPARE_LANES = 3;

/** All lanes of a family below one axis of steps: one scrolls, points, drags to zoom, and walks with the keyboard. */
export function LaneList(props: LaneListProps) {
  const { family, entries, later, geometry, curves, extent, isLog, metric, view } = props;
  const id = useId();
  const experiment = experimentOf(family);
  const scroller = useRef<HTMLDivElement>(null);
  const [first, setFirst] = useState(0);
  useAnchor(scroller, entries, geometry.height);
  const visible = Math.ceil((view.height - AXIS) / geometry.height) + 1;
  const last = Math.min(entries.length, first + visible + 2 * SPARE_LANES);
  useEffect(() => props.onFirstLane(first), [first]);
  const scale = useMemo(
    () => extent && valueScale(extent, isLog, geometry.top, geometry.bottom),
    [extent, isLog, geometry],
  );
  const ticks = useMemo(() => stepTicks(geometry.domain, Math.max(2, Math.floor(geometry.right / 110))).at, [geometry]);
  const kept = useMemo(
    () => (selectedRuns.value.length > 0 ? keptOf(family, selectedRuns.value) : null),
    [family, selectedRuns.value],
  );
  const brush = useBrush(geometry);
  const { active, activeIndex, cursor, card, keepCard, leaveCard, closeCard, goTo, walk, point, leave } = usePointing({
    family,
    entries,
    geometry,
    scroller,
    brush,
  });
  return (
    <>
      <div
        ref={scroller}
        class="lane-list"
        role="listbox"
        tabIndex={0}
        aria-label={`Runs of ${experiment ?? "the family"}`}
        aria-multiselectable="true"
        aria-activedescendant={activeIndex >= first && activeIndex < last ? `${id}-${activeIndex}` : undefined}
        onScroll={(event) => {
          setFirst(Math.max(0, Math.floor(event.currentTarget.scrollTop / geometry.height) - SPARE_LANES));
          closeCard();
        }}
        onKeyDown={walk}
        onFocus={(event) => {
          if (
            event.currentTarget.matches(":focus-visible") &&
            event.target === event.currentTarget &&
            activeIndex < 0 &&
            !card.peek()
          )
            goTo(
              Math.max(
                0,
                entries.findIndex((entry) => entry.key === family.focus),
              ),
            );
        }}
      >
        <Axis geometry={geometry} ticks={ticks} cursor={cursor} />
        <div
          class="lane-content"
          role="presentation"
          style={{ height: `${entries.length * geometry.height}px` }}
          onPointerMove={point}
          onPointerLeave={leave}
          onPointerDown={(event) => {
            const x = event.clientX - event.currentTarget.getBoundingClientRect().left - geometry.gutter;
            if (event.button === 0) brush.begin(x, event);
          }}
          onPointerUp={(event) => {
            const isClick = brush.end();
            if (!isClick || event.button !== 0) return;
            const y = event.clientY - event.currentTarget.getBoundingClientRect().top;
            const entry = entries[Math.floor(y / geometry.height)];
            if (entry) select(entry);
          }}
          onDblClick={() => {
            lineageWindow.value = null;
          }}
        >
          {entries.slice(first, last).map((entry, at) => {
            const parent = entry.run.fork ? (curves.get(entry.run.fork.parent) ?? null) : null;
            return (
              <Lane
                key={entry.key}
                id={`${id}-${first + at}`}
                entry={entry}
                index={first + at}
                count={entries.length}
                experiment={experiment}
                geometry={geometry}
                ticks={ticks}
                line={curves.get(entry.key) ?? null}
                parentLine={parent}
                scale={scale}
                cursor={cursor}
                isActive={entry.key === active}
                isSelected={selectedRuns.value.includes(entry.key)}
                isAway={kept !== null && !kept.has(entry.key)}
                later={later}
              />
            );
          })}
          <CursorLine geometry={geometry} cursor={cursor} />
          <brush.Shade />
        </div>
      </div>
      <Card card={card} family={family} metric={metric} view={view} onEnter={keepCard} onLeave={leaveCard} />
    </>
  );
}

function keptOf(family: Family, runs: readonly string[]): Set<string> {
  return new Set(runs.flatMap((runId) => [...ancestry(family.runs, runId)]));
}

type CardProps = Pick<LaneListProps, "family" | "metric" | "view"> & {
  card: Signal<CardPlace | null>;
  onEnter: () => void;
  onLeave: () => void;
};

/** The card moves with the pointer, and nothing else has to be drawn for that. */
function Card({ card, family, ...rest }: CardProps) {
  const at = card.value;
  if (!at) return null;
  const parent = family.runs.find((run) => run.run_id === at.run.fork?.parent) ?? null;
  return <LaneCard at={at} parent={parent} experiment={experimentOf(family)} {...rest} />;
}

/** Runs that come or go above what is seen move nothing that is seen. */
function useAnchor(scroller: { current: HTMLDivElement | null }, entries: readonly Entry[], height: number): void {
  const before = useRef<{ keys: string[]; height: number }>({ keys: [], height });
  useLayoutEffect(() => {
    const box = scroller.current;
    const old = before.current;
    before.current = { keys: entries.map((entry) => entry.key), height };
    if (!box || box.scrollTop === 0 || old.keys.length === 0) return;
    const at = Math.floor(box.scrollTop / old.height);
    const now = before.current.keys.indexOf(old.keys[at] ?? "");
    if (now >= 0 && (now !== at || old.height !== height))
      box.scrollTop = now * height + (box.scrollTop - at * old.height) * (height / old.height);
  }, [entries, height]);
}

function CursorLine({ geometry, cursor }: { geometry: Geometry; cursor: Signal<number | null> }) {
  const step = cursor.value;
  if (step === null) return null;
  return <div class="lane-cursor" style={{ left: `${Math.round(geometry.gutter + geometry.x(step))}px` }} />;
}

type AxisProps = { geometry: Geometry; ticks: readonly number[]; cursor: Signal<number | null> };

function Axis({ geometry, ticks, cursor }: AxisProps) {
  const step = cursor.value;
  const { x, gutter, width } = geometry;
  const at = step === null ? null : x(step);
  return (
    <div class="lane-axis" role="presentation">
      <svg width={gutter + width} height={AXIS} aria-hidden="true">
        {ticks
          .filter((tick) => at === null || Math.abs(x(tick) - at) > 46)
          .map((tick) => (
            <text key={tick} x={gutter + x(tick)} y={20} text-anchor="middle">
              {formatStep(tick)}
            </text>
          ))}
        {step !== null && (
          <text class="at" x={gutter + (at ?? 0)} y={20} text-anchor="middle">
            {formatStep(step)}
          </text>
        )}
      </svg>
    </div>
  );
}
