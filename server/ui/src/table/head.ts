import { rowScale } from "../marks/shapes";
import { formatStep } from "../text/format";
import { headOf, isNumeric } from "./cells";
import { draw, make, makeSvg, mark, pin, type Shape, say } from "./elements";
import type { TableActs, TableColumn, TableProps } from "./props";

/** Make the head of a table's columns. */
export function makeHead(columns: readonly TableColumn[], acts: TableActs): HTMLDivElement {
  const head = make("div", "table-head", { role: "row", "aria-rowindex": "1" });
  for (const [at, column] of columns.entries()) {
    const cell = make("div", `head-cell ${column.kind}-head`, { role: "columnheader", "data-column": column.key });
    if (column.isPinned) pin(cell, at);
    cell.append(...headContents(column, acts));
    head.append(cell);
  }
  return head;
}

function headContents(column: TableColumn, acts: TableActs): Element[] {
  if (column.kind === "eye") {
    const button = make("button", "eye head-eye", { type: "button", "data-act": "eyes" });
    say(button, "drawn");
    return [button];
  }
  const handles = acts.resize ? [makeResizer(column)] : [];
  if (column.kind === "lineage") {
    const name = make("span", "unseen");
    name.textContent = "lineage over steps";
    return [makeSvg("step-axis"), name, ...handles];
  }
  const canSort = acts.canSort(column.key);
  const label = canSort
    ? make("button", "head-button", { type: "button", "data-act": "sort" })
    : make("span", "head-button");
  if (column.kind === "value") label.append(make("span", "head-path"), make("span", "head-below"));
  if (!canSort || !acts.menu) return [label, ...handles];
  const more = make("button", "head-more", { type: "button", "data-act": "menu", "aria-haspopup": "menu" });
  return [label, more, ...handles];
}

function nameOf(column: TableColumn): string {
  return column.kind === "value" ? column.column.title : column.kind;
}

function makeResizer(column: TableColumn): HTMLElement {
  return make("div", "resizer", {
    role: "separator",
    tabindex: "0",
    "aria-orientation": "vertical",
    "aria-label": `Width of ${nameOf(column)}`,
    "aria-valuemin": "40",
    "aria-valuemax": "1000",
  });
}

/** Bring the head up to date. */
export function fillHead(head: HTMLElement, props: TableProps): void {
  for (const [at, column] of props.columns.entries()) {
    const cell = head.children[at] as HTMLElement | undefined;
    if (!cell) continue;
    const sort = props.sorts.get(column.key);
    mark(cell, "aria-sort", sort ? (sort.descending ? "descending" : "ascending") : null);
    const rank = sort && props.sorts.size > 1 ? String(sort.rank) : "";
    for (const one of cell.querySelectorAll(".head-button, .head-below")) mark(one, "data-rank", rank);
    fillHeadCell(cell, column, props);
    const resizer = cell.querySelector(".resizer");
    if (resizer) mark(resizer, "aria-valuenow", String(Math.round(column.width)));
    const more = cell.querySelector(".head-more");
    if (more) mark(more, "aria-label", `More for ${nameOf(column)}`);
  }
}

function fillHeadCell(cell: HTMLElement, column: TableColumn, props: TableProps): void {
  const content = cell.firstElementChild!;
  switch (column.kind) {
    case "eye":
      mark(content, "aria-label", "Which runs are drawn");
      mark(content, "title", "Which runs are drawn in charts: a click chooses the first ones, all, or none");
      return;
    case "lineage":
      draw(content as SVGSVGElement, axisShapes(props, column.width));
      return;
    case "value": {
      const { namespace, name, below } = headOf(column.column);
      fillPath(content.firstElementChild!, namespace, name);
      say(content.lastElementChild!, below);
      mark(content, "title", `${column.column.title}. ${SORTS}`);
      cell.classList.toggle("text", !isNumeric(column.column));
      return;
    }
    default:
      say(
        content,
        { name: nameHead(props), step: "last step", state: "state", changes: "changed against the parent" }[
          column.kind
        ],
      );
      mark(content, "title", titles[column.kind]);
  }
}

const SORTS = "Click sorts, with Shift adds to the order.";
const titles = {
  name: SORTS,
  step: `The last step of its metrics, inherited ones included. ${SORTS}`,
  state: `As far as readers can know: lost is a run that stopped writing without ending. ${SORTS}`,
  changes: "Configs in which the run differs from its parent.",
};

function nameHead(props: TableProps): string {
  if (props.mode === "experiments") return "Experiment";
  return props.isByLineage ? "Run, by lineage" : "Run";
}

function fillPath(element: Element, namespace: string, name: string): void {
  if (element.childElementCount === 0) element.append(make("span", "dim"), make("b", ""));
  say(element.firstElementChild!, namespace);
  say(element.lastElementChild!, name);
}

function axisShapes(props: TableProps, width: number): Shape[] {
  const x = rowScale(props.scale.domain, width);
  const { ticks } = props.scale;
  return ticks.flatMap((tick, at): Shape[] => {
    const anchor = at === 0 ? "start" : x(tick) > width - 30 ? "end" : "middle";
    return [
      { tag: "path", attributes: { class: "axis-tick", d: `M${Math.floor(x(tick)) + 0.5} 38v6` } },
      { tag: "text", attributes: { x: x(tick), y: 34, "text-anchor": anchor }, text: formatStep(tick) },
    ];
  });
}
