import { expect, test } from "vitest";
import { prunedBestOf } from "./best";
import { makeLine } from "./testLines";

const tail = (run_id: string, x: number[], y: number[]) => ({
  run_id,
  x: Float64Array.from(x),
  y: Float64Array.from(y),
});
const line = makeLine([0, 1, 2], [3, 2, Number.NaN], {
  pruned: [tail("a", [5, 6], [2.5, 1]), tail("b", [7, 8], [Number.NaN, 4])],
});

test("what was pruned is told where it was better than all that was kept", () => {
  expect(prunedBestOf(line, "min")).toEqual({ x: 6, y: 1, run_id: "a", kept: 2 });
  expect(prunedBestOf(line, "max")).toEqual({ x: 8, y: 4, run_id: "b", kept: 3 });
});

test("nothing is told where it was not, or where nobody knows what is better", () => {
  expect(prunedBestOf({ ...line, min: Float64Array.of(0.5) }, "min")).toBeNull();
  expect(prunedBestOf(line, null)).toBeNull();
  expect(prunedBestOf(makeLine([0], [1]), "min")).toBeNull();
  expect(prunedBestOf({ ...line, min: Float64Array.of(Number.NaN) }, "min")).toBeNull();
});
