import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Family } from "../api/types";
import { go, place } from "../state/address";
import { hoveredRun } from "../state/hover";
import { shortcut } from "../state/keys";
import { selectedRuns, unfolded } from "../state/view";
import type { useBrush } from "./brush";
import { AXIS, countsWhole, type Geometry, roundStep } from "./geometry";
import type { CardPlace } from "./LaneCard";
import type { Entry } from "./lanes";

const RIVER_NEAR = 18;
const MARK_NEAR = 7;
const LEAVE_MS = 350;

/** What is pointed at, and where. */
export type PointingProps = {
  family: Family;
  entries: readonly Entry[];
  geometry: Geometry;
  scroller: { current: HTMLDivElement | null };
  brush: ReturnType<typeof useBrush>;
};

/** Pointing at lanes, with the mouse or the keyboard: the lane and the step that one is at, and the card that tells of them. */
export function usePointing({ family, entries, geometry, scroller, brush }: PointingProps) {
  const [active, setActive] = useState<string | null>(null);
  const cursor: Signal<number | null> = useSignal<number | null>(null);
  const { card, showCard, keepCard, leaveCard, closeCard } = useCard();
  const activeIndex = entries.findIndex((entry) => entry.key === active);
  const placeCard = (entry: Entry, index: number, at: number): CardPlace => {
    const scrolled = scroller.current?.scrollTop ?? 0;
    return { ...cardAt(entry, at, family, geometry), top: AXIS + index * geometry.height + geometry.river - scrolled };
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
    const step = stepAt(entry, x, family, geometry);
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
  return { active, activeIndex, cursor, card, keepCard, leaveCard, closeCard, goTo, walk, point, leave };
}

/** What a card tells that stands at a step of a lane, or as near as the run has steps. */
function cardAt(entry: Entry, at: number, family: Family, geometry: Geometry): Omit<CardPlace, "top"> {
  const [low, high] = reachOf(entry);
  const step = Math.min(high, Math.max(low, at));
  return {
    run: entry.run,
    isTip: entry.lane.run.isTip,
    step,
    isMark: entry.run.marks.some((mark) => mark.step === step),
    forks: family.runs.filter((run) => run.fork?.parent === entry.key && run.fork.step === step),
    left: geometry.gutter + geometry.x(step),
  };
}

/** The step that is meant at a place of a lane: that of a fork or a checkpoint near it, else a round one. */
function stepAt(entry: Entry, x: number, family: Family, geometry: Geometry): number {
  const isNear = (step: number) => Math.abs(geometry.x(step) - x) < MARK_NEAR;
  const near =
    entry.lane.forks.map((child) => child.fork_step ?? 0).find(isNear) ??
    entry.run.marks.map((mark) => mark.step).find(isNear);
  if (near !== undefined) return near;
  const perPixel = geometry.step(1) - geometry.step(0);
  const step = roundStep(geometry.step(x), perPixel, countsWhole(family.runs));
  return Math.min(geometry.domain[1], Math.max(geometry.domain[0], step));
}

/** Select the run of a lane, or no longer; a folded lane unfolds. */
export function select(entry: Entry): void {
  if (entry.folded.length > 0) unfolded.value = [...unfolded.peek(), entry.key];
  else selectedRuns.value = toggled(selectedRuns.peek(), entry.key);
}

function open(entry: Entry): void {
  if (entry.folded.length > 0) select(entry);
  else go({ page: "run", project: place.peek().project }, { run: entry.key });
}

/** Steps at which a run can be forked: from its own fork to its last. */
function reachOf(entry: Entry): [number, number] {
  const first = entry.run.fork?.step ?? entry.run.own?.[0] ?? 0;
  return [first, Math.max(first, entry.run.own?.[1] ?? first)];
}

function toggled(runs: readonly string[], runId: string): string[] {
  return runs.includes(runId) ? runs.filter((one) => one !== runId) : [...runs, runId];
}

function nextMark(entry: Entry, now: number, by: number): number {
  const steps = entry.run.marks.map((mark) => mark.step).sort((one, other) => one - other);
  const found = by > 0 ? steps.find((step) => step > now) : steps.findLast((step) => step < now);
  return found ?? now;
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
