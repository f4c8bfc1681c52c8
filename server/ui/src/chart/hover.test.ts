import { expect, test } from "vitest";
import { contentOf, linesNear, tagsOf } from "./hover";
import { makeLine } from "./testLines";
import type { View } from "./view";

const view: View = {
  width: 400,
  height: 200,
  plot: { left: 40, top: 10, width: 300, height: 170 },
  x: [0, 10],
  y: [0, 1],
  isLog: false,
};

test("values that were logged are told in six digits, and whole where that is asked", () => {
  const line = makeLine([0, 10], [0.12345678901234566, 0.5]);
  const near = linesNear([line], view, { x: 40, y: 100 }, null);
  const { where, rows } = contentOf([line], near, "step", null, null);
  expect([where, rows[0]!.value, rows[0]!.exact]).toEqual(["step 0", "0.123457", "0.12345678901234566"]);
});

test("values of ranges are told in fewer digits: none of them was logged", () => {
  const line = makeLine([0, 10], [0.12345678901234566, 0.5], { is_raw: false });
  const near = linesNear([line], view, { x: 40, y: 100 }, null);
  expect(contentOf([line], near, "step", null, null).rows[0]).toMatchObject({ value: "0.1235", exact: "" });
});

test("tags say how y is drawn, and what is no number and where", () => {
  const line = makeLine([0, 10], [1, 2], { nan: 2, nonfinite: [{ x: 4, kind: "nan", count: 2 }] });
  expect(tagsOf([line], { isLog: true, axis: "step" }, true).map((tag) => tag.text)).toEqual([
    "2 NaN from step 4",
    "log",
    "raw points",
  ]);
  expect(tagsOf([makeLine([0], [1])], { isLog: false, axis: "step" }, false)).toEqual([]);
});
