import type { Pen } from "./pen";
import type { Palette } from "./scene";
import type { Ticks } from "./ticks";
import { projectionOf, toPixelX, toPixelY, type View } from "./view";

/** What the axes of a chart show. */
export type AxesShown = { view: View; xTicks: Ticks; yTicks: Ticks; palette: Palette };

/** Draw the axes: horizontal grid, ticks and their texts. */
export function paintAxes(pen: Pen, { palette, view, xTicks, yTicks }: AxesShown): void {
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
    pen.fillText(yTicks.texts[at]!, plot.left - 6, y, plot.left - 6);
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
