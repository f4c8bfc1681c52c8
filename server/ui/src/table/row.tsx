import { render } from "preact";
import type { Change, Reach, Row, RunState } from "../api/types";
import { MouthMark, River } from "../marks/River";
import { rowScale } from "../marks/shapes";
import { TreeSlice } from "../marks/TreeSlice";
import type { TreeRun } from "../marks/tree";
import { formatContent, formatStep } from "../text/format";
import { cellOf, contentOf } from "./cells";
import { make, makeSvg, mark, pin, say } from "./elements";
import type { Line } from "./lines";
import type { TableColumn, TableProps } from "./props";

/** A line of the table as elements. */
export type RowElement = {
  element: HTMLDivElement;
  /** By the places of their columns. */
  cells: HTMLElement[];
  line: Line | null;
};

/** Make a row for these columns, to be filled by `fillRow`. */
export function makeRow(columns: readonly TableColumn[]): RowElement {
  const element = make("div", "table-row", { role: "row" });
  const cells: HTMLElement[] = [];
  for (const [at, column] of columns.entries()) {
    const cell = make("div", `cell ${column.kind}-cell`, { role: column.kind === "name" ? "rowheader" : "gridcell" });
    if (column.isPinned) pin(cell, at);
    cell.append(...contents(column));
    cells.push(cell);
    element.append(cell);
  }
  return { element, cells, line: null };
}

function contents(column: TableColumn): Element[] {
  switch (column.kind) {
    case "eye":
      return [make("button", "eye", { type: "button", tabindex: "-1", "data-act": "toggle" })];
    case "name":
      return [
        make("a", "run-name", { tabindex: "-1" }),
        make("span", "run-mark"),
        make("span", "run-aside"),
        make("button", "expander", { type: "button", tabindex: "-1", "data-act": "expand" }),
      ];
    case "state":
      return [makeSvg("state-mark"), make("span", "")];
    default:
      return [];
  }
}

/** Bring a row up to date with what it shows. */
export function fillRow(target: RowElement, line: Line, props: TableProps): void {
  const { element } = target;
  const { row } = line;
  target.line = line;
  const isChild = line.kind === "child";
  const isDrawn = row !== undefined && props.isDrawn(row.run_id);
  element.classList.toggle("skeleton", row === undefined);
  element.classList.toggle("child", isChild);
  element.classList.toggle("undrawn", row !== undefined && !isDrawn && !isChild);
  element.classList.toggle("hovered", row !== undefined && props.hovered === row.run_id);
  const node = row && props.tree(line);
  element.classList.toggle("family", node !== undefined && !node.lane.hasParent && !isChild);
  element.classList.toggle("head", props.mode === "runs" && row?.is_head === true);
  if (!row) {
    mark(element, "aria-level", null);
    mark(element, "aria-expanded", null);
    for (const cell of target.cells) if (cell.childElementCount === 0) say(cell, "");
    return;
  }
  const below = isChild ? line.parent : undefined;
  const colour = props.colour(row, below);
  element.style.setProperty("--run", colour.line);
  element.style.setProperty("--run-text", colour.text);
  const canExpand = props.mode === "experiments" && !isChild && row.run_count > 1;
  mark(element, "aria-level", props.mode === "experiments" ? (isChild ? "2" : "1") : null);
  mark(element, "aria-expanded", canExpand ? String(props.isExpanded(row)) : null);
  for (const [at, column] of props.columns.entries()) {
    const cell = target.cells[at];
    if (cell) fillCell(cell, column, { line, row, props, canExpand, isDrawn });
  }
}

type Filled = { line: Line; row: Row; props: TableProps; canExpand: boolean; isDrawn: boolean };

function fillCell(cell: HTMLElement, column: TableColumn, filled: Filled): void {
  const { row, props, line } = filled;
  switch (column.kind) {
    case "eye":
      fillEye(cell, filled);
      break;
    case "name":
      fillName(cell, filled);
      break;
    case "lineage":
      drawLineage(cell, line, row, { width: column.width, props });
      break;
    case "step":
      say(cell, formatStep(row.last_step));
      break;
    case "state":
      fillState(cell, row.state);
      break;
    case "changes":
      fillChanges(cell, row.changes ?? []);
      break;
    case "value": {
      const value = contentOf(row, column.key);
      const { text, isBad, isNumber } = cellOf(value, column.column, column.format);
      cell.classList.toggle("bad", isBad);
      cell.classList.toggle("text", !isNumber);
      mark(cell, "title", typeof value === "number" ? String(value) : text);
      say(cell, text);
    }
  }
}

function fillState(cell: HTMLElement, state: RunState): void {
  const [svg, word] = [...cell.children] as [Element, Element];
  cell.classList.toggle("bad", state === "failed");
  if (word.textContent === (state ?? "unknown") && svg.childElementCount > 0) return;
  render(<MouthMark x={6} y={6} r={2.8} state={state} colour="currentColor" />, svg);
  say(word, state ?? "unknown");
}

function fillEye(cell: HTMLElement, { row, line, isDrawn, props }: Filled): void {
  const button = cell.firstElementChild!;
  mark(button, "aria-pressed", String(isDrawn));
  mark(button, "aria-label", `Draw ${props.title(line).text}`);
  mark(button, "title", isDrawn ? "Drawn in charts. Click to hide, Shift-click for a range" : "Draw in charts");
  mark(button, "data-run", row.run_id);
}

function fillName(cell: HTMLElement, { row, line, canExpand, props }: Filled): void {
  const [link, small, aside, expander] = [...cell.children] as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  const { text, mark: beside, aside: word } = props.title(line);
  say(link, text);
  mark(link, "href", props.href(row));
  mark(link, "title", text);
  say(small, beside);
  say(aside, word);
  mark(aside, "title", word);
  expander.hidden = !canExpand;
  if (canExpand) {
    say(expander, String(row.run_count));
    const isExpanded = props.isExpanded(row);
    mark(expander, "aria-expanded", String(isExpanded));
    mark(expander, "aria-label", `${isExpanded ? "Hide" : "Show"} the ${row.run_count} runs of ${text}`);
  }
  const depth = props.mode === "runs" ? (props.tree(line)?.depth ?? 0) : 0;
  const indent = line.kind === "child" ? 1 : Math.min(depth, 8);
  cell.style.setProperty("--indent", String(indent));
}

const drawn = new WeakMap<Element, unknown[]>();

/** Draw again only what is drawn from something else than before: most updates change a number or two. */
function drawLineage(
  cell: HTMLElement,
  line: Line,
  row: Row,
  { width, props }: { width: number; props: TableProps },
): void {
  const node = props.tree(line);
  const [low, high] = props.scale.domain;
  const own = props.colour(row).line;
  const now = [
    row,
    node?.lane,
    width,
    low,
    high,
    props.rowHeight,
    props.hidesPruned,
    props.hidesInherited,
    props.isServerAway,
    props.mode,
    own,
  ];
  const before = drawn.get(cell);
  if (before && now.every((one, at) => Object.is(one, before[at]))) return;
  drawn.set(cell, now);
  render(lineageOf(line, row, width, props), cell);
}

/** Return what is drawn of a lineage: all of it, without what was pruned, or the run's own part alone. */
function lineageShown(lineage: readonly Reach[], props: TableProps): readonly Reach[] {
  const own = lineage.at(-1);
  if (props.hidesInherited && own) return [{ ...own, fork_step: null }];
  return props.hidesPruned ? lineage.map((reach) => ({ ...reach, pruned: null })) : lineage;
}

function lineageOf(line: Line, row: Row, width: number, props: TableProps): preact.JSX.Element {
  const below = line.kind === "child" ? line.parent : undefined;
  const node = props.tree(line);
  const { hidesPruned, isServerAway, rowHeight: height } = props;
  const { domain } = props.scale;
  if (node) {
    const colour = (run: TreeRun) => props.colour(run, below).line;
    const shared = { width, height, colour, hidesPruned, isServerAway };
    return <TreeSlice lane={node.lane} x={rowScale(domain, width)} low={domain[0]} {...shared} />;
  }
  const lineage = lineageShown(row.lineage, props);
  const colour =
    props.mode === "experiments" ? () => props.colour(row).line : (reach: Reach) => props.colour(reach).line;
  return <River {...{ lineage, domain, width, height, colour, isServerAway }} />;
}

const MOST_CHANGES = 4;

function changeInWords({ path, before, after }: Change): string {
  if (!after) return `− ${path}`;
  const now = formatContent(after.value, after.type);
  return before ? `${path} ${formatContent(before.value, before.type)} → ${now}` : `+ ${path} = ${now}`;
}

function fillChanges(cell: HTMLElement, changes: readonly Change[]): void {
  const words = changes.map(changeInWords);
  mark(cell, "title", words.length > 0 ? words.join("\n") : null);
  const more = words.length > MOST_CHANGES ? `, ${words.length - MOST_CHANGES} more` : "";
  say(cell, words.slice(0, MOST_CHANGES).join(", ") + more);
}
