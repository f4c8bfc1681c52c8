import type { Column, Mode, Row } from "../api/types";
import type { RunColour } from "../marks/colour";
import type { TreeLane } from "../marks/tree";
import type { ColumnFormat } from "../text/format";
import type { Line, Lines } from "./lines";
import type { StepScale } from "./scale";

/** A column of the table: one of those that are always there, or one of an attribute. */
export type TableColumn = { key: string; width: number; isPinned: boolean } & (
  | { kind: "eye" | "name" | "lineage" | "step" | "state" | "changes" }
  | { kind: "value"; column: Column; format: ColumnFormat }
);

/** How a column is sorted by. */
export type SortMark = { descending: boolean; rank: number };

/** What the table does when it is used. */
export type TableActs = {
  /** These places of the list are seen. */
  see: (first: number, last: number) => void;
  hover: (runId: string | null) => void;
  /** Show or hide a run, or all from the last one that was chosen. */
  toggle: (line: Line, isRange: boolean) => void;
  expand: (row: Row) => void;
  open: (row: Row) => void;
  point: (key: string) => void;
  /** Sort by a column, alone or after those that the table is sorted by. */
  sort: (key: string, isAdded: boolean) => void;
  canSort: (key: string) => boolean;
  menu: ((key: string, anchor: Element) => void) | null;
  eyes: (anchor: Element) => void;
  /** Make a column as wide; null leaves it to the table. */
  resize: ((key: string, width: number | null) => void) | null;
  /** Put a column before another one, or at the end. */
  move: ((key: string, before: string | null) => void) | null;
};

/** What the table shows. */
export type TableProps = {
  label: string;
  mode: Mode;
  lines: Lines;
  /** What decides which rows stand where; with another one the table is seen from its beginning. */
  order: string;
  columns: readonly TableColumn[];
  rowHeight: number;
  scale: StepScale;
  /** The lane of a tree that a line is, where lineage is drawn as a tree, and how many forks it is away from its root. */
  tree: (line: Line) => { lane: TreeLane; depth: number } | undefined;
  hidesPruned: boolean;
  /** Whether rows draw what runs logged themselves, and nothing else. */
  hidesInherited: boolean;
  /** Colour of a run, where one of another experiment may be listed below a row. */
  colour: (run: { run_id: string; number: number }, below?: Row) => RunColour;
  /** What a row is called, and what stands small beside it. */
  title: (line: Line) => { text: string; mark: string; aside: string };
  href: (row: Row) => string;
  isDrawn: (runId: string) => boolean;
  hovered: string | null;
  /** Key of the line where the keyboard is. */
  pointed: string | null;
  isExpanded: (row: Row) => boolean;
  sorts: ReadonlyMap<string, SortMark>;
  /** Whether families stand together. */
  isByLineage: boolean;
  isServerAway: boolean;
  acts: TableActs;
};

/** A table that stands in the page. */
export type Table = {
  update: (props: TableProps) => void;
  /** Bring a line into view. */
  reveal: (line: number) => void;
  /** Return how far it is scrolled, in pixels. */
  top: () => number;
  scrollTo: (top: number) => void;
  destroy: () => void;
};
