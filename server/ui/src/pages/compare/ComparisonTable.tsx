import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import type { DifferenceRow, Differences, Row } from "../../api/types";
import { Icon } from "../../controls/icons";
import { memo } from "../../controls/memo";
import { useRows } from "../../controls/virtual";
import { useWidth } from "../../controls/width";
import { goalFor, turnGoal } from "../../state/goals";
import { columnFormat, formatStep, isNumber, splitPath, toNumber } from "../../text/format";
import { ComparisonCell, isNumeric } from "./ComparisonCell";
import { ComparisonHead } from "./ComparisonHead";
import { widthsOn } from "./columns";
import { type Group, isText } from "./groups";
import { TextDifference } from "./TextDifference";

const heights = { group: 40, row: 28, text: 220 } as const;

type Line =
  | { kind: "group"; key: string; title: string; count: number }
  | { kind: "row"; key: string; row: DifferenceRow }
  | { kind: "text"; key: string; row: DifferenceRow };

/** Props of `ComparisonTable`. */
export type ComparisonTableProps = {
  found: Differences;
  groups: readonly Group[];
  rows: ReadonlyMap<string, Row>;
};

/** Attributes as rows, runs as columns; only those in view are drawn. */
export function ComparisonTable({ found, groups, rows }: ComparisonTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const lines = useMemo(() => listLines(groups, open), [groups, open]);
  const size = useMemo(() => (index: number) => heights[lines[index]?.kind ?? "row"], [lines]);
  const vertical = useRows(scroller, { count: lines.length, rowSize: size, overscan: 10 });
  const referenceAt = found.run_ids.indexOf(found.reference);
  const others = useMemo(() => found.run_ids.flatMap((_, at) => (at === referenceAt ? [] : [at])), [found]);
  const widths = widthsOn(useWidth(scroller) || window.innerWidth);
  const across = useRows(scroller, { count: others.length, rowSize: widths.run, isHorizontal: true, overscan: 1 });
  const domain = useMemo(() => domainOf(rows), [rows]);
  const width = widths.path + widths.reference + across.size;
  const left = widths.path + widths.reference;
  const range = across.items.map(({ index, start }) => `${index}:${start}`).join(" ");
  const columns = useMemo(
    () =>
      across.items.flatMap(({ index, start }) => {
        const at = others[index];
        return at === undefined ? [] : [{ at, left: left + start }];
      }),
    [range, others, left],
  );
  const toggle = useCallback((key: string) => {
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  }, []);
  const referenceRow = rows.get(found.reference);
  const head = (at: number, columnWidth: number) => (
    <ComparisonHead
      runId={found.run_ids[at]!}
      row={rows.get(found.run_ids[at]!)}
      referenceRow={referenceRow}
      isReference={at === referenceAt}
      width={columnWidth - 40}
      domain={domain}
    />
  );
  return (
    <div
      ref={scroller}
      class="comparison"
      role="table"
      aria-label="Runs side by side"
      aria-rowcount={lines.length + 1}
      aria-colcount={found.run_ids.length + 1}
      tabIndex={0}
      style={{
        "--path-width": `${widths.path}px`,
        "--reference-width": `${widths.reference}px`,
        "--run-width": `${widths.run}px`,
      }}
    >
      <div class="comparison-head" role="row" aria-rowindex={1} style={{ width: `${width}px` }}>
        <div class="compared-path" role="columnheader">
          Attribute
        </div>
        <div class="compared-cell reference" role="columnheader">
          {head(referenceAt, widths.reference)}
        </div>
        {columns.map(({ at, left }) => (
          <div key={found.run_ids[at]} class="compared-cell" role="columnheader" style={{ left: `${left}px` }}>
            {head(at, widths.run)}
          </div>
        ))}
      </div>
      <div class="comparison-rows" role="rowgroup" style={{ height: `${vertical.size}px`, width: `${width}px` }}>
        <div class="reference-wash" aria-hidden="true" />
        {vertical.items.map(({ index, start }) => {
          const line = lines[index];
          return (
            line && (
              <ComparisonLine
                key={line.key}
                line={line}
                top={start}
                index={index}
                columns={columns}
                reference={referenceAt}
                isOpen={open.has(line.key)}
                toggle={toggle}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

function listLines(groups: readonly Group[], open: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  for (const group of groups) {
    lines.push({ kind: "group", key: `group ${group.title}`, title: group.title, count: group.count });
    for (const row of group.rows) {
      const key = `${row.path}\n${row.aggregate ?? ""}`;
      lines.push({ kind: "row", key, row });
      if (open.has(key)) lines.push({ kind: "text", key: `text ${key}`, row });
    }
  }
  return lines;
}

function domainOf(rows: ReadonlyMap<string, Row>): [number, number] {
  const lasts = [...rows.values()].flatMap(({ lineage }) => lineage.map((reach) => reach.last ?? 0));
  return [0, Math.max(1, ...lasts)];
}

type LineProps = {
  line: Line;
  top: number;
  index: number;
  columns: readonly { at: number; left: number }[];
  reference: number;
  isOpen: boolean;
  toggle: (key: string) => void;
};

/** Rows that stay in view are not made again while one scrolls. */
const ComparisonLine = memo(function ComparisonLine({
  line,
  top,
  index,
  columns,
  reference,
  isOpen,
  toggle,
}: LineProps) {
  const place = { top: `${top}px`, height: `${heights[line.kind]}px` };
  if (line.kind === "group")
    return (
      <div class="comparison-row group" role="row" aria-rowindex={index + 2} style={place}>
        <div class="compared-path" role="rowheader">
          <h2>
            {line.title} <span class="count">{formatStep(line.count)}</span>
          </h2>
        </div>
      </div>
    );
  const cell =
    line.kind === "text"
      ? (at: number) => <TextDifference row={line.row} at={at} reference={reference} />
      : numberCell(line.row, reference);
  return (
    <div class={`comparison-row ${line.kind}`} role="row" aria-rowindex={index + 2} style={place}>
      <div class="compared-path mono" role="rowheader" title={line.row.path}>
        {line.kind === "row" && <PathName row={line.row} isOpen={isOpen} toggle={() => toggle(line.key)} />}
      </div>
      <div class="compared-cell reference" role="cell">
        {cell(reference)}
      </div>
      {columns.map(({ at, left }) => (
        <div key={at} class="compared-cell" role="cell" style={{ left: `${left}px` }}>
          {cell(at)}
        </div>
      ))}
    </div>
  );
});

function numberCell(row: DifferenceRow, reference: number) {
  const numbers = row.values.filter((value) => isNumber(value) && isNumeric(row, value));
  const format = columnFormat(numbers.map((value) => toNumber(value as number)));
  return (at: number) => <ComparisonCell row={row} at={at} reference={reference} format={format} />;
}

function PathName({ row, isOpen, toggle }: { row: DifferenceRow; isOpen: boolean; toggle: () => void }) {
  const [namespace, name] = splitPath(row.path);
  const text = (
    <>
      <span class="namespace">{namespace}</span>
      <span class="own-name">{name}</span>
    </>
  );
  if (isText(row) && row.values.some((value) => typeof value === "string" && value.includes("\n")))
    return (
      <button type="button" class="open-text" aria-expanded={isOpen} onClick={toggle}>
        <Icon name={isOpen ? "down" : "right"} size={12} />
        {text}
      </button>
    );
  return (
    <>
      {text}
      {row.aggregate !== null && <Aggregate row={row} />}
    </>
  );
}

const goals = {
  min: "Low values are better",
  max: "High values are better",
  none: "Neither low nor high values are better",
};

/** Which value of a metric it is; a click says whether low or high ones are better. */
function Aggregate({ row }: { row: DifferenceRow }) {
  const goal = goalFor(row.path, row.goal);
  return (
    <button
      type="button"
      class="aggregate"
      title={`${goals[goal ?? "none"]}. Click to change it`}
      onClick={() => turnGoal(row.path, goal)}
    >
      {row.aggregate}
    </button>
  );
}
