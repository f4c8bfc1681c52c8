import { linesNear, POINTING_DISTANCE } from "./hover";
import type { Chart, Pointer } from "./mounted";
import { boxOf } from "./names";
import { askExact, copyNear, findNear, leaveChart, pin, showNear } from "./near";
import { scaledAround } from "./range";
import { fromPixelX, nearestAt, projectionOf, toPixelX, toPixelY, type View } from "./view";

/** Hear pointer and keys; returns what ends it. */
export function listen(chart: Chart): () => void {
  const { element, axes } = chart;
  let frame = 0;
  let latest: Pointer | null = null;
  const follow = () => {
    frame = 0;
    if (latest) pointAt(chart, latest);
  };
  const move = (event: PointerEvent) => {
    chart.isDragging = (event.buttons & 1) === 1;
    const box = element.getBoundingClientRect();
    latest = { x: event.clientX - box.left, y: event.clientY - box.top };
    frame ||= requestAnimationFrame(follow);
  };
  const leave = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    latest = null;
    leaveChart(chart);
  };
  const wheel = (event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = element.getBoundingClientRect();
    const centre = fromPixelX(projectionOf(chart.view), event.clientX - box.left);
    chart.props.onZoom?.(
      scaledAround(chart.view.x, centre, Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300)))),
      null,
    );
  };
  const key = (event: KeyboardEvent) => onKey(chart, event);
  const pressElsewhere = (event: PointerEvent) => {
    const target = event.target as Node;
    if (chart.pins && !element.contains(target) && !chart.tooltip.contains(target)) pin(chart, false);
  };
  const anyKey = (event: KeyboardEvent) => {
    if (chart.near.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
    if (event.key === "c") copyNear(chart);
    if (event.key === "Escape") pin(chart, false);
  };
  const blur = () => {
    if (!latest) leaveChart(chart);
  };
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerleave", leave);
  element.addEventListener("keydown", key);
  element.addEventListener("blur", blur);
  axes.over.addEventListener("wheel", wheel, { passive: false });
  document.addEventListener("pointerdown", pressElsewhere, true);
  document.addEventListener("keydown", anyKey);
  return () => {
    cancelAnimationFrame(frame);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerleave", leave);
    element.removeEventListener("keydown", key);
    element.removeEventListener("blur", blur);
    document.removeEventListener("pointerdown", pressElsewhere, true);
    document.removeEventListener("keydown", anyKey);
  };
}

function isInPlot({ plot }: View, { x, y }: Pointer): boolean {
  return x >= plot.left && x <= plot.left + plot.width && y >= plot.top - 2 && y <= plot.top + plot.height + 2;
}

/** Tell what is at a place, in pixels of the chart. */
export function pointAt(chart: Chart, pointer: Pointer): void {
  if (chart.pins) return;
  const { props, view } = chart;
  if (!isInPlot(view, pointer)) {
    chart.pointer = null;
    chart.near = [];
    showNear(chart);
    const name = chart.names.find((one) => {
      const box = boxOf(one);
      return pointer.x >= box.left && pointer.x <= box.left + box.width && Math.abs(pointer.y - one.y) <= 7;
    });
    chart.axes.setCursor(null);
    props.onCursor?.(null);
    props.onHover?.(name?.id ?? null);
    return;
  }
  chart.axes.setCursor(pointer.x - view.plot.left);
  if (chart.isDragging) {
    chart.pointer = null;
    chart.near = [];
    showNear(chart);
    return;
  }
  chart.pointer = pointer;
  findNear(chart, pointer);
  props.onCursor?.(fromPixelX(projectionOf(view), pointer.x));
  const [nearest] = chart.near;
  const isPointed = nearest !== undefined && nearest.distance <= POINTING_DISTANCE;
  props.onHover?.(isPointed ? props.lines[nearest.line]!.run_id : null);
  showNear(chart);
}

/** Move the cursor from point to point, and from line to line. */
function onKey(chart: Chart, event: KeyboardEvent): void {
  if (event.target !== chart.element || event.ctrlKey || event.metaKey || event.altKey) return;
  const by: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 };
  const { props, view } = chart;
  if (event.key === "Enter" && chart.near.length > 0) pin(chart, chart.pins === null);
  else if (event.key === "+" || event.key === "-") {
    const centre = chart.near[0]
      ? props.lines[chart.near[0].line]!.x[chart.near[0].entry]!
      : (view.x[0] + view.x[1]) / 2;
    props.onZoom?.(scaledAround(view.x, centre, event.key === "+" ? 0.5 : 2), null);
  } else if (event.key in by || event.key === "Home" || event.key === "End") {
    const line = lineOfKeys(chart);
    if (line < 0) return;
    const { x } = props.lines[line]!;
    const current = chart.near[0]?.line === line ? chart.near[0].entry : nearestAt(x, view.x[1]) + 1;
    const wanted = event.key === "Home" ? 0 : event.key === "End" ? x.length - 1 : current + by[event.key]!;
    goTo(chart, line, Math.max(0, Math.min(x.length - 1, wanted)));
  } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    const line = lineOfKeys(chart);
    if (line < 0) return;
    const next = (line + (event.key === "ArrowDown" ? 1 : props.lines.length - 1)) % props.lines.length;
    const at = chart.near[0] ? props.lines[line]!.x[chart.near[0].entry]! : view.x[1];
    goTo(chart, next, Math.max(0, nearestAt(props.lines[next]!.x, at)));
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

function lineOfKeys(chart: Chart): number {
  const { lines, hovered } = chart.props;
  const current = chart.near[0]?.line ?? lines.findIndex((line) => line.run_id === hovered);
  return current >= 0 && current < lines.length ? current : lines.findIndex((line) => line.x.length > 0);
}

function goTo(chart: Chart, line: number, entry: number): void {
  const { props, view } = chart;
  const found = props.lines[line];
  if (!found || found.x.length === 0) return;
  const projection = projectionOf(view);
  const at = { x: toPixelX(projection, found.x[entry]!), y: toPixelY(projection, found.y[entry]!) };
  const place = { x: at.x, y: Number.isFinite(at.y) ? at.y : view.plot.top };
  chart.pointer = place;
  chart.near = linesNear(props.lines, view, place, found.run_id);
  if (chart.near[0]) chart.near[0] = { ...chart.near[0], entry };
  askExact(chart);
  chart.axes.setCursor(at.x - view.plot.left);
  props.onCursor?.(found.x[entry]!);
  props.onHover?.(found.run_id);
  showNear(chart);
}
