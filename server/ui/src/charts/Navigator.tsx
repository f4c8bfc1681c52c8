import { useRef } from "preact/hooks";
import type { Axis, Reach } from "../api/types";
import type { Span } from "../chart/view";
import { followPointer } from "../controls/following";
import { useWidth } from "../controls/width";
import { River } from "../marks/River";
import type { DrawnRun } from "../state/drawn";
import { cursor, hoveredRun } from "../state/hover";
import { colourOf } from "../state/theme";
import { axis, mode, xWindow } from "../state/view";
import { extent, showAll, zoomTo } from "../state/windows";
import { formatDuration, formatStep, formatTime, formatX } from "../text/format";
import { meanings } from "../text/words";

// as wide as the river's own
const MARGIN = 5;
const HEIGHT = 36;
const LEAST_SHARE = 1e-6;

function formatEnd(x: number, kind: Axis, width: number): string {
  if (kind === "step") return formatStep(width > 20 ? Math.round(x) : x);
  return kind === "relative" ? formatDuration(x) : formatTime(x * 1000).replace(/:\d\d$/, "");
}

/**
 * Where in the whole the charts are: the river of the run that is hovered, or the first, as the scrollbar of all of them. Its window is
 * moved, and its ends are dragged; on an axis of time the river is level, as its bends lie at steps.
 */
export function Navigator({ runs }: { runs: readonly DrawnRun[] }) {
  const track = useRef<HTMLDivElement>(null);
  const width = useWidth(track);
  const run = runs.find((one) => one.run_id === hoveredRun.value) ?? runs[0];
  const all = extent.value;
  const shown = xWindow.value ?? all;
  const kind = axis.value;
  const room = Math.max(1, width - 2 * MARGIN);
  const toPixel = (x: number) => MARGIN + ((x - all[0]) / (all[1] - all[0] || 1)) * room;
  const clamped = (pixel: number) => Math.min(Math.max(pixel, MARGIN), MARGIN + room);
  const [left, right] = [clamped(toPixel(shown[0])), clamped(toPixel(shown[1]))];
  const at = cursor.value?.axis === kind ? toPixel(cursor.value.x) : null;
  return (
    <div class="navigator" role="group" aria-label="Zoom of all charts" title={meanings.navigator}>
      <span class="navigator-range">
        <span class="dim">{kind === "step" ? "steps" : kind === "relative" ? "after" : "at"}</span>{" "}
        {formatEnd(shown[0], kind, shown[1] - shown[0])} – {formatEnd(shown[1], kind, shown[1] - shown[0])}
      </span>
      <div ref={track} class="navigator-track" onDblClick={showAll}>
        <div class="navigator-window" style={{ left: `${left}px`, width: `${Math.max(2, right - left)}px` }} />
        {run && width > 0 && <NavigatorRiver run={run} domain={all} width={width} kind={kind} />}
        {at !== null && at >= MARGIN && at <= MARGIN + room && (
          <div class="navigator-cursor" style={{ left: `${at}px` }} />
        )}
        <Grip part="both" all={all} shown={shown} room={room} kind={kind} left={left} width={right - left} />
        <Grip part="low" all={all} shown={shown} room={room} kind={kind} left={left - 3} width={6} />
        <Grip part="high" all={all} shown={shown} room={room} kind={kind} left={right - 3} width={6} />
      </div>
      {xWindow.value ? (
        <button type="button" class="link navigator-all" onClick={showAll}>
          all
        </button>
      ) : (
        <span class="dim navigator-all">{kind === "step" ? "all steps" : "all times"}</span>
      )}
    </div>
  );
}

function NavigatorRiver({ run, domain, width, kind }: { run: DrawnRun; domain: Span; width: number; kind: Axis }) {
  const colour = (reach: Reach) => (mode.value === "runs" ? colourOf(reach) : run.colour).line;
  const level: Reach[] = [
    {
      run_id: run.run_id,
      name: run.title,
      number: run.row.number,
      experiment: run.row.experiment,
      state: run.row.state,
      fork_step: null,
      last: domain[1],
      kept: domain,
      pruned: null,
    },
  ];
  return (
    <River
      lineage={kind === "step" ? run.row.lineage : level}
      domain={domain}
      width={width}
      height={HEIGHT}
      size="row"
      colour={colour}
    />
  );
}

type GripProps = {
  part: "low" | "high" | "both";
  all: Span;
  shown: Span;
  room: number;
  kind: Axis;
  left: number;
  width: number;
};

/** Return the window after one of its parts was moved by some share of everything. */
export function movedWindow(part: GripProps["part"], shown: Span, by: number, all: Span): Span {
  const least = (all[1] - all[0]) * LEAST_SHARE;
  if (part === "low") return [Math.min(Math.max(shown[0] + by, all[0]), shown[1] - least), shown[1]];
  if (part === "high") return [shown[0], Math.max(Math.min(shown[1] + by, all[1]), shown[0] + least)];
  const held = Math.max(Math.min(by, all[1] - shown[1]), all[0] - shown[0]);
  return [shown[0] + held, shown[1] + held];
}

/** A part of the window that is dragged, or moved with the arrow keys. */
function Grip({ part, all, shown, room, kind, left, width }: GripProps) {
  const begin = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const element = event.currentTarget as HTMLElement;
    element.setPointerCapture(event.pointerId);
    const from = event.clientX;
    const unit = (all[1] - all[0]) / room;
    let frame = 0;
    let latest = from;
    const apply = () => {
      frame = 0;
      const next = movedWindow(part, shown, (latest - from) * unit, all);
      zoomTo(next[0] <= all[0] && next[1] >= all[1] ? null : next);
    };
    const move = (moved: PointerEvent) => {
      latest = moved.clientX;
      frame ||= requestAnimationFrame(apply);
    };
    const end = () => {
      cancelAnimationFrame(frame);
      if (latest !== from) apply();
    };
    followPointer(move, end);
  };
  const key = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -100, End: 100 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    zoomTo(movedWindow(part, shown, (by * (all[1] - all[0])) / 100, all));
  };
  const value = part === "high" ? shown[1] : shown[0];
  const names = {
    low: "First x that charts show",
    high: "Last x that charts show",
    both: "Window of x that charts show",
  };
  return (
    <div
      class={`navigator-grip ${part}`}
      role="slider"
      tabIndex={0}
      aria-label={names[part]}
      aria-valuemin={all[0]}
      aria-valuemax={all[1]}
      aria-valuenow={value}
      aria-valuetext={formatX(value, kind)}
      style={{ left: `${left}px`, width: `${Math.max(width, 6)}px` }}
      onPointerDown={begin}
      onKeyDown={key}
    />
  );
}
