import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { go, place } from "../state/address";
import { moveColumn, nextSort, sortColumn } from "../state/columns";
import { isDrawn, setDrawnBetween, toggleDrawn } from "../state/drawn";
import { toggleExpanded } from "../state/expanded";
import { hoveredRun } from "../state/hover";
import { shortcut } from "../state/keys";
import { pointedLine } from "../state/rowCursor";
import { showRows } from "../state/runs";
import { mode, sort } from "../state/view";
import { type Line, lineKey } from "../table/lines";
import type { Table, TableActs } from "../table/props";
import { mount } from "../table/table";
import type { TableLayout } from "./layout";
import { chosenWidths, lines, tableProps } from "./tableProps";
import "../table/table.css";

let lastToggled: number | null = null;

/** Show or hide the run of a line, or all rows from the last one that was shown or hidden. */
function toggle(line: Line, isRange: boolean): void {
  if (!line.row) return;
  const isShown = !isDrawn(line.row.run_id);
  if (isRange && lastToggled !== null && line.kind === "row") setDrawnBetween(lastToggled, line.index, isShown);
  else toggleDrawn(line.row.run_id);
  if (line.kind === "row") lastToggled = line.index;
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
    const table = mount(element, tableProps(layout, width.value, acts));
    const ends = [effect(() => table.update(tableProps(layout, width.value, acts))), ...rowKeys(table, acts)];
    return () => {
      for (const end of ends) end();
      watched.disconnect();
      table.destroy();
    };
  }, [layout]);
  return <div class={`runs-table-host ${layout}`} ref={host} />;
}

/** Make the keys work that go over rows. */
function rowKeys(table: Table, acts: TableActs): (() => void)[] {
  const pointedAt = (): number | null => {
    const key = pointedLine.peek();
    const all = lines.peek();
    for (let at = 0; key !== null && at < all.count; at++) if (lineKey(all.at(at)) === key) return at;
    return null;
  };
  const step = (by: number) => {
    const all = lines.peek();
    if (all.count === 0) return;
    const at = pointedAt();
    const next = at === null ? 0 : Math.min(Math.max(at + by, 0), all.count - 1);
    pointedLine.value = lineKey(all.at(next));
    hoveredRun.value = all.at(next).row?.run_id ?? null;
    table.reveal(next);
  };
  const onPointed = (act: (line: Line) => void) => () => {
    const at = pointedAt();
    if (at !== null) act(lines.peek().at(at));
  };
  const down = () => step(1);
  const up = () => step(-1);
  return [
    shortcut("j", "next row", down),
    shortcut("k", "previous row", up),
    shortcut(
      " ",
      "draw the run of this row, or not",
      onPointed((line) => toggle(line, false)),
    ),
    shortcut(
      "Enter",
      "open the run of this row",
      onPointed((line) => line.row && acts.open(line.row)),
    ),
    shortcut(
      "e",
      "show or hide the runs of this experiment",
      onPointed((line) => {
        const row = line.kind === "child" ? line.parent : line.row;
        if (row && row.run_count > 1 && mode.peek() === "experiments") acts.expand(row);
      }),
    ),
  ];
}
