import { describe, expect, it } from "vitest";
import { nonFiniteAt, nonFiniteOf } from "./nonfinite";
import { makeLine } from "./testLines";
import type { View } from "./view";

const view: View = {
  width: 400,
  height: 200,
  plot: { left: 40, top: 10, width: 300, height: 170 },
  x: [0, 1000],
  y: [0, 1],
  isLog: false,
};
const odd = makeLine([0, 1000], [0.5, 0.5], {
  nan: 3,
  inf: 2,
  is_raw: false,
  nonfinite: [
    { x: 120, kind: "nan", count: 3 },
    { x: 500, kind: "inf", count: 1 },
    { x: 900, kind: "inf", count: 1 },
  ],
});

describe("what is no number", () => {
  it("is counted, with the place of the first", () => {
    expect(nonFiniteOf([makeLine([0], [1]), odd], "step")).toEqual({ text: "3 NaN, 2 Inf from step 120", x: 120 });
    expect(nonFiniteOf([makeLine([0], [1])], "step")).toBeNull();
  });
  it("is found where its mark is: NaN on the floor, infinity at the ceiling", () => {
    const [nan, inf] = [40 + 0.12 * 300, 40 + 0.5 * 300];
    expect(nonFiniteAt([odd], view, { x: nan + 3, y: 176 }, "step")).toMatchObject({ x: 120, isWhole: false });
    expect(nonFiniteAt([odd], view, { x: inf, y: 14 }, "step")?.text).toBe("heron: Inf at step 500");
    expect(nonFiniteAt([odd], view, { x: 40 + 0.9 * 300, y: 14 }, "step")?.text).toBe("heron: Inf near step 900");
    expect(nonFiniteAt([odd], view, { x: nan, y: 14 }, "step")).toBeNull();
    expect(nonFiniteAt([odd], view, { x: nan, y: 90 }, "step")).toBeNull();
  });
});
