import { rowScale } from "../marks/shapes";
import { formatStep } from "../text/format";
import { headOf, isNumeric } from "./cells";
import { draw, make, makeSvg, mark, type Shape, say } from "./elements";
import type { TableColumn, TableProps } from "./props";

/** Make the head of a table's columns. */
export function makeHead(columns: readonly TableColumn[]): HTMLDivElement {
  const head = make("div", "run-head", { role: "row", "aria-rowindex": "1" });
  for (const column of columns) {
    const cell = make("div", `head-cell ${column.kind}-head`, { role: "columnheader", "data-column": column.key });
    if (column.isPinned) cell.classList.add("pinned");
    cell.append(...headContents(column));
    head.append(cell);
  }
  return head;
}

function headContents(column: TableColumn): Element[] {
  if (column.kind === "eye") return [make("button", "eye head-eye", { type: "button", "data-act": "eyes" })];
  if (column.kind === "lineage") return [makeSvg("step-axis")];
  const button = make("button", "head-button", { type: "button", "data-act": "sort" });
  if (column.kind === "value") button.append(make("span", "head-path"), make("span", "head-below"));
  return [button];
}

/** Bring the head up to date. */
export function fillHead(head: HTMLElement, props: TableProps): void {
  for (const [at, column] of props.columns.entries()) {
    const cell = head.children[at] as HTMLElement | undefined;
    if (!cell) continue;
    const sort = props.sorts.get(column.key);
    mark(cell, "aria-sort", sort ? (sort.descending ? "descending" : "ascending") : null);
    mark(cell, "data-rank", sort && props.sorts.size > 1 ? String(sort.rank) : null);
    fillHeadCell(cell, column, props);
  }
}

function fillHeadCell(cell: HTMLElement, column: TableColumn, props: TableProps): void {
  const content = cell.firstElementChild!;
  switch (column.kind) {
    case "eye":
      mark(content, "aria-label", "Which runs are drawn");
      mark(content, "title", "Which runs are drawn");
      return;
    case "lineage":
      mark(cell, "aria-label", "Lineage over steps");
      draw(content as SVGSVGElement, axisShapes(props, column.width));
      return;
    case "value": {
      const { namespace, name, below } = headOf(column.column);
      fillPath(content.firstElementChild!, namespace, name);
      say(content.lastElementChild!, below);
      mark(content, "title", column.column.title);
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
  }
}

function nameHead(props: TableProps): string {
  if (props.mode === "experiments") return "Experiment";
  return props.sorts.has("lineage") ? "Run, by lineage" : "Run";
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
