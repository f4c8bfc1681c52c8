import { expect, test } from "vitest";
import type { Row } from "../api/types";
import { type Block, layOutLines, lineKey } from "./lines";

function row(run_id: string, run_count = 1): Row {
  return {
    run_id,
    name: run_id,
    number: 0,
    experiment: run_id,
    is_head: true,
    is_archived: false,
    state: "finished",
    created: "",
    fork: null,
    run_count,
    run_place: 1,
    last_step: null,
    values: {},
    lineage: [],
  };
}

const rows = Array.from({ length: 6 }, (_, at) => row(`r${at}`, 3));
const block = (index: number, ids: string[]): Block => ({
  index,
  parent: rows[index]!,
  count: ids.length,
  rows: ids.map((id) => row(id)),
});
const keys = (blocks: Block[]) => {
  const lines = layOutLines(rows.length, (at) => rows[at], blocks);
  return Array.from({ length: lines.count }, (_, at) => lineKey(lines.at(at)));
};

test("without anything expanded every row is a line", () => {
  expect(keys([])).toEqual(["r0", "r1", "r2", "r3", "r4", "r5"]);
});

test("what is expanded stands below its row, in whatever order blocks come", () => {
  expect(keys([block(4, ["z"]), block(0, ["x", "y"])])).toEqual([
    "r0",
    "x below r0",
    "y below r0",
    "r1",
    "r2",
    "r3",
    "r4",
    "z below r4",
    "r5",
  ]);
});

test("a row's line counts what is expanded above it, not below", () => {
  const lines = layOutLines(rows.length, (at) => rows[at], [block(1, ["x", "y"]), block(3, ["z"])]);

  expect([0, 1, 2, 3, 4, 5].map(lines.lineOf)).toEqual([0, 1, 4, 5, 7, 8]);
  for (let at = 0; at < 6; at++) expect(lines.at(lines.lineOf(at))).toMatchObject({ kind: "row", index: at });
});

test("places that were not fetched are lines of their own", () => {
  const lines = layOutLines(3, (at) => (at === 1 ? undefined : rows[at]), []);

  expect(lineKey(lines.at(1))).toBe("#1");
});

test("runs below a row have places before they are known", () => {
  const lines = layOutLines(2, (at) => rows[at], [{ index: 0, parent: rows[0]!, count: 2, rows: [] }]);

  expect(lines.count).toBe(4);
  expect(lines.at(2)).toMatchObject({ kind: "child", at: 1, of: 2, row: undefined });
});
