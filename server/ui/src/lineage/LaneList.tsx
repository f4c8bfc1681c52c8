import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Line } from "../api/frames";
import type { Family } from "../api/types";
import { stepTicks } from "../chart/ticks";
import { go, place } from "../state/address";
import { hoveredRun } from "../state/hover";
import { shortcut } from "../state/keys";
import { lineageWindow, selectedRuns, unfolded } from "../state/view";
import { formatStep } from "../text/format";
import { AXIS, countsWhole, experimentOf, type Geometry, roundStep } from "./geometry";
import { Lane } from "./Lane";
import { type CardPlace, LaneCard } from "./LaneCard";
import { ancestry, type Entry } from "./lanes";
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
const RIVER_NEAR = 18;
const MARK_NEAR = 7;
const LEAVE_MS = 350;
const DRAG_PX = 5;

/** All lanes of a family below one axis of steps: one scrolls, points, drags to zoom, and walks with the keyboard. */
export function LaneList(props: LaneListProps) {
  const { family, entries, later, geometry, curves, extent, isLog, metric, view } = props;
  const id = useId();
  const experiment = experimentOf(family);
  const scroller = useRef<HTMLDivElement>(null);
  const [first, setFirst] = useState(0);
  const [active, setActive] = useState<string | null>(null);
  const cursor = useSignal<number | null>(null);
  const { card, showCard, keepCard, leaveCard, closeCard } = useCard();
  useAnchor(scroller, entries, geometry.height);
  const visible = Math.ceil((view.height - AXIS) / geometry.height) + 1;
  const last = Math.min(entries.length, first + visible + 2 * SPARE_LANES);
  useEffect(() => props.onFirstLane(first), [first]);

  const activeIndex = entries.findIndex((entry) => entry.key === active);
  const scale = useMemo(
    () => extent && valueScale(extent, isLog, geometry.top, geometry.bottom),
    [extent, isLog, geometry],
  );
  const ticks = useMemo(() => stepTicks(geometry.domain, Math.max(2, Math.floor(geometry.right / 110))).at, [geometry]);
  const kept = useMemo(
    () => (selectedRuns.value.length > 0 ? keptOf(family, selectedRuns.value) : null),
    [family, selectedRuns.value],
  );

  const placeCard = (entry: Entry, index: number, at: number): CardPlace => {
    const [low, high] = reachOf(entry);
    const step = Math.min(high, Math.max(low, at));
    return {
      run: entry.run,
      isTip: entry.lane.run.isTip,
      step,
      isMark: entry.run.marks.some((mark) => mark.step === step),
      forks: family.runs.filter((run) => run.fork?.parent === entry.key && run.fork.step === step),
      left: geometry.gutter + geometry.x(step),
      top: AXIS + index * geometry.height + geometry.river - (scroller.current?.scrollTop ?? 0),
    };
  };
  const stepOf = (entry: Entry, x: number): number => {
    const isNear = (step: number) => Math.abs(geometry.x(step) - x) < MARK_NEAR;
    const near =
      entry.lane.forks.map((child) => child.fork_step ?? 0).find(isNear) ??
      entry.run.marks.map((mark) => mark.step).find(isNear);
    if (near !== undefined) return near;
    const perPixel = geometry.step(1) - geometry.step(0);
    const step = roundStep(geometry.step(x), perPixel, countsWhole(family.runs));
    return Math.min(geometry.domain[1], Math.max(geometry.domain[0], step));
  };
  const select = (entry: Entry) => {
    if (entry.folded.length > 0) unfolded.value = [...unfolded.peek(), entry.key];
    else selectedRuns.value = toggled(selectedRuns.peek(), entry.key);
  };
  const open = (entry: Entry) => {
    if (entry.folded.length > 0) select(entry);
    else go({ page: "run", project: place.peek().project }, { run: entry.key });
  };
  const goTo = (index: number) => {
    const entry = entries[Math.max(0, Math.min(entries.length - 1, index))];
    if (!entry) return;
    const at = entries.indexOf(entry);
    setActive(entry.key);
    hoveredRun.value = entry.key;
    const box = scroller.current!;
    const [top, bottom] = [at * geometry.height, (at + 1) * geometry.height];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight - AXIS) box.scrollTop = bottom - box.clientHeight + AXIS;
    const card = placeCard(entry, at, cursor.peek() ?? entry.run.own?.[1] ?? geometry.domain[1]);
    cursor.value = card.step;
    if (entry.folded.length === 0) showCard(card);
    else closeCard();
  };
  const moveCursor = (by: number, isFar: boolean) => {
    const entry = entries[activeIndex];
    if (!entry) return;
    const now = cursor.peek() ?? geometry.domain[1];
    const perPixel = geometry.step(1) - geometry.step(0);
    const moved = isFar
      ? nextMark(entry, now, by)
      : roundStep(now + by * 8 * perPixel, perPixel, countsWhole(family.runs));
    const card = placeCard(entry, activeIndex, moved);
    cursor.value = card.step;
    showCard(card);
  };
  const walk = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const entry = entries[activeIndex];
    if (event.key === "ArrowDown") goTo(activeIndex + 1);
    else if (event.key === "ArrowUp") goTo(activeIndex - 1);
    else if (event.key === "Home") goTo(0);
    else if (event.key === "End") goTo(entries.length - 1);
    else if (event.key === "ArrowRight") moveCursor(1, event.shiftKey);
    else if (event.key === "ArrowLeft") moveCursor(-1, event.shiftKey);
    else if (event.key === "Enter" && entry) open(entry);
    else if (event.key === " " && entry) select(entry);
    else if (event.key === "Escape" && card.peek()) closeCard();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  useLaneKeys(scroller, (by) => goTo(activeIndex + by));
  const brush = useBrush(geometry);
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const x = event.clientX - box.left - geometry.gutter;
    const y = event.clientY - box.top;
    const index = Math.floor(y / geometry.height);
    const entry = entries[index];
    if (brush.move(x)) return closeCard();
    if (!entry) return leave();
    hoveredRun.value = entry.key;
    if (x < -4 || x > geometry.right + 8) {
      cursor.value = null;
      return leaveCard();
    }
    const step = stepOf(entry, x);
    cursor.value = step;
    const isNear = Math.abs(y - index * geometry.height - geometry.river) < RIVER_NEAR;
    const [start, end] = reachOf(entry).map(geometry.x) as [number, number];
    const isOnRiver = isNear && x > start - MARK_NEAR && x < Math.max(end, entry.lane.start) + MARK_NEAR;
    if (isOnRiver && entry.folded.length === 0) showCard(placeCard(entry, index, step));
    else leaveCard();
  };
  const leave = () => {
    if (brush.isDragging()) return;
    cursor.value = null;
    hoveredRun.value = null;
    leaveCard();
  };
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

/** Steps at which a run can be forked: from its own fork to its last. */
function reachOf(entry: Entry): [number, number] {
  const first = entry.run.fork?.step ?? entry.run.own?.[0] ?? 0;
  return [first, Math.max(first, entry.run.own?.[1] ?? first)];
}

function toggled(runs: readonly string[], runId: string): string[] {
  return runs.includes(runId) ? runs.filter((one) => one !== runId) : [...runs, runId];
}

function keptOf(family: Family, runs: readonly string[]): Set<string> {
  return new Set(runs.flatMap((runId) => [...ancestry(family.runs, runId)]));
}

function nextMark(entry: Entry, now: number, by: number): number {
  const steps = entry.run.marks.map((mark) => mark.step).sort((one, other) => one - other);
  const found = by > 0 ? steps.find((step) => step > now) : steps.findLast((step) => step < now);
  return found ?? now;
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

/** The card of a run stays while the pointer is on it or on the way to it. */
function useCard() {
  const card = useSignal<CardPlace | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const keepCard = () => clearTimeout(timer.current);
  const closeCard = () => {
    keepCard();
    card.value = null;
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    card,
    showCard: (next: CardPlace) => {
      keepCard();
      const before = card.peek();
      if (before?.run.run_id !== next.run.run_id || before.step !== next.step || before.top !== next.top)
        card.value = next;
    },
    keepCard,
    leaveCard: () => {
      keepCard();
      timer.current = setTimeout(() => {
        if (!document.querySelector(".fork-popup")) card.value = null;
      }, LEAVE_MS);
    },
    closeCard,
  };
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

function useLaneKeys(scroller: { current: HTMLDivElement | null }, move: (by: number) => void): void {
  const latest = useRef(move);
  latest.current = move;
  useEffect(() => {
    const step = (by: number) => () => {
      latest.current(by);
      scroller.current?.focus({ preventScroll: true });
    };
    const ends = [shortcut("j", "next run", step(1)), shortcut("k", "run before", step(-1))];
    return () => {
      for (const end of ends) end();
    };
  }, []);
}

/** Dragging across lanes chooses a window of steps. */
function useBrush(geometry: Geometry) {
  const range = useSignal<[number, number] | null>(null);
  const began = useRef<number | null>(null);
  const clamp = (x: number) => Math.max(geometry.x(geometry.domain[0]), Math.min(geometry.right, x));
  return {
    begin: (x: number, event: PointerEvent) => {
      began.current = x;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    /** Return whether it is a drag. */
    move: (x: number): boolean => {
      if (began.current === null || began.current < 0) return false; // among the names nothing is zoomed
      if (range.peek() === null && Math.abs(x - began.current) < DRAG_PX) return false;
      range.value = [clamp(Math.min(x, began.current)), clamp(Math.max(x, began.current))];
      return true;
    },
    /** Return whether it was a click. */
    end: (): boolean => {
      const found = range.peek();
      const wasHere = began.current !== null;
      began.current = null;
      range.value = null;
      if (found && found[1] - found[0] >= DRAG_PX)
        lineageWindow.value = [geometry.step(found[0]), geometry.step(found[1])];
      return found === null && wasHere;
    },
    isDragging: () => range.peek() !== null,
    Shade: () =>
      range.value && (
        <div
          class="lane-brush"
          style={{
            left: `${geometry.gutter + range.value[0]}px`,
            width: `${range.value[1] - range.value[0]}px`,
          }}
        />
      ),
  };
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
