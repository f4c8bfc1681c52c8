import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Attribute, Change, RunValues } from "../../api/types";
import { copy } from "../../controls/clipboard";
import { Icon } from "../../controls/icons";
import { memo } from "../../controls/memo";
import { useRows } from "../../controls/virtual";
import { useDataDirectory } from "../../state/info";
import { changesByPath } from "../../state/shown";
import { colourOf } from "../../state/theme";
import { attributeSearch, chosenAttribute, toggledNamespaces } from "../../state/view";
import { formatContent, formatNumber, isNumber, plural, toNumber } from "../../text/format";
import { buildTree, findAttributes, isSeries, listRows, type TreeRow, typeName } from "./attributeTree";
import { pythonFor, type RunPlace } from "./python";
import { histogramOf, histogramText } from "./SeriesDetail";
import { SeriesSparkline } from "./SeriesSparkline";

const ROW = 24;

/** Props of `AttributeTree`. */
export type AttributeTreeProps = {
  found: RunValues;
  project: string;
  /** How many attributes of a namespace are listed before the rest is counted. */
  most: number;
  /** Whether what one would look at first leads. */
  isByInterest?: boolean;
  /** Whether there is room for what the run that logged it is called. */
  hasSource?: boolean;
  /** An attribute was chosen or, chosen again, left. */
  onChoose: (path: string) => void;
};

/** All attributes of a run by namespace: a list as long as they are many, of which only what is seen is drawn. */
export function AttributeTree({
  found,
  project,
  most,
  isByInterest = false,
  hasSource = false,
  onChoose,
}: AttributeTreeProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const directory = useDataDirectory();
  const search = attributeSearch.value.trim();
  const changes = useMemo(() => changesByPath(found.run), [found]);
  const matching = useMemo(() => findAttributes(found.attributes, search), [found, search]);
  const tree = useMemo(() => buildTree(matching), [matching]);
  const toggled = toggledNamespaces.value;
  const rows = useMemo(
    () =>
      listRows(tree, {
        toggled: new Set(toggled),
        isAllOpen: search !== "",
        most,
        first: new Set(changes.keys()),
        isByInterest,
      }),
    [tree, toggled, search, most, changes, isByInterest],
  );
  const { items, size, reveal } = useRows(scroller, { count: rows.length, rowSize: ROW });
  const [cursor, setCursor] = useState("");
  const at = Math.max(
    0,
    rows.findIndex((row) => row.path === (cursor || chosenAttribute.value)),
  );
  const hasFocus = useRef(false);
  useEffect(() => {
    if (rows[at]?.path === chosenAttribute.peek()) reveal(at, "center");
  }, []);
  useEffect(() => {
    if (!hasFocus.current) return;
    reveal(at);
    scroller.current?.querySelector<HTMLElement>(`[data-at="${at}"]`)?.focus({ preventScroll: true });
  }, [at, cursor]);
  const act = (row: TreeRow) => {
    setCursor(row.path);
    if (row.kind === "attribute") onChoose(row.path);
    else toggle(row.path);
  };
  const latest = useRef(act);
  latest.current = act;
  const actOn = useCallback((row: TreeRow) => latest.current(row), []);
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = treeKey(event.key, rows, at, { project, runId: found.run.run_id, directory });
    if (next === null) return;
    event.preventDefault();
    if (next === "act") act(row);
    else if (typeof next === "number") setCursor(rows[next]?.path ?? "");
  };
  if (rows.length === 0)
    return <p class="dim tree-none">{search ? "No attribute matches." : "This run has no attributes yet."}</p>;
  return (
    <div
      ref={scroller}
      class="tree"
      role="tree"
      aria-label={`Attributes, ${plural(Object.keys(matching).length, "attribute")}`}
      onKeyDown={onKeyDown}
      onFocusIn={() => {
        hasFocus.current = true;
      }}
      onFocusOut={() => {
        hasFocus.current = false;
      }}
    >
      <div class="tree-rows" style={{ height: `${size}px` }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <Row
              key={row.path}
              row={row}
              at={item.index}
              top={item.start}
              isCursor={item.index === at}
              change={changes.get(row.path)}
              found={found}
              project={project}
              hasSource={hasSource}
              act={actOn}
            />
          );
        })}
      </div>
    </div>
  );
}

function toggle(path: string): void {
  const before = toggledNamespaces.peek();
  toggledNamespaces.value = before.includes(path) ? before.filter((one) => one !== path) : [...before, path];
}

/** Return what a key does in a tree: go to a row, act on it, nothing more (true), or nothing that is ours (null). */
function treeKey(key: string, rows: TreeRow[], at: number, place: RunPlace) {
  const row = rows[at]!;
  const isBranch = row.kind === "namespace";
  switch (key) {
    case "ArrowDown":
    case "j":
      return Math.min(at + 1, rows.length - 1);
    case "ArrowUp":
    case "k":
      return Math.max(at - 1, 0);
    case "Home":
      return 0;
    case "End":
      return rows.length - 1;
    case "PageDown":
      return Math.min(at + 20, rows.length - 1);
    case "PageUp":
      return Math.max(at - 20, 0);
    case "ArrowRight":
      return isBranch && !row.isOpen ? "act" : Math.min(at + 1, rows.length - 1);
    case "ArrowLeft":
      return isBranch && row.isOpen ? "act" : parentIndex(rows, at);
    case "Enter":
    case " ":
      return "act";
    case "c":
      void copy(row.path, "Path");
      return true;
    case "v":
    case "y":
      if (row.kind === "attribute") copyOf(row, key, place);
      return true;
    default:
      return null;
  }
}

function copyOf(row: TreeRow & { kind: "attribute" }, key: "v" | "y", place: RunPlace): void {
  if (key === "v") void copy(exactText(row.attribute), "Value");
  else void copy(pythonFor(place, row.path, row.attribute.type), "Python");
}

function parentIndex(rows: TreeRow[], at: number): number {
  for (let before = at - 1; before >= 0; before--) if (rows[before]!.depth < rows[at]!.depth) return before;
  return at;
}

/** Return all of a value, as it was logged. */
export function exactText({ value, type }: Attribute): string {
  if (value === null) return type === "none" ? "None" : "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

type RowProps = {
  row: TreeRow;
  at: number;
  top: number;
  isCursor: boolean;
  change: Change | undefined;
  found: RunValues;
  project: string;
  hasSource: boolean;
  act: (row: TreeRow) => void;
};

/** Rows that stay in view are not made again while one scrolls. */
const Row = memo(function Row({ row, at, top, isCursor, change, found, project, hasSource, act }: RowProps) {
  const isChosen = row.kind === "attribute" && chosenAttribute.value === row.path;
  const classes = ["tree-row", row.kind, change && "changed", isChosen && "chosen"].filter(Boolean).join(" ");
  return (
    <div
      class={classes}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-expanded={row.kind === "namespace" ? row.isOpen : undefined}
      aria-selected={row.kind === "attribute" ? isChosen : undefined}
      tabIndex={isCursor ? 0 : -1}
      data-at={at}
      data-path={row.path}
      style={{ top: `${top}px`, "--depth": row.depth }}
      onClick={() => act(row)}
      onKeyDown={undefined}
    >
      <span class="tree-name mono" title={row.path}>
        {row.kind !== "attribute" && (
          <Icon name={row.kind === "namespace" && row.isOpen ? "down" : "right"} size={12} />
        )}
        <Name row={row} />
      </span>
      {row.kind === "attribute" && (
        <Value row={row} change={change} found={found} project={project} hasSource={hasSource} />
      )}
    </div>
  );
});

function Name({ row }: { row: TreeRow }) {
  if (row.kind === "namespace")
    return (
      <>
        <span class="cut">{row.name}</span>
        <span class="count">{row.count}</span>
      </>
    );
  return <span class="cut">{row.name}</span>;
}

type ValueProps = {
  row: TreeRow & { kind: "attribute" };
  change: Change | undefined;
  found: RunValues;
  project: string;
  hasSource: boolean;
};

function Value({ row, change, found, project, hasSource }: ValueProps) {
  const { type, value, source_run: source } = row.attribute;
  const counts = histogramOf(type, value);
  const text = counts ? histogramText(counts) : formatContent(value, type);
  const shown = isNumber(value) && type === "float_series" ? formatNumber(toNumber(value)) : firstLine(text);
  const origin = source === found.run.run_id ? null : found.run.lineage.find((reach) => reach.run_id === source);
  return (
    <>
      <span class={isSeries(type) || typeof value !== "string" ? "tree-value" : "tree-value text"}>
        {type === "float_series" && <SeriesSparkline project={project} run={found.run} path={row.path} />}
        {change && !isSeries(type) && (
          <>
            <del class="cut">{change.before ? formatContent(change.before.value, change.before.type) : "–"}</del>
            <span class="arrow">→</span>
          </>
        )}
        <span
          class={`cut${isPath(shown) ? " front" : ""}${isNumber(value) && !Number.isFinite(toNumber(value)) && type !== "string" ? " bad" : ""}`}
          title={text.length > 20 ? text.slice(0, 2000) : undefined}
        >
          {isPath(shown) ? <bdi>{shown}</bdi> : shown}
        </span>
      </span>
      <span class="tree-type">{typeName(type)}</span>
      {hasSource && (
        <span class="tree-source cut">
          {origin ? (
            <span class="run-name" style={{ color: colourOf(origin).text }} title={`inherited from ${origin.run_id}`}>
              {origin.name}
            </span>
          ) : null}
        </span>
      )}
    </>
  );
}

/** Of a path the end says most: then the front is cut. */
function isPath(text: string): boolean {
  return text.length > 24 && /^[^\s\u0590-\u08ff]*\/[^\s\u0590-\u08ff]*$/.test(text);
}

function firstLine(text: string): string {
  const at = text.indexOf("\n");
  return (at < 0 ? text : `${text.slice(0, at)} …`).slice(0, 400);
}
