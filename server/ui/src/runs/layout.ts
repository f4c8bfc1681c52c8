import type { Column, Mode, Row } from "../api/types";
import { keyOf } from "../state/columns";
import { cellOf, contentOf, formatOf, headOf, isNumeric, widened } from "../table/cells";
import type { TableColumn } from "../table/props";
import type { ColumnFormat } from "../text/format";

/** How the table stands: narrow beside charts, or as a page of its own. */
export type TableLayout = "pane" | "page";
/** What the widths of columns depend on. */
export type LayoutParts = {
  layout: TableLayout;
  mode: Mode;
  width: number;
  values: readonly Column[];
  pinned: readonly string[];
  measured: Measured;
  /** Widths that the reader chose, by key. */
  chosen: Readonly<Record<string, number>>;
};

const EYE = 56;
const STEP = 64;
const NAME: Record<TableLayout, number> = { pane: 140, page: 250 };
const MOST_IN_PANE = 4;

/** Columns that are always there, and those of attributes, from left to right, as wide as they are drawn. */
export function layOutColumns(parts: LayoutParts): TableColumn[] {
  return parts.layout === "pane" ? paneColumns(parts) : pageColumns(parts);
}

function chosenWidth(chosen: LayoutParts["chosen"], key: string): number | undefined {
  const width = Object.hasOwn(chosen, key) ? chosen[key] : undefined;
  return Number.isFinite(width) ? width : undefined;
}

type FixedKind = Exclude<TableColumn["kind"], "value">;

function fixed(kind: FixedKind, width: number, isPinned = false): TableColumn {
  return { kind, key: keyOf(kind), width: Math.round(width), isPinned };
}

function valueColumn(column: Column, { measured, chosen }: LayoutParts, isPinned: boolean): TableColumn {
  const { title } = column;
  const width = chosenWidth(chosen, title) ?? measured.widthOf(title);
  return { kind: "value", key: title, column, format: measured.formatOf(title), width, isPinned };
}

function paneColumns(parts: LayoutParts): TableColumn[] {
  const { width, values, pinned } = parts;
  const wanted = pinned.length > 0 ? values.filter((one) => pinned.includes(one.title)) : values;
  const candidates = wanted.slice(0, pinned.length > 0 ? wanted.length : MOST_IN_PANE);
  const lineage = width >= 560 ? 244 : width >= 440 ? 180 : 120;
  let room = width - EYE - NAME.pane - lineage - STEP - 4;
  const shown: TableColumn[] = [];
  for (const column of candidates) {
    const made = valueColumn(column, parts, false);
    if (made.width > room) break;
    room -= made.width;
    shown.push(made);
  }
  const spare = Math.max(0, room);
  const toLineage = width > 700 ? spare * 0.7 : 0;
  return [
    fixed("eye", EYE),
    fixed("name", NAME.pane + spare - toLineage),
    fixed("lineage", lineage + toLineage),
    fixed("step", STEP),
    ...shown,
  ];
}

function pageColumns(parts: LayoutParts): TableColumn[] {
  const { width, values, pinned, mode, chosen } = parts;
  const isPinned = (column: Column) => pinned.includes(column.title);
  const first = values.filter(isPinned).map((column) => valueColumn(column, parts, true));
  const rest = values.filter((column) => !isPinned(column)).map((column) => valueColumn(column, parts, false));
  const name = chosenWidth(chosen, keyOf("name")) ?? (width < 1000 ? 180 : NAME.page);
  const left = [fixed("eye", EYE, true), fixed("name", name, true), ...first];
  const right = [
    fixed("state", chosenWidth(chosen, keyOf("state")) ?? 100),
    fixed("step", chosenWidth(chosen, keyOf("step")) ?? 92),
    ...rest,
  ];
  const isRuns = mode === "runs";
  const changes = chosenWidth(chosen, keyOf("changes")) ?? (isRuns ? LEAST_CHANGES : 0);
  const spare = width - widthOf(left) - widthOf(right) - changes - EDGE;
  // Changes take what is over; without them the lineage does.
  const most = isRuns ? Math.min(Math.max(width * 0.33, LEAST_LINEAGE), MOST_LINEAGE) : Number.POSITIVE_INFINITY;
  const lineage = chosenWidth(chosen, keyOf("lineage")) ?? Math.min(Math.max(spare, LEAST_LINEAGE), most);
  const shown = [...left, fixed("lineage", lineage), ...right];
  if (!isRuns) return shown;
  const over = chosenWidth(chosen, keyOf("changes")) ?? Math.max(width - widthOf(shown) - EDGE, LEAST_CHANGES);
  return [...shown, fixed("changes", over)];
}

// As much is free behind the last column, whose cells have a margin of their own.
const EDGE = 10;
const LEAST_LINEAGE = 220;
const MOST_LINEAGE = 560;
const LEAST_CHANGES = 240;

function widthOf(columns: readonly TableColumn[]): number {
  return columns.reduce((sum, column) => sum + column.width, 0);
}

const DIGIT = 7;
const LETTER = 6.4;
const PADDING = 18;

/** Formats and widths of columns, worked out from rows that were seen; they only grow, so that nothing jumps. */
export class Measured {
  readonly #formats = new Map<string, ColumnFormat>();
  readonly #widths = new Map<string, number>();

  /** Take more rows into account. */
  add(rows: readonly Row[], columns: readonly Column[]): void {
    for (const column of columns) {
      const { title } = column;
      const format = widened(this.#formats.get(title), formatOf(rows, title));
      this.#formats.set(title, format);
      const { namespace, name, below } = headOf(column);
      const head = Math.max(name.length + Math.min(namespace.length, 10), below.length) * LETTER;
      let widest = head;
      for (const row of rows.slice(0, 200)) {
        const { text, isNumber } = cellOf(contentOf(row, title), column, format);
        widest = Math.max(widest, text.length * (isNumber ? DIGIT : LETTER));
      }
      const limit = isNumeric(column) ? 140 : 220;
      const width = Math.round(Math.min(Math.max(widest + PADDING, 48), limit));
      this.#widths.set(title, Math.max(width, this.#widths.get(title) ?? 0));
    }
  }

  /** Return how the numbers of a column are written. */
  formatOf(title: string): ColumnFormat {
    return this.#formats.get(title) ?? { decimals: 0, isExponential: false };
  }

  /** Return how wide a column is. */
  widthOf(title: string): number {
    return this.#widths.get(title) ?? 64;
  }
}
