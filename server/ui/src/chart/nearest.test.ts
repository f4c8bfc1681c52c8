import { describe, expect, it } from "vitest";
import { nearestLines } from "./nearest";
import { makeLine } from "./testLines";
import { nearestAt, type View } from "./view";

const view: View = {
  width: 300,
  height: 200,
  plot: { left: 0, top: 0, width: 300, height: 200 },
  x: [0, 300],
  y: [0, 200],
  isLog: false,
};

describe("hit testing", () => {
  it("orders lines by their distance in pixels, not by value at x alone", () => {
    const flat = makeLine([0, 300], [100, 100], { run_id: "flat" });
    const steep = makeLine([140, 150, 160], [0, 200, 0], { run_id: "steep" });
    const far = makeLine([0, 300], [10, 10], { run_id: "far" });
    const near = nearestLines([far, flat, steep], view, 146, 80, 5);
    expect(near.map((one) => one.line)).toEqual([2, 1, 0]);
    expect(near[1]!.distance).toBeCloseTo(20);
  });
  it("leaves out lines that are not there, and copes with what is no number", () => {
    const early = makeLine([0, 50], [10, 10]);
    const broken = makeLine([0, 100, 200, 300], [5, Number.NaN, Number.NaN, 5]);
    expect(nearestLines([early], view, 200, 100, 5)).toEqual([]);
    expect(nearestLines([makeLine([], []), broken], view, 150, 100, 5)).toHaveLength(1);
  });
  it("finds the nearest entry", () => {
    expect(nearestAt([0, 10, 20], 14)).toBe(1);
    expect(nearestAt([0, 10, 20], 16)).toBe(2);
    expect(nearestAt([], 1)).toBe(-1);
  });
});
