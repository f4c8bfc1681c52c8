import { type Covered, coveredBy } from "./covered";
import { endInView } from "./paint";
import type { Pen } from "./pen";
import { type ChartLine, endOf, type Palette } from "./scene";
import { type Box, entriesIn, type Projection, projectionOf, toPixelX, toPixelY, type View } from "./view";

/** A name at the end of a line. */
export type PlacedName = {
  id: string;
  text: string;
  colour: string;
  /** Left edge and middle, in pixels. */
  x: number;
  y: number;
  width: number;
  /** What leads from the line's end to the name: x and y by turns, beginning there; null where the name stands right beside it. */
  leader: number[] | null;
  isInside: boolean;
  isBold: boolean;
};

/** How far apart names stand. */
export const NAME_HEIGHT = 14;
const GUTTER_ROOM = 12;
const INSIDE_ROOM = 7;
const APART = 5;

/** What names need to know of a line. */
export type Named = Pick<ChartLine, "run_id" | "title" | "colour" | "x" | "y" | "last" | "forks" | "pruned">;

type End = { line: Named; x: number; y: number; isAtEdge: boolean };

/** Return where a line leaves the plot or ends in it; null where neither is seen. */
function endSeen(line: Named, view: View, projection: Projection): End | null {
  const { plot } = view;
  const right = plot.left + plot.width;
  const [from, to] = entriesIn(line.x, view.x);
  if (to <= from) return null;
  const lastX = line.last?.x ?? line.x[line.x.length - 1]!;
  if (lastX > view.x[1]) {
    const [before, after] = [to - 2 >= from ? to - 2 : to - 1, to - 1];
    const [xa, xb] = [toPixelX(projection, line.x[before]!), toPixelX(projection, line.x[after]!)];
    const [ya, yb] = [toPixelY(projection, line.y[before]!), toPixelY(projection, line.y[after]!)];
    const share = xb > xa ? Math.min(1, Math.max(0, (right - xa) / (xb - xa))) : 1;
    const y = ya + (yb - ya) * share;
    if (!Number.isFinite(y)) return null;
    return { line, x: right, y, isAtEdge: true };
  }
  const end = endInView(projection, view, endOf(line));
  if (!end) return null;
  return { line, x: end[0], y: end[1], isAtEdge: end[0] >= right - Math.max(16, plot.width * 0.04) };
}

/** Return a text that is no wider than allowed. */
export function fitted(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  const characters = Array.from(text);
  let low = 0;
  let high = characters.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (measure(`${characters.slice(0, middle).join("")}…`) <= width) low = middle;
    else high = middle - 1;
  }
  return low === 0 ? "" : `${characters.slice(0, low).join("")}…`;
}

/** Push places that are sorted by y apart, and keep them between two bounds. */
export function pushApart(ys: readonly number[], distance: number, low: number, high: number): number[] {
  type Group = { from: number; to: number; middle: number };
  const groups: Group[] = [];
  const bounded = (group: Group): Group => {
    const half = ((group.to - group.from) * distance) / 2;
    return { ...group, middle: Math.max(low + half, Math.min(high - half, group.middle)) };
  };
  for (const [at, y] of ys.entries()) {
    let group = bounded({ from: at, to: at, middle: y });
    for (let above = groups.at(-1); above; above = groups.at(-1)) {
      const halves = ((above.to - above.from + (group.to - group.from)) * distance) / 2 + distance;
      if (group.middle - above.middle >= halves - 1e-9) break;
      groups.pop();
      const wanted = ys.slice(above.from, group.to + 1);
      group = bounded({ from: above.from, to: group.to, middle: wanted.reduce((a, b) => a + b, 0) / wanted.length });
    }
    groups.push(group);
  }
  return groups.flatMap(({ from, to, middle }) =>
    Array.from({ length: to - from + 1 }, (_, at) => middle + (at - (to - from) / 2) * distance),
  );
}

/** What decides which names are shown. */
export type NameRules = {
  hovered: string | null;
  /** Width of a name in pixels. */
  measure: (text: string, isBold: boolean) => number;
  /** What names must not touch. */
  taken: readonly Box[];
};

/** Place names at the ends of lines: in the right gutter, pushed apart over all its height, or beside ends in the plot. */
export function placeNames(lines: readonly Named[], view: View, rules: NameRules): PlacedName[] {
  const projection = projectionOf(view);
  const { plot } = view;
  const ends = lines.flatMap((line) => endSeen(line, view, projection) ?? []);
  const gutter = view.width - plot.left - plot.width - GUTTER_ROOM - 2;
  const most = Math.max(1, Math.floor((plot.height + NAME_HEIGHT) / NAME_HEIGHT));
  const isFirst = (end: End) => end.line.run_id === rules.hovered;
  const inView = (end: End) => end.y >= plot.top - 1 && end.y <= plot.top + plot.height + 1;
  const first = (some: readonly End[]) => [...some.filter(isFirst), ...some.filter((end) => !isFirst(end))];
  const covered = coveredBy(lines, view);
  let outside = first(ends.filter((end) => end.isAtEdge && inView(end))).slice(0, most);
  let inside = first(ends.filter((end) => !end.isAtEdge));
  let placed: PlacedName[] = [];
  for (;;) {
    const sorted = [...outside].sort((a, b) => a.y - b.y);
    const heights = heightsOf(sorted, plot);
    placed = gutter < 20 ? [] : sorted.map((end, at) => inGutter(end, heights[at]!, view, gutter, rules));
    const left: End[] = [];
    for (const end of inside) {
      const name = insidePlot(end, view, { placed, covered, ends }, rules);
      if (name) placed.push(name);
      else left.push(end);
    }
    // What has no free place near its end stands in the gutter, where there is room.
    const moved = gutter < 20 ? [] : left.slice(0, most - outside.length);
    if (moved.length === 0) break;
    outside = [...outside, ...moved];
    inside = inside.filter((end) => !moved.includes(end));
  }
  return placed.filter((name) => name.text !== "" && !touches(boxOf(name), rules.taken));
}

function heightsOf(ends: readonly End[], plot: Box): number[] {
  const ys = ends.map((end) => end.y);
  return pushApart(ys, NAME_HEIGHT, plot.top + 2, plot.top + plot.height - 2);
}

function inGutter(end: End, y: number, view: View, width: number, rules: NameRules): PlacedName {
  const isBold = end.line.run_id === rules.hovered;
  const measure = (text: string) => rules.measure(text, isBold);
  const text = fitted(end.line.title, width, measure);
  const x = view.plot.left + view.plot.width + GUTTER_ROOM;
  const { run_id: id, colour } = end.line;
  const leader = [end.x + 4, end.y, Math.max(end.x + 4, x - 8), end.y, x - 3, y];
  return { id, text, colour: colour.text, x, y, width: measure(text), leader, isInside: false, isBold };
}

/** What names in a plot must not stand on. */
type Obstacles = { placed: readonly PlacedName[]; covered: Covered; ends: readonly End[] };

/** How far above or below the end of a line its name may stand, right and left of it, the nearest first. */
const PLACES = [0, -9, 9, -17, 17, -26, 26, -36, 36].flatMap((by) => [
  { by, isRight: true },
  ...(by === 0 ? [] : [{ by, isRight: false }]),
]);

/** Place a name where it covers no line; what has no such place is left out, unless it is hovered. */
function insidePlot(end: End, view: View, obstacles: Obstacles, rules: NameRules): PlacedName | null {
  const isBold = end.line.run_id === rules.hovered;
  const text = fitted(end.line.title, 120, (one) => rules.measure(one, isBold));
  const width = rules.measure(text, isBold);
  const { run_id: id, colour } = end.line;
  const { plot } = view;
  const marks = obstacles.ends.map(({ x, y }) => ({ left: x - 4, top: y - 4, width: 4, height: 8 }));
  const taken = [...obstacles.placed.map(boxOf), ...marks];
  let best: { name: PlacedName; cost: number } | null = null;
  for (const { by, isRight } of PLACES) {
    const y = end.y + by;
    const x = isRight ? end.x + INSIDE_ROOM : end.x - INSIDE_ROOM - width;
    const leader = Math.abs(by) > 12 ? [end.x, end.y + Math.sign(by) * 5, isRight ? x : x + width, y] : null;
    const name = { id, text, colour: colour.text, x, y, width, leader, isInside: true, isBold };
    const isIn = x >= plot.left && x + width <= view.width && y >= plot.top && y <= plot.top + plot.height;
    if (!isIn || touches(boxOf(name), taken)) continue;
    const cost = obstacles.covered({ ...boxOf(name), top: y - NAME_HEIGHT / 2, height: NAME_HEIGHT });
    if (cost < (best?.cost ?? Number.POSITIVE_INFINITY)) best = { name, cost };
    if (cost === 0) break;
  }
  return best && (best.cost === 0 || isBold) ? best.name : null;
}

/** Return the rectangle of a name. */
export function boxOf(name: Pick<PlacedName, "x" | "y" | "width">): Box {
  return { left: name.x, top: name.y - NAME_HEIGHT / 2 + 1, width: name.width, height: NAME_HEIGHT - 2 };
}

function touches(one: Box, others: readonly Box[]): boolean {
  return others.some(
    (other) =>
      one.left < other.left + other.width + APART &&
      other.left < one.left + one.width + APART &&
      one.top < other.top + other.height &&
      other.top < one.top + one.height,
  );
}

/** Return the font of names. */
export function nameFont(palette: Palette, isBold: boolean): string {
  return `italic ${isBold ? 700 : 400} 12px ${palette.sans}`;
}

/** Draw names, with lines that lead to them and a halo of paper. */
export function paintNames(pen: Pen, names: readonly PlacedName[], palette: Palette): void {
  pen.save();
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  for (const name of names) {
    if (name.leader) {
      pen.globalAlpha = 0.45;
      pen.strokeStyle = name.colour;
      pen.lineWidth = 1;
      pen.beginPath();
      for (let at = 0; at < name.leader.length; at += 2) {
        if (at === 0) pen.moveTo(name.leader[0]!, name.leader[1]!);
        else pen.lineTo(name.leader[at]!, name.leader[at + 1]!);
      }
      pen.stroke();
    }
    pen.globalAlpha = 1;
    pen.font = nameFont(palette, name.isBold);
    if (name.isInside) {
      pen.strokeStyle = palette.paper;
      pen.lineWidth = 3;
      pen.strokeText(name.text, name.x, name.y);
    }
    pen.fillStyle = name.colour;
    pen.fillText(name.text, name.x, name.y);
  }
  pen.restore();
}
