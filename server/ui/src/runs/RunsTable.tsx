import { computed, effect, signal, untracked } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { go, place } from "../state/address";
import { moveColumn, nextSort, sortColumn } from "../state/columns";
import { isDrawn, setDrawnBetween, toggleDrawn } from "../state/drawn";
import { toggleExpanded } from "../state/expanded";
import { hoveredRun } from "../state/hover";
import { shortcut } from "../state/keys";
import { pointedLine } from "../state/rowCursor";
import { listing, showRows } from "../state/runs";
import { expanded, mode, sort } from "../state/view";
import { type Line, lineKey } from "../table/lines";
import type { Table, TableActs } from "../table/props";
import { mount } from "../table/table";
import type { TableLayout } from "./layout";
import { chosenWidths, lineageWidth, lines, makeTrees, tableProps } from "./tableProps";
import "../table/table.css";

/** Where the reader left a table: who comes back to it goes on from there. */
let left: { layout: TableLayout; order: string; top: number } | null = null;
let lastToggled: { order: string; index: number } | null = null;

/** Show or hide the run of a line, or all rows from the last one that was shown or hidden. */
function toggle(line: Line, isRange: boolean): void {
  if (!line.row) return;
  const isShown = !isDrawn(line.row.run_id);
  const order = listing.peek()?.order ?? ""; // a place of another order is another row
  if (isRange && lastToggled?.order === order && line.kind === "row")
    setDrawnBetween(lastToggled.index, line.index, isShown);
  else toggleDrawn(line.row.run_id);
  if (line.kind === "row") lastToggled = { order, index: line.index };
}

function sortBy(key: string, isAdded: boolean): void {
  const column = sortColumn(key);
  if (column !== null) sort.value = nextSort(sort.peek(), column, isAdded);
}

function resizeColumn(key: string, width: number | null): void {
  const { [key]: _, ...others } = chosenWidths.peek();
  chosenWidths.value = width === null ? others : { ...others, [key]: width };
}

/** Props of `RunsTable`. */
export type RunsTableProps = {
  layout: TableLayout;
  onEyes: (anchor: Element) => void;
  onMenu?: (key: string, anchor: Element) => void;
};

/** The table of runs, as state has it. */
export function RunsTable({ layout, onEyes, onMenu }: RunsTableProps) {
  const host = useRef<HTMLDivElement>(null);
  const handlers = useRef({ onEyes, onMenu });
  handlers.current = { onEyes, onMenu };
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const width = signal(element.clientWidth);
    const watched = new ResizeObserver(() => {
      width.value = element.clientWidth;
    });
    watched.observe(element);
    const acts: TableActs = {
      see: showRows,
      hover: (runId) => {
        hoveredRun.value = runId;
      },
      toggle,
      expand: (row) => toggleExpanded(row.run_id),
      open: (row) => go({ page: "run", project: place.peek().project }, { run: row.run_id }),
      point: (key) => {
        pointedLine.value = key;
      },
      sort: sortBy,
      canSort: (key) => sortColumn(key) !== null,
      menu: onMenu ? (key, anchor) => handlers.current.onMenu?.(key, anchor) : null,
      eyes: (anchor) => handlers.current.onEyes(anchor),
      resize: layout === "page" ? resizeColumn : null,
      move: layout === "page" ? moveColumn : null,
    };
    const trees = makeTrees(computed(() => lineageWidth(layout, width.value)));
    const table = mount(element, tableProps(layout, width.value, trees, acts));
    if (left?.layout === layout && left.order === listing.peek()?.order) table.scrollTo(left.top);
    const ends = [
      tableKeys(element, table, acts),
      effect(() => {
        const props = tableProps(layout, width.value, trees, acts);
        untracked(() => table.update(props)); // it says what is seen, which is asked for
      }),
      ...rowKeys(table, acts),
    ];
    return () => {
      for (const end of ends) end();
      hoveredRun.value = null;
      watched.disconnect();
      left = { layout, order: listing.peek()?.order ?? "", top: table.top() };
      table.destroy();
    };
  }, [layout]);
  return <div class={`runs-table-host ${layout}`} ref={host} />;
}

/** Return the place of the line where the keyboard is. */
function pointedAt(): number | null {
  const key = pointedLine.peek();
  const all = lines.peek();
  if (key?.startsWith("#")) return Math.min(all.lineOf(Number(key.slice(1))), all.count - 1); // was not fetched then
  for (let at = 0; key !== null && at < all.count; at++) if (lineKey(all.at(at)) === key) return at;
  return null;
}

/** Go to another line, by places or to one from the first. */
function step(table: Table, by: number, from = pointedAt()): void {
  const all = lines.peek();
  if (all.count === 0) return;
  const next = from === null ? 0 : Math.min(Math.max(from + by, 0), all.count - 1);
  pointedLine.value = lineKey(all.at(next));
  hoveredRun.value = all.at(next).row?.run_id ?? null;
  table.reveal(next);
}

/** Show or hide the runs of the experiment that a line belongs to; told which, only if that changes anything. */
function fold(line: Line, acts: TableActs, isOpen?: boolean): void {
  const row = line.kind === "child" ? line.parent : line.row;
  if (!row || row.run_count < 2 || mode.peek() !== "experiments") return;
  if (isOpen !== expanded.peek().includes(row.run_id)) acts.expand(row);
}

function onPointed(act: (line: Line) => void): () => void {
  return () => {
    const at = pointedAt();
    if (at !== null) act(lines.peek().at(at));
  };
}

/** Make the keys work that go over rows, wherever the focus is. */
function rowKeys(table: Table, acts: TableActs): (() => void)[] {
  const draw = onPointed((line) => toggle(line, false));
  const open = onPointed((line) => line.row && acts.open(line.row));
  return [
    shortcut("j", "next row", () => step(table, 1)),
    shortcut("k", "previous row", () => step(table, -1)),
    shortcut(" ", "draw the run of this row, or not", draw),
    shortcut("Enter", "open the run of this row", open),
    shortcut(
      "e",
      "show or hide the runs of this experiment",
      onPointed((line) => fold(line, acts)),
    ),
  ];
}

/** Make the keys work that every grid has, while it has the focus. */
function tableKeys(host: HTMLElement, table: Table, acts: TableActs): () => void {
  const page = () => Math.max(1, Math.floor(host.clientHeight / 28) - 2);
  const keys: Record<string, () => void> = {
    ArrowDown: () => step(table, 1),
    ArrowUp: () => step(table, -1),
    PageDown: () => step(table, page()),
    PageUp: () => step(table, -page()),
    Home: () => step(table, 0, 0),
    End: () => step(table, 0, lines.peek().count - 1),
    ArrowRight: onPointed((line) => fold(line, acts, true)),
    ArrowLeft: onPointed((line) => fold(line, acts, false)),
  };
  const press = (event: KeyboardEvent) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    const isTable = event.target instanceof Element && event.target.getAttribute("role") === "treegrid";
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    if (!isPlain || !isTable || !act) return;
    event.preventDefault();
    act();
  };
  host.addEventListener("keydown", press);
  return () => host.removeEventListener("keydown", press);
}
