import { type Fingers, makeAxes } from "./axes";
import { described } from "./hover";
import { nameWidth, show } from "./look";
import { type Chart, type ChartProps, letSee, type MountedChart } from "./mounted";
import { placeNames } from "./names";
import { findNear, findPinned, pin, showNear } from "./near";
import { nonFiniteAt } from "./nonfinite";
import { paintOn } from "./painter";
import { listen, pointAt } from "./pointer";
import { pinchedTo, rangeOf, widened } from "./range";
import { sceneOf } from "./scene";
import { legendOf, type Sheet, type SheetWords, TITLE_HEIGHT, X_NAME_HEIGHT, xNames } from "./sheet";
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
    sheet: (words) => sheetOf(chart, words),
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
  const shape = shapeOf(sizeOf(element), props);
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

type Size = { width: number; height: number };

function sizeOf(element: HTMLElement): Size {
  const [width, height] = [element.clientWidth, element.clientHeight].map(Math.round) as [number, number];
  return { width: Math.max(1, width), height: Math.max(TOP + BOTTOM + 1, height) };
}

/** Return window and ticks as the props have them now, in so much room. */
function shapeOf({ width, height }: Size, props: ChartProps): { view: View; xTicks: Ticks; yTicks: Ticks } {
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
    Object.assign(chart, shapeOf(sizeOf(chart.element), props));
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
  let pinched: { from: Fingers; x: Span } | null = null;
  return {
    select: ({ left, right, top, bottom }, isBox) => {
      const projection = projectionOf(chart.view);
      const { plot } = chart.view;
      const x: Span = [fromPixelX(projection, plot.left + left), fromPixelX(projection, plot.left + right)];
      const y: Span = [fromPixelY(projection, plot.top + bottom), fromPixelY(projection, plot.top + top)];
      chart.props.onZoom?.(x, isBox ? y : null);
    },
    click: (at, isTouch) => {
      if (isTouch) {
        pin(chart, false);
        chart.isDragging = false;
        pointAt(chart, { x: at.x + chart.view.plot.left, y: at.y + chart.view.plot.top });
      }
      const odd = chart.pointer && nonFiniteAt(chart.props.lines, chart.view, chart.pointer, chart.props.axis);
      if (odd && !odd.isWhole) zoomAround(chart, odd.x);
      else if (chart.near.length > 0) pin(chart, chart.pins === null);
    },
    pinch: (from, to) => {
      if (pinched?.from !== from) pinched = { from, x: chart.view.x };
      const x = pinchedTo(pinched.x, chart.view.plot.width, from, to);
      if (x) chart.props.onZoom?.(x, null);
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

// A sheet is as wide as a column of text at least, and three fifths as high.
const LEAST_SHEET_WIDTH = 800;
const SHEET_RATIO = 0.6;
const LEGEND_GAP = 6;

function sheetOf(chart: Chart, words: SheetWords): Sheet {
  const { props } = chart;
  const { paper } = props.palette;
  const palette = { ...props.palette, paper: paper.startsWith("#f") ? "#ffffff" : paper }; // light: as paper is
  const width = Math.max(chart.view.width, LEAST_SHEET_WIDTH);
  const height = Math.max(chart.view.height, Math.round(width * SHEET_RATIO));
  const { view, xTicks, yTicks } = shapeOf({ width, height: height - TITLE_HEIGHT - X_NAME_HEIGHT }, props);
  const measure = (text: string, isBold: boolean) => nameWidth(text, isBold, props.palette);
  const legend = legendOf(props.lines, words, {
    width,
    top: height + LEGEND_GAP,
    measure: (text) => measure(text, false),
  });
  const plot = { ...view.plot, top: view.plot.top + TITLE_HEIGHT };
  const lower: View = { ...view, height: height + LEGEND_GAP + legend.height, plot };
  const names = placeNames(props.lines, lower, { hovered: props.hovered, measure, taken: [] });
  return {
    ...words,
    xName: xNames[props.axis],
    legend,
    scene: sceneOf(props.lines, palette, props.isServerAway),
    view: lower,
    look: { hovered: props.hovered, names },
    xTicks,
    yTicks,
  };
}
