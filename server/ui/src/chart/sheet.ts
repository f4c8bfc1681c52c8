import type { Axis } from "../api/types";
import { plural } from "../text/format";
import { fitted, nameFont, paintNames } from "./names";
import { paintLines } from "./paint";
import { paintAxes } from "./paintAxes";
import type { Pen } from "./pen";
import type { ChartLine, Scene } from "./scene";
import type { Look } from "./stage";
import type { Ticks } from "./ticks";
import type { View } from "./view";

/** What is written on a sheet beside what the chart shows. */
export type SheetWords = {
  title: string;
  tags: string[];
  /** What each run is called in the legend; its title where it is not there. */
  names: ReadonlyMap<string, string>;
  /** Where it comes from, and which runs these are. */
  note: string;
};

/** Names of lines below a chart, and the note below them. */
export type Legend = {
  height: number;
  items: { text: string; colour: string; x: number; y: number }[];
  rest: string;
  note: string;
};

/** A whole chart on a sheet of its own: what is exported. */
export type Sheet = {
  title: string;
  tags: string[];
  xName: string;
  legend: Legend;
  scene: Scene;
  view: View;
  look: Look;
  xTicks: Ticks;
  yTicks: Ticks;
};

/** Room above the plot for the title. */
export const TITLE_HEIGHT = 28;
/** Room below the ticks for what x is. */
export const X_NAME_HEIGHT = 20;
/** What x is, and what it is measured in. */
export const xNames: Record<Axis, string> = {
  step: "step",
  relative: "time since the root of the lineage began",
  time: `time (${Intl.DateTimeFormat().resolvedOptions().timeZone})`,
};

const MARGIN = 8;
const ROW = 18;
const SAMPLE = 22;
const MOST_ROWS = 12;

/** Lay out the names of lines below a chart, row by row. */
export function legendOf(
  lines: readonly Pick<ChartLine, "run_id" | "title" | "colour">[],
  { names, note }: Pick<SheetWords, "names" | "note">,
  { width, top, measure }: { width: number; top: number; measure: (text: string) => number },
): Legend {
  const items: Legend["items"] = [];
  let [x, row] = [MARGIN, 0];
  for (const line of lines) {
    const text = fitted(names.get(line.run_id) ?? line.title, width - SAMPLE - 3 * MARGIN, measure);
    const taken = SAMPLE + measure(text) + 2 * MARGIN;
    if (x > MARGIN && x + taken > width) [x, row] = [MARGIN, row + 1];
    if (row === MOST_ROWS) break;
    items.push({ text, colour: line.colour.line, x, y: top + (row + 0.5) * ROW });
    x += taken;
  }
  const left = lines.length - items.length;
  const rest = left > 0 ? `and ${plural(left, "more line")}` : "";
  const rows = Math.min(row + 1, MOST_ROWS) + (rest ? 2 : 1);
  return { height: rows * ROW + MARGIN, items, rest, note: fitted(note, width - 2 * MARGIN, measure) };
}

/** Draw a whole chart: paper, title, axes with their names, lines, names and legend. */
export function paintSheet(pen: Pen, sheet: Sheet): void {
  const { scene, view, look } = sheet;
  const { palette } = scene;
  pen.fillStyle = palette.paper;
  pen.fillRect(0, 0, view.width, view.height);
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.font = `400 12px ${palette.mono}`;
  pen.fillStyle = palette.ink;
  pen.fillText([sheet.title, ...sheet.tags].join("   "), MARGIN, 18);
  paintAxes(pen, { ...sheet, palette });
  pen.fillStyle = palette.ink2;
  const { plot } = view;
  pen.fillText(sheet.xName, plot.left + plot.width / 2, plot.top + plot.height + X_NAME_HEIGHT + 14);
  const hovered = scene.lines.filter((line) => line.id === look.hovered);
  paintLines(pen, scene, view, scene.lines, hovered.length > 0 ? palette.away : 1);
  if (hovered.length > 0) paintLines(pen, scene, view, hovered, 1);
  paintNames(pen, look.names, palette);
  paintLegend(pen, sheet);
}

function paintLegend(pen: Pen, { legend, scene: { palette }, view }: Sheet): void {
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.font = nameFont(palette, false);
  pen.globalAlpha = 1;
  pen.lineWidth = 2;
  for (const { text, colour, x, y } of legend.items) {
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + SAMPLE - 6, y);
    pen.stroke();
    pen.fillStyle = palette.ink;
    pen.fillText(text, x + SAMPLE, y);
  }
  pen.fillStyle = palette.ink2;
  pen.font = `400 11px ${palette.sans}`;
  if (legend.rest) pen.fillText(legend.rest, MARGIN, view.height - MARGIN - 1.5 * ROW);
  pen.fillText(legend.note, MARGIN, view.height - MARGIN - 0.5 * ROW);
}
