import type { Axis, Point } from "../api/types";
import type { Axes } from "./axes";
import type { PlacedName } from "./names";
import type { Near } from "./nearest";
import type { Painter } from "./painter";
import type { ChartLine, Palette, Scene } from "./scene";
import type { Sheet, SheetWords } from "./sheet";
import type { Ticks } from "./ticks";
import type { Tooltip } from "./tooltip";
import type { Box, Span, View } from "./view";

/** What a chart shows, and what it tells when the reader does something. All of it may change at any time. */
export type ChartProps = {
  /** The metric: the chart's name. */
  path: string;
  /** What x is; `lines` have it in this unit. */
  axis: Axis;
  lines: readonly ChartLine[];
  /** What part of x is shown. */
  x: Span;
  /** What part of y is shown; null fits it to the lines. */
  y: Span | null;
  isLog: boolean;
  ignoresOutliers: boolean;
  /** The run that stands out, here or elsewhere. */
  hovered: string | null;
  /** Where the cursor line is while the pointer is in another chart. */
  cursor: number | null;
  /** Room beside the plot: for ticks on the left, for names on the right; 0 on the right shows no names there. */
  left: number;
  right: number;
  palette: Palette;
  isServerAway: boolean;
  /** A run is pointed at, or none. */
  onHover?: (runId: string | null) => void;
  /** The pointer (or the cursor keys) are at an x, or nowhere. */
  onCursor?: (x: number | null) => void;
  /** A part of the chart is to be shown; y where a box was drawn. */
  onZoom?: (x: Span, y: Span | null) => void;
  /** Everything is to be shown again. */
  onReset?: () => void;
  /** Values of the tooltip were copied: text, and what it is. */
  onCopy?: (text: string, what: string) => void;
  /** Ask for exact points of runs at an x. */
  askExact?: (runIds: string[], x: number) => Promise<Point[]>;
};

/** A chart on the page. */
export type MountedChart = {
  update: (changes: Partial<ChartProps>) => void;
  /** Return what it shows, drawn whole: for files. */
  sheet: (words: SheetWords) => Sheet;
  /** Return what it shows. */
  view: () => View | null;
  /** Zoom to an x. */
  zoomAround: (x: number) => void;
  remove: () => void;
};

/** What a chart on the page shows, for tests in a browser: the canvas of a worker cannot be read. */
export type Seen = { view: View; axis: Axis; lines: readonly ChartLine[]; hovered: string | null };
const seen = new Map<string, () => Seen>();

/** Let tests see a chart; returns what ends it. */
export function letSee(path: string, see: () => Seen): () => void {
  seen.set(path, see);
  return () => {
    if (seen.get(path) === see) seen.delete(path);
  };
}

/** Return whether y is logarithmic in a chart on the page. */
export function isLogNow(path: string): boolean {
  return seen.get(path)?.().view.isLog ?? false;
}

declare global {
  interface Window {
    /** For tests in a browser. */
    __ui?: { charts: () => Record<string, Seen> };
  }
}
window.__ui = { charts: () => Object.fromEntries([...seen].map(([path, see]) => [path, see()])) };

/** A place in the chart, in pixels. */
export type Pointer = { x: number; y: number };
/** A mounted chart, with all that it consists of. */
export type Chart = {
  element: HTMLElement;
  props: ChartProps;
  axes: Axes;
  painter: Painter;
  canvas: HTMLCanvasElement;
  dots: SVGSVGElement;
  spoken: HTMLElement;
  tooltip: Tooltip;
  scene: Scene;
  view: View;
  xTicks: Ticks;
  yTicks: Ticks;
  names: PlacedName[];
  pointer: Pointer | null;
  near: Near[];
  /** Whose values stay in the tooltip, and at which x; null while it follows the pointer. */
  pins: { runId: string; x: number }[] | null;
  /** Where the tooltip lies, in pixels of the chart. */
  covered: Box[];
  isDragging: boolean;
  /** Counts what the painter was told; the canvas says what of it was drawn. */
  serial: number;
  exact: { key: string; points: Point[] } | null;
  exactTimer: ReturnType<typeof setTimeout> | undefined;
};
