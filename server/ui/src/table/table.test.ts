import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Row } from "../api/types";
import { layOutLines } from "./lines";
import type { Table, TableProps } from "./props";
import { stepScaleTo } from "./scale";
import { mount } from "./table";

const HEIGHT = 600;
const ROW = 28;

function row(run_id: string, loss: number): Row {
  return {
    run_id,
    name: run_id,
    number: 1,
    experiment: run_id,
    is_head: true,
    is_archived: false,
    state: "finished",
    created: "",
    fork: null,
    run_count: 1,
    run_place: 1,
    last_step: 10,
    values: { loss },
    lineage: [],
  };
}

function props(rows: (Row | undefined)[], more: Partial<TableProps> = {}): TableProps {
  const column = { title: "loss", path: "loss", aggregate: null, type: "float" as const };
  return {
    label: "Runs",
    mode: "experiments",
    lines: layOutLines(rows.length, (at) => rows[at], []),
    order: "",
    columns: [
      { kind: "eye", key: "eye", width: 40, isPinned: false },
      { kind: "name", key: "name", width: 100, isPinned: false },
      { kind: "lineage", key: "lineage", width: 200, isPinned: false },
      { kind: "value", key: "loss", width: 60, isPinned: false, column, format: { decimals: 2, isExponential: false } },
    ],
    rowHeight: ROW,
    scale: stepScaleTo(10, 200),
    tree: () => undefined,
    hidesPruned: false,
    hidesInherited: false,
    colour: () => ({ line: "#000000", text: "#000000" }),
    title: (line) => ({ text: line.row?.name ?? "", mark: "", aside: "" }),
    href: () => "#",
    isDrawn: () => false,
    hovered: null,
    pointed: null,
    isExpanded: () => false,
    sorts: new Map(),
    isByLineage: false,
    isServerAway: false,
    acts: {
      see: vi.fn(),
      hover: vi.fn(),
      toggle: vi.fn(),
      expand: vi.fn(),
      open: vi.fn(),
      point: vi.fn(),
      sort: vi.fn(),
      canSort: () => true,
      menu: null,
      eyes: vi.fn(),
      resize: null,
      move: null,
    },
    ...more,
  };
}

const many = (count: number, loss = 1) => Array.from({ length: count }, (_, at) => row(`r${at}`, loss));
const frame = () => new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));
let host: HTMLElement;
let table: Table | undefined;

beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
  // Nothing is laid out here: the table is as high as the test says.
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(HEIGHT);
  vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(400);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(HEIGHT);
});

afterEach(() => {
  table?.destroy();
  host.remove();
  vi.restoreAllMocks();
});

const shown = () => [...host.querySelectorAll(".table-row .run-name")].map((name) => name.textContent);

test("only rows in view, and a few around them, are elements", async () => {
  const given = props(many(10_000));
  table = mount(host, given);
  await frame();

  expect(shown().length).toBeGreaterThan(20);
  expect(shown().length).toBeLessThan(50);
  expect(shown()[0]).toBe("r0");
  expect(host.querySelector("[role=treegrid]")?.getAttribute("aria-rowcount")).toBe("10001");
});

test("rows keep their elements while their numbers change", async () => {
  table = mount(host, props(many(30, 1)));
  await frame();
  const before = [...host.querySelectorAll(".table-row")];

  table.update(props(many(30, 0.5)));
  await frame();

  expect([...host.querySelectorAll(".table-row")]).toEqual(before);
  expect(before[0]?.querySelector(".value-cell")?.textContent).toBe("0.50");
});

test("rows that come above what is read leave it where it is", async () => {
  const rows = many(1000);
  table = mount(host, props(rows));
  await frame();
  const scroller = host.querySelector(".runs-table")!;
  scroller.scrollTop = 100 * ROW + 5;
  scroller.dispatchEvent(new Event("scroll"));
  await frame();

  table.update(props([row("new", 1), row("newer", 1), ...rows]));
  await frame();

  expect(scroller.scrollTop).toBe(102 * ROW + 5);
});

test("another order is seen from its beginning", async () => {
  const rows = many(1000);
  table = mount(host, props(rows));
  await frame();
  const scroller = host.querySelector(".runs-table")!;
  scroller.scrollTop = 100 * ROW;
  scroller.dispatchEvent(new Event("scroll"));

  table.update(props([...rows].reverse(), { order: "other" }));

  expect(scroller.scrollTop).toBe(0);
});

test("rows that were not fetched are skeletons of the same height", async () => {
  const rows = [...many(5), ...Array.from({ length: 20 }, () => undefined)];
  table = mount(host, props(rows));
  await frame();

  expect(host.querySelectorAll(".table-row").length).toBe(25);
  expect(host.querySelectorAll(".table-row.skeleton").length).toBe(20);
});

test("one run in two places of the list is two rows", async () => {
  const [one] = many(1);
  table = mount(host, props([one!, one!, ...many(3).slice(1)]));
  await frame();

  expect(shown()).toEqual(["r0", "r0", "r1", "r2"]);
});

test("what is clicked is told with its row", async () => {
  const given = props(many(3));
  table = mount(host, given);
  await frame();
  host
    .querySelectorAll<HTMLElement>(".table-row .eye")[1]
    ?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));

  expect(given.acts.toggle).toHaveBeenCalledWith(expect.objectContaining({ index: 1 }), true);
});

test("a row draws as much of its history as is asked for", async () => {
  const shared = { number: 1, experiment: "e", state: "finished" as const };
  const root = { ...shared, run_id: "a", name: "a", fork_step: null, last: 9, kept: [0, 5], pruned: [5, 9] };
  const own = { ...shared, run_id: "b", name: "b", fork_step: 5, last: 10, kept: [5, 10], pruned: null };
  const forked = { ...row("b", 1), lineage: [root, own] } as unknown as Row;
  const drawn = () =>
    [".own", ".inherited", ".bed", ".diamond"].map((part) => host.querySelectorAll(`.lineage-cell ${part}`).length);
  table = mount(host, props([forked]));
  await frame();
  expect(drawn()).toEqual([1, 1, 1, 1]);

  table.update(props([forked], { hidesPruned: true }));
  await frame();
  expect(drawn()).toEqual([1, 1, 0, 1]);

  table.update(props([forked], { hidesPruned: true, hidesInherited: true }));
  await frame();
  expect(drawn()).toEqual([1, 0, 0, 0]);
});
