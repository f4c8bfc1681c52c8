import uPlot from "uplot";
import type { Palette } from "./scene";
import type { Ticks } from "./ticks";
import { measured, type Span, type View } from "./view";

/** What the axes of a chart show. */
export type AxesShown = { view: View; xTicks: Ticks; yTicks: Ticks; palette: Palette };

/** What happens on the axes, in pixels of the plot. */
export type AxesHandlers = {
  /** A part was chosen by dragging; a box if Shift was held. */
  select: (box: { left: number; right: number; top: number; bottom: number }, isBox: boolean) => void;
  click: () => void;
  reset: () => void;
};

/** Axes, ticks, cursor and dragging of a chart. */
export type Axes = {
  /** What lies over the plot and hears the pointer. */
  over: HTMLElement;
  /** What holds all layers. */
  wrap: HTMLElement;
  show: (shown: AxesShown) => void;
  /** Put the cursor line at a pixel of the plot, or nowhere. */
  setCursor: (left: number | null) => void;
  remove: () => void;
};

/** Put axes into an element. uPlot draws them and follows the pointer; it is given no data: lines are drawn by the painter. */
export function makeAxes(element: HTMLElement, first: AxesShown, handlers: AxesHandlers): Axes {
  let shown = first;
  let hasDragged = false;
  const plot = new uPlot(
    options(first, () => shown),
    DATA,
    element,
  );
  const { over } = plot;
  const finishDrag = () => {
    const { left, top, width, height } = plot.select;
    const isBox = Boolean(plot.cursor.drag?.y);
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    hasDragged = width > 0;
    if (width > 0) handlers.select({ left, right: left + width, top, bottom: top + height }, isBox && height > 0);
  };
  plot.hooks.setSelect = [finishDrag];
  const begin = (event: MouseEvent) => {
    hasDragged = false;
    plot.cursor.drag!.y = event.shiftKey;
  };
  over.addEventListener("mousedown", begin, true);
  over.addEventListener("click", () => {
    if (!hasDragged) handlers.click();
  });
  over.addEventListener("dblclick", handlers.reset);
  return {
    over,
    wrap: over.parentElement!,
    show: (next) => {
      const before = shown;
      shown = next;
      const { view } = next;
      if (isResized(before.view, view)) plot.setSize({ width: view.width, height: view.height });
      plot.redraw(false, true);
    },
    setCursor: (left) => plot.setCursor({ left: left ?? -10, top: left === null ? -10 : 1 }, false),
    remove: () => plot.destroy(),
  };
}

function isResized(before: View, now: View): boolean {
  return before.width !== now.width || before.height !== now.height;
}

/** uPlot knows shares of the window alone: so its axes do not depend on how large or small numbers are, or on logarithms. */
const WHOLE: [number, number] = [0, 1];
const DATA: uPlot.AlignedData = [WHOLE, [null, null]];

function shares(values: readonly number[], [low, high]: Span, isLog = false): number[] {
  const [from, to] = [measured(low, isLog), measured(high, isLog)];
  return values.map((value) => (measured(value, isLog) - from) / (to - from || 1));
}

function options({ view }: AxesShown, now: () => AxesShown): uPlot.Options {
  const ink = () => now().palette.ink3;
  const hairline = () => now().palette.line;
  const font = () => `11px ${now().palette.sans}`;
  const right = () => now().view.width - now().view.plot.left - now().view.plot.width;
  const below = () => now().view.height - now().view.plot.top - now().view.plot.height;
  return {
    width: view.width,
    height: view.height,
    padding: [() => now().view.plot.top, right, () => 0, () => 0],
    legend: { show: false },
    scales: { x: { time: false, auto: false, range: WHOLE }, y: { auto: false, range: WHOLE } },
    series: [{}, { scale: "y", paths: () => null, points: { show: false } }],
    axes: [
      {
        scale: "x",
        size: below,
        font: font(),
        gap: 2,
        stroke: ink,
        grid: { show: false },
        ticks: { size: 4, width: 1, stroke: hairline },
        border: { show: true, width: 1, stroke: hairline },
        splits: () => shares(now().xTicks.at, now().view.x),
        values: () => now().xTicks.texts,
      },
      {
        scale: "y",
        size: () => now().view.plot.left,
        font: font(),
        gap: 6,
        stroke: ink,
        grid: { width: 1, stroke: hairline },
        ticks: { show: false },
        splits: () => shares(now().yTicks.at, now().view.y, now().view.isLog),
        values: () => now().yTicks.texts,
      },
    ],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      bind: { dblclick: () => null },
    },
  };
}
