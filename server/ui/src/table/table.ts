import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import { rowScale } from "../marks/shapes";
import { make, mark } from "./elements";
import { fillHead, makeHead } from "./head";
import { lineKey } from "./lines";
import type { Table, TableProps } from "./props";
import { listenToReordering } from "./reordering";
import { listenToResizing } from "./resizing";
import { fillRow, makeRow, type RowElement } from "./row";

const HEAD_HEIGHT = 44;
const OVERSCAN = 8;

/**
 * Put a table of runs into an element. It holds elements for the rows in view alone; whatever it shows comes with `update`, and
 * what it is used for goes to `acts`.
 */
export function mount(element: HTMLElement, first: TableProps): Table {
  let props = first;
  const scroller = make("div", "runs-table", { role: "treegrid", tabindex: "0" });
  const body = make("div", "table-rows", { role: "rowgroup" });
  let head = makeHead(props.columns, props.acts);
  scroller.append(head, body);
  element.append(scroller);
  const shown = new Map<string, RowElement>();
  let frame = 0;
  let anchor: { key: string; offset: number } | null = null;

  const virtualizer = new Virtualizer<HTMLElement, HTMLElement>({
    count: props.lines.count,
    getScrollElement: () => scroller,
    estimateSize: () => props.rowHeight,
    overscan: OVERSCAN,
    scrollMargin: HEAD_HEIGHT,
    scrollPaddingStart: HEAD_HEIGHT,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => render(),
  });

  function render(): void {
    cancelAnimationFrame(frame);
    frame = 0;
    const items = virtualizer.getVirtualItems();
    const wanted = new Map<string, { index: number; start: number }>();
    for (const item of items) {
      if (item.index >= props.lines.count) continue;
      const key = lineKey(props.lines.at(item.index));
      wanted.set(wanted.has(key) ? `${key} ${item.index}` : key, { index: item.index, start: item.start });
    }
    // Rows that went out of view show those that came into it.
    const spare: RowElement[] = [];
    for (const [key, row] of shown)
      if (!wanted.has(key)) {
        row.element.remove();
        spare.push(row);
        shown.delete(key);
      }
    let previous: Element | null = null;
    for (const [key, { index, start }] of wanted) {
      let row = shown.get(key);
      if (!row) {
        row = spare.pop() ?? makeRow(props.columns);
        shown.set(key, row);
      }
      const next: Element | null = previous ? previous.nextElementSibling : body.firstElementChild;
      if (next !== row.element) body.insertBefore(row.element, next);
      previous = row.element;
      const top = `${start - HEAD_HEIGHT}px`;
      if (row.element.style.top !== top) row.element.style.top = top;
      fillRow(row, props.lines.at(index), props);
      mark(row.element, "aria-rowindex", String(index + 2));
      mark(row.element, "id", `run-line-${index}`);
      const isPointed = props.pointed === key;
      row.element.classList.toggle("pointed", isPointed);
      mark(row.element, "aria-selected", isPointed ? "true" : null);
      if (isPointed) mark(scroller, "aria-activedescendant", row.element.id);
    }
    note(items.at(0)?.index ?? 0, items.at(-1)?.index ?? 0);
  }

  /** Remember what stands first in view, and say what is seen. */
  function note(first: number, last: number): void {
    const offset = virtualizer.scrollOffset ?? 0; // asking the element would lay out the page, just after it was changed
    const top = Math.floor(offset / props.rowHeight);
    anchor =
      offset > 0 && top < props.lines.count
        ? { key: lineKey(props.lines.at(top)), offset: offset - top * props.rowHeight }
        : null;
    if (props.lines.count === 0) return;
    const at = (line: number) => props.lines.at(Math.min(line, props.lines.count - 1)).index;
    props.acts.see(at(first), at(last));
  }

  /** Keep what the reader looks at where it is, if rows came or went above it. */
  function keepPlace(): void {
    if (!anchor) return;
    const near = Math.floor(scroller.scrollTop / props.rowHeight);
    const found = findLine(props, anchor.key, near);
    if (found === null) return;
    const top = found * props.rowHeight + anchor.offset;
    if (Math.abs(top - scroller.scrollTop) >= 1) scroller.scrollTop = top;
  }

  function layOut(): void {
    mark(scroller, "aria-label", props.label);
    mark(scroller, "data-mode", props.mode);
    mark(scroller, "aria-rowcount", String(props.lines.count + 1));
    mark(scroller, "aria-colcount", String(props.columns.length));
    const widths = props.columns.map((column) => `${column.width}px`).join(" ");
    scroller.style.setProperty("--columns", widths);
    scroller.style.setProperty("--row-height", `${props.rowHeight}px`);
    const total = props.columns.reduce((sum, column) => sum + column.width, 0);
    scroller.style.setProperty("--total", `${total}px`);
    body.style.height = `${props.lines.count * props.rowHeight}px`;
    let left = 0;
    for (const [at, column] of props.columns.entries()) {
      if (!column.isPinned) break;
      scroller.style.setProperty(`--left-${at}`, `${left}px`);
      left += column.width;
    }
    const lineage = props.columns.find((column) => column.kind === "lineage");
    if (lineage) scroller.style.setProperty("--hairlines", hairlines(props, lineage.width));
  }

  let columns = columnsKey(props);
  let rowHeight = props.rowHeight;

  function update(next: TableProps): void {
    const isOther = next.order !== props.order;
    props = next;
    const key = columnsKey(props);
    if (key !== columns) {
      columns = key;
      const made = makeHead(props.columns, props.acts);
      const focused = focusedColumn(head);
      releaseHead();
      head.replaceWith(made);
      head = made;
      releaseHead = listenToHead(head, () => props);
      if (focused) head.querySelector<HTMLElement>(`[data-column="${CSS.escape(focused)}"] .head-button`)?.focus();
      for (const row of shown.values()) row.element.remove();
      shown.clear();
    }
    virtualizer.setOptions({ ...virtualizer.options, count: props.lines.count });
    if (rowHeight !== props.rowHeight) {
      rowHeight = props.rowHeight;
      virtualizer.measure();
    }
    layOut();
    fillHead(head, props);
    if (isOther) scroller.scrollTop = 0;
    else keepPlace();
    virtualizer._willUpdate();
    if (!frame) frame = requestAnimationFrame(render);
  }

  const end = virtualizer._didMount();
  layOut();
  fillHead(head, props);
  virtualizer._willUpdate();
  render();
  let releaseHead = listenToHead(head, () => props);
  const release = listen(scroller, shown, () => props);

  return {
    update,
    reveal(line) {
      const top = line * props.rowHeight;
      const room = scroller.clientHeight - HEAD_HEIGHT - props.rowHeight;
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    },
    top: () => virtualizer.scrollOffset ?? 0, // the element itself may be out of the page by then
    scrollTo(top) {
      scroller.scrollTop = top;
    },
    destroy() {
      cancelAnimationFrame(frame);
      releaseHead();
      release();
      end();
      scroller.remove();
    },
  };
}

/** Return the column whose head has the focus. */
function focusedColumn(head: HTMLElement): string | undefined {
  const { activeElement } = document;
  if (!activeElement || !head.contains(activeElement)) return undefined;
  return activeElement.closest<HTMLElement>("[data-column]")?.dataset.column;
}

function listenToHead(head: HTMLElement, now: () => TableProps): () => void {
  const ends = [listenToResizing(head, now), listenToReordering(head, now)];
  const openMenu = (event: Event) => {
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-column]") : null;
    const key = cell?.dataset.column;
    if (!cell || key === undefined || !now().acts.menu || !now().acts.canSort(key)) return;
    event.preventDefault();
    now().acts.menu?.(key, cell);
  };
  head.addEventListener("contextmenu", openMenu);
  return () => {
    head.removeEventListener("contextmenu", openMenu);
    for (const end of ends) end();
  };
}

function columnsKey(props: TableProps): string {
  return props.columns
    .map((column) => `${column.kind} ${column.key} ${column.isPinned} ${props.acts.canSort(column.key)}`)
    .join("\n");
}

/** Lines through all rows at the ticks of the step axis, as a background. */
function hairlines(props: TableProps, width: number): string {
  const x = rowScale(props.scale.domain, width);
  const stops = props.scale.ticks.flatMap((tick) => {
    const at = Math.floor(x(tick));
    return [`transparent ${at}px`, `var(--line) ${at}px ${at + 1}px`, `transparent ${at + 1}px`];
  });
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

const NEAR = 400;

/** Find a line that stood near a place. */
function findLine(props: TableProps, key: string, near: number): number | null {
  const { count, at } = props.lines;
  for (let away = 0; away < NEAR; away++) {
    for (const line of away === 0 ? [near] : [near + away, near - away])
      if (line >= 0 && line < count && lineKey(at(line)) === key) return line;
  }
  return null;
}

/** Hear what is done with the rows; listeners stand on the table, not on rows that come and go. */
function listen(scroller: HTMLElement, shown: ReadonlyMap<string, RowElement>, now: () => TableProps): () => void {
  const rowOf = (event: Event): [string, RowElement] | undefined => {
    const element = event.target instanceof Element ? event.target.closest(".table-row") : null;
    return [...shown].find(([, row]) => row.element === element);
  };
  const over = (event: Event) => {
    const [, found] = rowOf(event) ?? [];
    const runId = found?.line?.row?.run_id ?? null;
    // What else was chosen since the row was drawn goes along.
    if (found?.line?.row) mark(found.element.querySelector(".run-name")!, "href", now().href(found.line.row));
    if (now().hovered !== runId) now().acts.hover(runId);
  };
  const leave = () => now().acts.hover(null);
  const click = (event: MouseEvent) => {
    const target = event.target as Element;
    const actor = target.closest<HTMLElement>("[data-act]");
    const { acts } = now();
    const column = target.closest<HTMLElement>("[data-column]")?.dataset.column;
    if (actor?.dataset.act === "sort" && column) return acts.sort(column, event.shiftKey);
    if (actor?.dataset.act === "menu" && column) return acts.menu?.(column, actor);
    if (actor?.dataset.act === "eyes") return acts.eyes(actor);
    const [key, row] = rowOf(event) ?? [];
    if (!row?.line?.row || key === undefined) return;
    acts.point(key);
    if (actor?.dataset.act === "toggle") acts.toggle(row.line, event.shiftKey);
    if (actor?.dataset.act === "expand") acts.expand(row.line.row);
  };
  // Buttons in rows come and go: the keyboard stays with the table.
  const hold = (event: MouseEvent) => {
    if (!(event.target instanceof Element) || !event.target.closest(".table-row [data-act]")) return;
    event.preventDefault();
  };
  scroller.addEventListener("mousedown", hold);
  scroller.addEventListener("pointerover", over);
  scroller.addEventListener("pointerleave", leave);
  scroller.addEventListener("click", click);
  return () => {
    scroller.removeEventListener("mousedown", hold);
    scroller.removeEventListener("pointerover", over);
    scroller.removeEventListener("pointerleave", leave);
    scroller.removeEventListener("click", click);
  };
}
