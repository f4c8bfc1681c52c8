import { makeAxes } from "./axes";
import { described } from "./hover";
import { nameWidth, show } from "./look";
import { type Chart, type ChartProps, letSee, type MountedChart } from "./mounted";
import { placeNames } from "./names";
import { findNear, findPinned, pin, showNear } from "./near";
import { nonFiniteAt } from "./nonfinite";
import { paintOn } from "./painter";
import { listen } from "./pointer";
import { rangeOf, widened } from "./range";
import { sceneOf } from "./scene";
import { type Sheet, TITLE_HEIGHT } from "./sheet";
import { clockTicks, durationTicks, linearTicks, logTicks, stepTicks, type Ticks } from "./ticks";
import { makeTooltip } from "./tooltip";
import { fromPixelX, fromPixelY, projectionOf, type Span, toPixelX, type View } from "./view";

const TOP = 6;
const BOTTOM = 20;
const NO_TICKS: Ticks = { at: [], texts: [] };

/**
 * Show a chart in an element, which gives it its size; the element must have a height of its own.
 *
 * Lines are drawn in a worker that all charts share; axes, cursor and tooltip here. The chart keeps no state but where the pointer
 * is: window, hovered run and cursor come by `update`, so that all charts agree.
 */
export function mountChart(element: HTMLElement, first: ChartProps): MountedChart {
  const chart = build(element, first);
  const observer = new ResizeObserver(() => refresh(chart, true, false));
  observer.observe(element);
  const onWindowResize = () => refresh(chart, true, false);
  window.addEventListener("resize", onWindowResize);
  const unlisten = listen(chart);
  const unsee = letSee(first.path, () => {
    const { axis, lines, hovered } = chart.props;
    return { view: chart.view, axis, lines, hovered };
  });
  return {
    update: (changes) => {
      const before = chart.props;
      chart.props = { ...before, ...changes };
      takeOver(chart, before);
    },
    sheet: (title, tags) => sheetOf(chart, title, tags),
    view: () => chart.view,
    zoomAround: (x) => zoomAround(chart, x),
    remove: () => {
      unsee();
      clearTimeout(chart.exactTimer);
      observer.disconnect();
      window.removeEventListener("resize", onWindowResize);
      unlisten();
      chart.painter.remove();
      chart.axes.remove();
      chart.tooltip.remove();
      element.replaceChildren();
    },
  };
}

function build(element: HTMLElement, props: ChartProps): Chart {
  element.tabIndex = 0;
  element.setAttribute("role", "application");
  element.setAttribute("aria-roledescription", "chart");
  const shape = shapeOf(element, props);
  const chart = {
    element,
    props,
    ...shape,
    near: [],
    names: [],
    pointer: null,
    pins: null,
    covered: [],
    isDragging: false,
    exact: null,
    serial: 0,
  } as Omit<Chart, "axes" | "painter" | "canvas" | "dots" | "spoken" | "tooltip" | "scene" | "exactTimer"> as Chart;
  chart.axes = makeAxes(element, { ...shape, palette: props.palette }, handlersOf(chart));
  chart.canvas = document.createElement("canvas");
  chart.canvas.className = "chart-lines";
  chart.canvas.setAttribute("aria-hidden", "true");
  chart.axes.wrap.insertBefore(chart.canvas, chart.axes.over);
  chart.dots = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  chart.dots.classList.add("chart-dots");
  chart.dots.setAttribute("aria-hidden", "true");
  chart.axes.wrap.insertBefore(chart.dots, chart.axes.over);
  chart.spoken = document.createElement("div");
  chart.spoken.className = "unseen";
  chart.spoken.setAttribute("aria-live", "polite");
  element.append(chart.spoken);
  chart.tooltip = makeTooltip();
  chart.painter = paintOn(chart.canvas, (serial) => {
    chart.canvas.dataset.drawn = String(serial);
  });
  refresh(chart, true, true);
  return chart;
}

/** Return size, window and ticks as the props and the element have them now. */
function shapeOf(element: HTMLElement, props: ChartProps): { view: View; xTicks: Ticks; yTicks: Ticks } {
  const width = Math.max(1, Math.round(element.clientWidth));
  const height = Math.max(TOP + BOTTOM + 1, Math.round(element.clientHeight));
  const left = Math.min(props.left, width - 1);
  const plotWidth = Math.max(1, width - left - props.right);
  const plot = { left, top: TOP, width: plotWidth, height: height - TOP - BOTTOM };
  const x = widened(props.x);
  const { isLog, ignoresOutliers } = props;
  const fallback: Span = isLog ? [1, 10] : [0, 1];
  const manual = props.y && (!isLog || props.y[0] > 0) ? props.y : null;
  const fitted = rangeOf(props.lines, x, { isLog, ignoresOutliers });
  const y = manual ?? fitted ?? fallback;
  const view: View = { width, height, plot, x, y, isLog };
  const wide = { step: x[1] < 10_000 ? 48 : 72, relative: 60, time: 72 }[props.axis];
  const ticksOfX = { step: stepTicks, relative: durationTicks, time: clockTicks }[props.axis];
  const hasPoints = props.lines.some((line) => line.x.length > 0 || line.nonfinite.length > 0);
  const xTicks = hasPoints ? ticksOfX(x, Math.max(1, Math.floor(plot.width / wide))) : NO_TICKS;
  const ticksOfY = isLog ? logTicks : linearTicks;
  const yTicks = manual || fitted ? ticksOfY(y, Math.max(2, Math.floor(plot.height / 38))) : NO_TICKS;
  return { view, xTicks, yTicks };
}

function takeOver(chart: Chart, before: ChartProps): void {
  const now = chart.props;
  const isOtherScene =
    before.lines !== now.lines || before.palette !== now.palette || before.isServerAway !== now.isServerAway;
  const isOtherView =
    isOtherScene ||
    before.x[0] !== now.x[0] ||
    before.x[1] !== now.x[1] ||
    before.y?.[0] !== now.y?.[0] ||
    before.y?.[1] !== now.y?.[1] ||
    before.isLog !== now.isLog ||
    before.ignoresOutliers !== now.ignoresOutliers ||
    before.axis !== now.axis ||
    before.left !== now.left ||
    before.right !== now.right;
  if (isOtherView || before.hovered !== now.hovered) refresh(chart, isOtherView, isOtherScene);
  if (before.cursor !== now.cursor && !chart.pointer && chart.pins === null) showForeignCursor(chart);
}

function refresh(chart: Chart, isOtherView: boolean, isOtherScene: boolean): void {
  const { props } = chart;
  if (isOtherView) {
    Object.assign(chart, shapeOf(chart.element, props));
    const { view } = chart;
    chart.axes.show({ view, xTicks: chart.xTicks, yTicks: chart.yTicks, palette: props.palette });
    for (const layer of [chart.canvas, chart.dots]) {
      layer.style.width = `${view.width}px`;
      layer.style.height = `${view.height}px`;
    }
  }
  if (isOtherScene) {
    chart.scene = sceneOf(props.lines, props.palette, props.isServerAway);
    chart.element.setAttribute("aria-label", described(props.path, props.lines, props.axis));
    chart.exact = null;
  }
  if (isOtherView && chart.pins) findPinned(chart);
  else if (isOtherView && chart.pointer) findNear(chart, chart.pointer);
  if (isOtherView) showNear(chart);
  show(chart, { ...(isOtherScene ? { scene: chart.scene } : {}), ...(isOtherView ? { view: chart.view } : {}) });
  if (!chart.pointer && isOtherView) showForeignCursor(chart);
}

function handlersOf(chart: Chart): Parameters<typeof makeAxes>[2] {
  return {
    select: ({ left, right, top, bottom }, isBox) => {
      const projection = projectionOf(chart.view);
      const { plot } = chart.view;
      const x: Span = [fromPixelX(projection, plot.left + left), fromPixelX(projection, plot.left + right)];
      const y: Span = [fromPixelY(projection, plot.top + bottom), fromPixelY(projection, plot.top + top)];
      chart.props.onZoom?.(x, isBox ? y : null);
    },
    click: () => {
      const odd = chart.pointer && nonFiniteAt(chart.props.lines, chart.view, chart.pointer, chart.props.axis);
      if (odd && !odd.isWhole) zoomAround(chart, odd.x);
      else if (chart.near.length > 0) pin(chart, chart.pins === null);
    },
    reset: () => chart.props.onReset?.(),
  };
}

/** Show a tenth of what is shown, around an x. */
function zoomAround(chart: Chart, x: number): void {
  chart.props.onZoom?.(
    [x - (chart.view.x[1] - chart.view.x[0]) / 20, x + (chart.view.x[1] - chart.view.x[0]) / 20],
    null,
  );
}

function showForeignCursor(chart: Chart): void {
  const { cursor } = chart.props;
  const left = cursor === null ? null : toPixelX(projectionOf(chart.view), cursor) - chart.view.plot.left;
  chart.axes.setCursor(left !== null && left >= 0 && left <= chart.view.plot.width ? left : null);
}

function sheetOf(chart: Chart, title: string, tags: string[]): Sheet {
  const { view, props } = chart;
  const plot = { ...view.plot, top: view.plot.top + TITLE_HEIGHT };
  const lower: View = { ...view, height: view.height + TITLE_HEIGHT, plot };
  const measure = (text: string, isBold: boolean) => nameWidth(text, isBold, props.palette);
  const names = placeNames(props.lines, lower, { hovered: props.hovered, measure, taken: [] });
  return {
    title,
    tags,
    scene: sceneOf(props.lines, props.palette, props.isServerAway),
    view: lower,
    look: { hovered: props.hovered, names },
    xTicks: chart.xTicks,
    yTicks: chart.yTicks,
  };
}
