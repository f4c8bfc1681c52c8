import type { Chart } from "./mounted";
import { nameFont, placeNames } from "./names";
import type { Palette, Scene } from "./scene";
import type { View } from "./view";

const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map<string, number>();

/** Return how wide a name is. */
export function nameWidth(text: string, isBold: boolean, palette: Palette): number {
  const font = nameFont(palette, isBold);
  const key = `${font} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (ruler) ruler.font = font;
    width = ruler?.measureText(text).width ?? 7 * text.length;
    if (widths.size > 5000) widths.clear();
    widths.set(key, width);
  }
  return width;
}

/** Let the painter draw a chart as it is now; scene and view where they are others than before. */
export function show(chart: Chart, changed: { scene?: Scene; view?: View } = {}): void {
  const { props, view } = chart;
  const measure = (text: string, isBold: boolean) => nameWidth(text, isBold, props.palette);
  chart.names = placeNames(props.lines, view, { hovered: props.hovered, measure, taken: chart.covered });
  chart.serial += 1;
  chart.canvas.dataset.shown = String(chart.serial);
  chart.painter.show({
    serial: chart.serial,
    ...changed,
    look: { hovered: props.hovered, names: chart.names },
    pixelRatio: window.devicePixelRatio || 1,
  });
}

/** Leave out the names that something covers, in pixels of the chart: half a name is worse than none. */
export function cover(chart: Chart, covered: Chart["covered"]): void {
  const { props, view } = chart;
  if (covered.length === 0 && chart.covered.length === 0) return;
  chart.covered = covered;
  const measure = (text: string, isBold: boolean) => nameWidth(text, isBold, props.palette);
  const names = placeNames(props.lines, view, { hovered: props.hovered, measure, taken: covered });
  const idsOf = (some: typeof names) => some.map((name) => name.id).join();
  if (idsOf(names) !== idsOf(chart.names)) show(chart);
}
