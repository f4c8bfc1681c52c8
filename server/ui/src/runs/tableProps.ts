import { computed, type ReadonlySignal } from "@preact/signals";
import type { Row } from "../api/types";
import { marks, rowScale } from "../marks/shapes";
import { layOutTree, runsOfRows, type TreeLane } from "../marks/tree";
import { href, place } from "../state/address";
import { keyOfSort } from "../state/columns";
import { drawnIds } from "../state/drawn";
import { runsBelow } from "../state/expanded";
import { hoveredRun } from "../state/hover";
import { connection } from "../state/live";
import { remembered } from "../state/remembered";
import { pointedLine } from "../state/rowCursor";
import { BY_LINEAGE, listing, PAGE_ROWS, rowAt, seenPages } from "../state/runs";
import { chosenHues, colourOf, palette, theme } from "../state/theme";
import { expanded, inherited, mode, pinned, sort } from "../state/view";
import { type Block, type Line, layOutLines } from "../table/lines";
import type { SortMark, TableActs, TableColumn, TableProps } from "../table/props";
import { lastStep, stepScaleTo } from "../table/scale";
import { formatStep } from "../text/format";
import { layOutColumns, Measured, type TableLayout } from "./layout";

/** Widths of columns of the table's page that the reader chose, by column. */
export const chosenWidths = remembered<Record<string, number>>("widths", {});

const measuredPages = new WeakSet<readonly Row[]>();
let measured = { of: "", values: new Measured() };

/** Formats and widths of columns, as far as rows were seen. */
const measures = computed(() => {
  const now = listing.value;
  const project = place.value.project ?? "";
  if (measured.of !== project) measured = { of: project, values: new Measured() };
  for (const rows of now?.pages.values() ?? []) {
    if (measuredPages.has(rows)) continue;
    measuredPages.add(rows);
    measured.values.add(rows, now!.columns);
  }
  return measured.values;
});

/** Rows that are listed below experiments. */
const blocks = computed<Block[]>(() => {
  if (mode.value !== "experiments" || expanded.value.length === 0) return [];
  const open = new Set(expanded.value);
  const found: Block[] = [];
  for (const [page, rows] of listing.value?.pages ?? [])
    for (const [at, row] of rows.entries()) {
      if (!open.has(row.run_id)) continue;
      const below = runsBelow.value.get(row.run_id);
      const count = below?.length ?? row.run_count;
      found.push({ index: page * PAGE_ROWS + at, parent: row, count, rows: below ?? [] });
    }
  return found;
});

/** What the table shows, line by line. */
export const lines = computed(() => layOutLines(listing.value?.total ?? 0, rowAt, blocks.value));

const last = computed(() => {
  let found = 0;
  for (const rows of listing.value?.pages.values() ?? []) found = Math.max(found, lastStep(rows));
  return found;
});

type TreeLine = { lane: TreeLane; depth: number };
type Drawing = { domain: readonly [number, number]; width: number };

/** Lay out rows that stand below each other; places that were not fetched are left out. */
function treeOf(rows: readonly (Row | undefined)[], { domain, width }: Drawing): (TreeLine | undefined)[] {
  const found = rows.flatMap((row, at) => (row ? [{ row, at }] : []));
  const bend = width > WIDE ? marks.bend.wide : marks.bend.row;
  const lanes = layOutTree(runsOfRows(found.map((one) => one.row)), rowScale(domain, width), bend);
  const depths = new Map<string, number>();
  const tree: (TreeLine | undefined)[] = [];
  for (const [place, { at }] of found.entries()) {
    const lane = lanes[place]!;
    const depth = lane.hasParent ? (depths.get(lane.run.parent ?? "") ?? 0) + 1 : 0;
    depths.set(lane.run.run_id, depth);
    tree[at] = { lane, depth };
  }
  return tree;
}

const WIDE = 400;

/** Whether runs stand families together, so that they can be drawn as trees. */
const isByLineage = computed(
  () => mode.value === "runs" && (sort.value.length === 0 || sort.value[0]?.column === BY_LINEAGE.column),
);

const treeEnd = computed(() => stepScaleTo(last.value, 1).domain[1]);

const TREE_PAGES = 4;

/** The trees of one table: each has its own, since they depend on how wide it draws them. */
export type Trees = {
  /** Return how a line is drawn as part of a tree; undefined where it is not. */
  lineOf: (line: Line) => TreeLine | undefined;
  /** Read all that they depend on. */
  follow: () => void;
};

/** Make the trees of a table that draws them in a width. */
export function makeTrees(width: ReadonlySignal<number>): Trees {
  // The trees of runs that were fetched, around those that are seen.
  const wholeTree = computed(() => {
    const pages = listing.value?.pages;
    if (!isByLineage.value || !pages) return { from: 0, lines: [] };
    const [first, end] = seenPages.value;
    const from = Math.max(0, first - TREE_PAGES) * PAGE_ROWS;
    const rows: (Row | undefined)[] = [];
    for (const [page, found] of pages) {
      if (page < first - TREE_PAGES || page > end + TREE_PAGES) continue;
      for (const [at, row] of found.entries()) rows[page * PAGE_ROWS + at - from] = row;
    }
    return { from, lines: treeOf(Array.from(rows), { domain: [0, treeEnd.value], width: width.value }) };
  });
  // Those below experiments, by head.
  const treesBelow = computed(() => {
    const drawing: Drawing = { domain: [0, treeEnd.value], width: width.value };
    return new Map([...runsBelow.value].map(([head, rows]) => [head, treeOf(rows, drawing)]));
  });
  return {
    lineOf: (line) => {
      const { from, lines: tree } = wholeTree.value;
      return line.kind === "row" ? tree[line.index - from] : treesBelow.value.get(line.parent.run_id)?.[line.at];
    },
    follow: () => {
      void wholeTree.value;
      void treesBelow.value;
    },
  };
}

/** Return what a line is called, and what stands small beside it. */
export function titleOfLine(line: Line): { text: string; mark: string; aside: string } {
  const { row } = line;
  if (!row) return { text: "", mark: "", aside: "" };
  if (line.kind === "child") {
    const aside = row.run_id === line.parent.run_id ? "head" : (row.state ?? "");
    return { text: row.name, mark: "", aside };
  }
  if (mode.value === "experiments") return { text: row.experiment ?? row.name, mark: "", aside: "" };
  const fork = row.fork ? `@${formatStep(row.fork.step)}` : "";
  return { text: row.name, mark: fork, aside: row.is_head || !isByLineage.value ? (row.experiment ?? "") : "" };
}

/** Return the URL of a run's page. */
export function runHref(row: Row): string {
  return href({ page: "run", project: place.value.project }, { run: row.run_id });
}

const sortMarks = computed<ReadonlyMap<string, SortMark>>(() => {
  const shown = valueColumns.value;
  const marked = sort.value.map(({ column, descending }, at) => {
    return [keyOfSort(column, mode.value, shown), { descending, rank: at + 1 }] as const;
  });
  return new Map(marked);
});

/** Columns of attributes, in their order. */
export const valueColumns = computed(() => listing.value?.columns ?? []);

/** Return the columns of the table, as wide as they are drawn. */
export function shownColumns(layout: TableLayout, width: number): TableColumn[] {
  return layOutColumns({
    layout,
    mode: mode.value,
    width,
    values: valueColumns.value,
    pinned: pinned.value,
    measured: measures.value,
    chosen: layout === "page" ? chosenWidths.value : {},
  });
}

/** The colours of runs; another function when they are others. */
const colouring = computed(() => {
  void theme.value;
  void palette.value;
  void chosenHues.value;
  return (run: { run_id: string; number: number }) => colourOf(run);
});

/** Return how wide a table draws lineages. */
export function lineageWidth(layout: TableLayout, width: number): number {
  return shownColumns(layout, width).find((column) => column.kind === "lineage")?.width ?? 0;
}

/** Return all that the table shows now. */
export function tableProps(layout: TableLayout, width: number, trees: Trees, acts: TableActs): TableProps {
  const columns = shownColumns(layout, width);
  const open = new Set(expanded.value);
  // Read here, for the table asks later: whoever follows these properties hears of every change.
  const drawn = new Set(drawnIds.value);
  const colour = colouring.value;
  const lineage = columns.find((column) => column.kind === "lineage");
  trees.follow();
  return {
    label: mode.value === "experiments" ? "Experiments" : "Runs",
    mode: mode.value,
    lines: lines.value,
    order: listing.value?.order ?? "",
    columns,
    rowHeight: layout === "page" ? 26 : 28,
    scale: stepScaleTo(last.value, lineage?.width ?? 200),
    tree: trees.lineOf,
    hidesPruned: inherited.value !== "pruned",
    hidesInherited: inherited.value === "off",
    colour: (run, below) => colour(below ?? run),
    title: titleOfLine,
    href: runHref,
    isDrawn: (runId) => drawn.has(runId),
    hovered: hoveredRun.value,
    pointed: pointedLine.value,
    isExpanded: (row) => open.has(row.run_id),
    sorts: sortMarks.value,
    isByLineage: isByLineage.value,
    isServerAway: connection.value === "away",
    acts,
  };
}
