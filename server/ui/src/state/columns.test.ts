import { expect, test } from "vitest";
import { keyOf, keyOfSort, moved, nextSort, sortColumn } from "./columns";

const up = (column: string) => ({ column, descending: false });
const down = (column: string) => ({ column, descending: true });

test("clicks on a head go round: least first, greatest first, as it was", () => {
  expect(nextSort([], "lr", false)).toEqual([up("lr")]);
  expect(nextSort([up("lr")], "lr", false)).toEqual([down("lr")]);
  expect(nextSort([down("lr")], "lr", false)).toEqual([]);
});

test("a plain click forgets other columns, one with Shift adds to them", () => {
  expect(nextSort([up("a"), down("b")], "lr", false)).toEqual([up("lr")]);
  expect(nextSort([up("a"), down("b")], "lr", true)).toEqual([up("a"), down("b"), up("lr")]);
  expect(nextSort([up("a"), up("b")], "a", true)).toEqual([down("a"), up("b")]);
  expect(nextSort([down("a"), up("b")], "a", true)).toEqual([up("b")]);
});

test("a column is put before another one, or at the end", () => {
  expect(moved(["a", "b", "c"], "c", "a")).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], "a", null)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], "b", "b")).toEqual(["a", "b", "c"]);
  expect(moved(["a", "b", "c"], "a", "c")).toEqual(["b", "a", "c"]);
});

test("the first column sorts by the name that it shows, and is marked for it", () => {
  const keys = [keyOf("lineage"), keyOf("step"), keyOf("state"), "name"];
  expect([
    sortColumn(keyOf("name"), "experiments"),
    sortColumn(keyOf("name"), "runs"),
    ...keys.map((key) => sortColumn(key)),
  ]).toEqual(["experiment", "run", null, "last_step", "state", "name"]);
  expect(keyOfSort("experiment", "experiments", [])).toBe(keyOf("name"));
  expect(keyOfSort("experiment", "runs", [])).toBe("experiment");
  const shown = [{ title: "state", path: "state", aggregate: null, type: null }];
  expect([keyOfSort("state", "runs", []), keyOfSort("state", "runs", shown)]).toEqual([keyOf("state"), "state"]);
});
