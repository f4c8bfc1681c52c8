import { describe, expect, it } from "vitest";
import { extentOf, pinchedTo, rangeOf, scaledAround, suitsLog } from "./range";
import { makeLine } from "./testLines";

const plain = { isLog: false, ignoresOutliers: false };

describe("the range of y", () => {
  it("shows extremes of buckets, what was pruned, and nothing that is no number", () => {
    const line = makeLine([0, 1, 2], [1, Number.NaN, 2], {
      min: Float64Array.from([0.5, Number.POSITIVE_INFINITY, 2]),
      max: Float64Array.from([1, Number.NEGATIVE_INFINITY, 4]),
      pruned: [{ run_id: "old", x: Float64Array.from([1, 2]), y: Float64Array.from([6, 8]) }],
    });
    const [low, high] = rangeOf([line], [0, 2], plain)!;
    expect(low).toBeCloseTo(0.125);
    expect(high).toBeCloseTo(8.375);
  });
  it("has room around one value, and is nothing where there is none", () => {
    expect(rangeOf([makeLine([5], [3])], [0, 10], plain)).toEqual([2.7, 3.3]);
    expect(rangeOf([makeLine([5], [0])], [0, 10], plain)).toEqual([-1, 1]);
    expect(rangeOf([makeLine([5], [Number.NaN])], [0, 10], plain)).toBeNull();
    expect(rangeOf([], [0, 10], plain)).toBeNull();
  });
  it("is a range of numbers, whatever the values are", () => {
    for (const values of [
      [1e308, -1e308],
      [0, 5e-324],
      [Number.MAX_VALUE, Number.MAX_VALUE],
    ]) {
      const [low, high] = rangeOf([makeLine([0, 1], values)], [0, 1], plain)!;
      expect(Number.isFinite(1 / (high - low))).toBe(true);
      expect(Number.isFinite(170 / (high - low))).toBe(true);
      expect(low).toBeLessThan(high);
    }
  });
  it("leaves out the outer percents where outliers are ignored", () => {
    const ys = Array.from({ length: 200 }, (_, at) => (at === 50 ? 1000 : at / 200));
    const [low, high] = rangeOf(
      [
        makeLine(
          ys.map((_, at) => at),
          ys,
        ),
      ],
      [0, 200],
      { isLog: false, ignoresOutliers: true },
    )!;
    expect(high).toBeLessThan(1.2);
    expect(low).toBeGreaterThanOrEqual(0);
  });
  it("of a logarithmic axis has only positive values", () => {
    const [low, high] = rangeOf([makeLine([0, 1, 2, 3], [0, -5, 1, 100])], [0, 3], {
      isLog: true,
      ignoresOutliers: false,
    })!;
    expect(low).toBeGreaterThan(0.5);
    expect(high).toBeGreaterThan(100);
  });
});

describe("the choice of a logarithmic axis", () => {
  const steps = Array.from({ length: 300 }, (_, at) => at);
  it("falls on falls by orders of magnitude, and on single spikes", () => {
    expect(
      suitsLog(
        [
          makeLine(
            steps,
            steps.map((step) => 10 * Math.exp(-step / 20) + 0.01),
          ),
        ],
        false,
      ),
    ).toBe(true);
    expect(
      suitsLog(
        [
          makeLine(
            steps,
            steps.map((step) => (step === 50 ? 90 : 0.7)),
          ),
        ],
        false,
      ),
    ).toBe(true);
  });
  it("does not fall on plain curves, or on values at or below zero", () => {
    expect(
      suitsLog(
        [
          makeLine(
            steps,
            steps.map((step) => 4 * Math.exp(-step / 60) + 0.3),
          ),
        ],
        false,
      ),
    ).toBe(false);
    expect(
      suitsLog(
        [
          makeLine(
            steps,
            steps.map((step) => 3e-4 * (1.001 + Math.cos(step / 100))),
          ),
        ],
        false,
      ),
    ).toBe(false);
    expect(suitsLog([makeLine([0, 1, 2], [0, 1e-5, 100])], false)).toBe(false);
    expect(suitsLog([], false)).toBe(false);
  });
  it("stays for a while", () => {
    const line = makeLine(
      steps,
      steps.map((step) => 10 * Math.exp(-step / 20) + 0.2),
    );
    expect(suitsLog([line], false)).toBe(false);
    expect(suitsLog([line], true)).toBe(true);
  });
});

describe("spans", () => {
  it("take in where lines end and what was pruned", () => {
    const line = makeLine([3, 4], [1, 1], {
      last: { x: 9, y: 1 },
      pruned: [{ run_id: "old", x: Float64Array.from([4, 12]), y: Float64Array.from([0, 0]) }],
    });
    expect(extentOf([line])).toEqual([3, 12]);
    expect(extentOf([])).toBeNull();
  });
  it("scale around a point that stays where it is", () => {
    expect(scaledAround([0, 10], 2, 0.5)).toEqual([1, 6]);
  });
});

describe("a pinch", () => {
  it("keeps what is below each finger", () => {
    const [low, high] = pinchedTo([0, 100], 200, [50, 150], [25, 175])!;
    const below = (pixel: number) => low + (pixel / 200) * (high - low);
    expect([below(25), below(175)].map((x) => Number(x.toFixed(9)))).toEqual([25, 75]);
  });
  it("moves where both fingers do", () => {
    expect(pinchedTo([0, 100], 200, [50, 150], [70, 170])).toEqual([-10, 90]);
  });
  it("says nothing where fingers meet or cross", () => {
    expect(pinchedTo([0, 100], 200, [50, 150], [100, 102])).toBeNull();
    expect(pinchedTo([0, 100], 200, [50, 150], [150, 50])).toBeNull();
  });
});
