import { paintNames } from "./names";
import { paintLines } from "./paint";
import { paintAxes } from "./paintAxes";
import type { Pen } from "./pen";
import type { Scene } from "./scene";
import type { Look } from "./stage";
import type { Ticks } from "./ticks";
import type { View } from "./view";

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
  paintAxes(pen, { ...sheet, palette });
  const hovered = scene.lines.filter((line) => line.id === look.hovered);
  paintLines(pen, scene, view, scene.lines, hovered.length > 0 ? palette.away : 1);
  if (hovered.length > 0) paintLines(pen, scene, view, hovered, 1);
  paintNames(pen, look.names, palette);
}
