import { contentOf, linesNear, markNear, tabSeparated } from "./hover";
import { cover } from "./look";
import type { Chart, Pointer } from "./mounted";
import { nonFiniteAt } from "./nonfinite";
import type { ChartLine } from "./scene";
import { emptiestPlace } from "./tooltip";
import { fromPixelX, nearestAt, projectionOf, toPixelX, toPixelY } from "./view";

const EXACT_PAUSE_MS = 150;

/** Find the lines near the pointer. */
export function findNear(chart: Chart, pointer: Pointer): void {
  chart.near = linesNear(chart.props.lines, chart.view, pointer, null);
  askExact(chart);
}

/** Forget the pointer, unless the tooltip is pinned. */
export function leaveChart(chart: Chart): void {
  if (chart.pins) return;
  chart.pointer = null;
  chart.near = [];
  showNear(chart);
  chart.axes.setCursor(null);
  chart.props.onHover?.(null);
  chart.props.onCursor?.(null);
}

/** Let the tooltip stay where it is, or go. */
export function pin(chart: Chart, isPinned: boolean): void {
  if ((chart.pins !== null) === isPinned) return;
  const { lines } = chart.props;
  chart.pins = isPinned
    ? chart.near.map((one) => ({ runId: lines[one.line]!.run_id, x: lines[one.line]!.x[one.entry]! }))
    : null;
  chart.tooltip.pin(isPinned);
  if (!isPinned) leaveChart(chart);
}

/** Find what is pinned among lines that have changed. */
export function findPinned(chart: Chart): void {
  const { lines } = chart.props;
  const projection = projectionOf(chart.view);
  chart.near = (chart.pins ?? []).flatMap(({ runId, x }) => {
    const line = lines.findIndex((one) => one.run_id === runId);
    const found = lines[line];
    const entry = found ? nearestAt(found.x, x) : -1;
    if (!found || entry < 0) return [];
    const at = { x: toPixelX(projection, found.x[entry]!), y: toPixelY(projection, found.y[entry]!) };
    return [{ line, entry, distance: 0, ...at }];
  });
  askExact(chart);
}

/** Hand over the values of the tooltip, to be copied. */
export function copyNear(chart: Chart): void {
  const { lines, path, axis } = chart.props;
  chart.props.onCopy?.(tabSeparated(lines, chart.near, path, axis), "Values");
}

function exactKey(chart: Chart): string {
  const { lines } = chart.props;
  return chart.near.map((one) => `${lines[one.line]!.run_id}@${lines[one.line]!.x[one.entry]}`).join(" ");
}

/** Ask when the points were logged, once the pointer rests. */
export function askExact(chart: Chart): void {
  clearTimeout(chart.exactTimer);
  const { askExact: ask, lines } = chart.props;
  const [first] = chart.near;
  if (!ask || !first || chart.exact?.key === exactKey(chart)) return;
  const key = exactKey(chart);
  const runs = chart.near.map((one) => lines[one.line]!.run_id);
  const x = lines[first.line]!.x[first.entry]!;
  chart.exactTimer = setTimeout(() => {
    ask(runs, x)
      .then((points) => {
        if (exactKey(chart) !== key) return;
        chart.exact = { key, points };
        showNear(chart);
      })
      .catch(() => undefined); // the tooltip says what it knows; whoever asked has told that no server answers
  }, EXACT_PAUSE_MS);
}

/** Return what a mark means that is pointed at; null where none is. */
function noteAt({ props: { lines, axis }, view }: Chart, at: Pointer): string | null {
  const odd = nonFiniteAt(lines, view, at, axis);
  return odd ? `${odd.text}${odd.isWhole ? "" : ". Click to zoom there"}` : markNear(lines, view, at);
}

/** Show the tooltip and the dots of the lines near the pointer. */
export function showNear(chart: Chart): void {
  const { props, near, tooltip, dots, view } = chart;
  const at = chart.pointer ?? near[0];
  const note = at ? noteAt(chart, at) : null;
  if (!at || (near.length === 0 && note === null) || near.some((one) => one.line >= props.lines.length)) {
    chart.pins = null;
    tooltip.hide();
    dots.replaceChildren();
    cover(chart, []);
    return;
  }
  const isExact = chart.exact?.key === exactKey(chart);
  const content = contentOf(props.lines, near, props.axis, isExact ? chart.exact!.points : null, note);
  tooltip.show(content);
  const projection = projectionOf(view);
  dots.replaceChildren(
    ...near.toReversed().flatMap((one) => {
      const line = props.lines[one.line]!;
      const [x, y] = [toPixelX(projection, line.x[one.entry]!), toPixelY(projection, line.y[one.entry]!)];
      return Number.isFinite(y) ? [dot(x, y, one === near[0] ? 3.6 : 2.2, line.colour.line, props.palette.paper)] : [];
    }),
  );
  chart.spoken.textContent = `${content.where}: ${content.rows.map((row) => `${row.title} ${row.value}`).join(", ")}`;
  const box = chart.element.getBoundingClientRect();
  const points = near.flatMap((one) => linePlaces(chart, props.lines[one.line]!, box));
  const within = { width: window.innerWidth, height: window.innerHeight };
  const { left, top } = emptiestPlace({ x: box.left + at.x, y: box.top + at.y }, tooltip.size(), within, points);
  tooltip.put(left, top);
  cover(chart, [{ left: left - box.left, top: top - box.top, ...tooltip.size() }]);
}

/** Return where a line runs, every few pixels: what a tooltip should not cover. */
function linePlaces(chart: Chart, line: ChartLine, box: DOMRect): Pointer[] {
  const projection = projectionOf(chart.view);
  const { plot } = chart.view;
  const places: Pointer[] = [];
  for (let pixel = plot.left; pixel < plot.left + plot.width; pixel += 12) {
    const at = nearestAt(line.x, fromPixelX(projection, pixel));
    const y = at < 0 ? Number.NaN : toPixelY(projection, line.y[at]!);
    if (Number.isFinite(y)) places.push({ x: box.left + pixel, y: box.top + y });
  }
  return places;
}

function dot(x: number, y: number, r: number, fill: string, stroke: string): SVGElement {
  const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [name, value] of Object.entries({ cx: x, cy: y, r, fill, stroke }))
    circle.setAttribute(name, String(value));
  return circle;
}
