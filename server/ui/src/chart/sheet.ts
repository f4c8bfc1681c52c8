import { paintNames } from "./names";
import { paintLines } from "./paint";
import type { Pen } from "./pen";
import type { Scene } from "./scene";
import type { Look } from "./stage";
import type { Ticks } from "./ticks";
import { projectionOf, toPixelX, toPixelY, type View } from "./view";

/** A whole chart on a sheet of its own: what is exported. */
export type Sheet = {
  title: string;
  tags: string[];
  scene: Scene;
  view: View;
  look: Look;
  xTicks: Ticks;
  yTicks: Ticks;
};

/** Room above the plot for the title. */
export const TITLE_HEIGHT = 28;

/** Draw a whole chart: paper, title, axes, lines and names. */
export function paintSheet(pen: Pen, sheet: Sheet): void {
  const { scene, view, look } = sheet;
  const { palette } = scene;
  pen.fillStyle = palette.paper;
  pen.fillRect(0, 0, view.width, view.height);
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.font = `400 12px ${palette.mono}`;
  pen.fillStyle = palette.ink;
  pen.fillText([sheet.title, ...sheet.tags].join("   "), 8, 18);
  paintAxes(pen, sheet);
  const hovered = scene.lines.filter((line) => line.id === look.hovered);
  paintLines(pen, scene, view, scene.lines, hovered.length > 0 ? palette.away : 1);
  if (hovered.length > 0) paintLines(pen, scene, view, hovered, 1);
  paintNames(pen, look.names, palette);
}

/** Draw the axes: horizontal grid, ticks and their texts. */
export function paintAxes(pen: Pen, { scene, view, xTicks, yTicks }: Sheet): void {
  const { palette } = scene;
  const { plot } = view;
  const projection = projectionOf(view);
  const bottom = plot.top + plot.height;
  pen.globalAlpha = 1;
  pen.strokeStyle = palette.line;
  pen.lineWidth = 1;
  pen.font = `400 11px ${palette.sans}`;
  pen.fillStyle = palette.ink3;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.beginPath();
  for (const [at, value] of yTicks.at.entries()) {
    const y = Math.round(toPixelY(projection, value)) + 0.5;
    pen.moveTo(plot.left, y);
    pen.lineTo(plot.left + plot.width, y);
    pen.fillText(yTicks.texts[at]!, plot.left - 6, y);
  }
  pen.moveTo(plot.left, bottom + 0.5);
  pen.lineTo(plot.left + plot.width, bottom + 0.5);
  pen.textAlign = "center";
  pen.textBaseline = "alphabetic";
  for (const [at, value] of xTicks.at.entries()) {
    const x = Math.round(toPixelX(projection, value)) + 0.5;
    pen.moveTo(x, bottom);
    pen.lineTo(x, bottom + 4);
    pen.fillText(xTicks.texts[at]!, x, bottom + 16);
  }
  pen.stroke();
}
