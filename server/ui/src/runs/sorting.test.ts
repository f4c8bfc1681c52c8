import { expect, test } from "vitest";
import { nextSort } from "./RunsTable";

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
