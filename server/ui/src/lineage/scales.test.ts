import { expect, test } from "vitest";
import { lineOf } from "./family.fixture";
import { bestOf, extentOf, pointAt, stretch, valueScale } from "./scales";

const x = (step: number) => step;
const y = (value: number) => value;

test("stretches of a line join: each goes on from the point before it", () => {
  const line = lineOf([0, 10, 20, 30], [5, 6, 7, 8]);
  expect(stretch(line, Number.NEGATIVE_INFINITY, 15, x, y)).toBe("M0.0 5.0L10.0 6.0");
  expect(stretch(line, 15, Number.POSITIVE_INFINITY, x, y)).toBe("M10.0 6.0L20.0 7.0L30.0 8.0");
  expect(stretch(line, 20, 20, x, y)).toBe("M20.0 7.0");
});

test("what is no number breaks a line, and no point is no path", () => {
  expect(stretch(lineOf([0, 1, 2], [1, Number.NaN, 3]), 0, 9, x, y)).toBe("M0.0 1.0M2.0 3.0");
  expect(stretch(lineOf([], []), 0, 9, x, y)).toBe("");
});

test("the value at a step is that of the last point before it", () => {
  const line = lineOf([0, 10, 20], [5, 6, Number.NaN]);
  expect(pointAt(line, 15)).toEqual({ x: 10, y: 6 });
  expect([pointAt(line, -1), pointAt(line, 25)]).toEqual([null, null]);
});

test("lanes share the extremes of all lines; lines of nothing but NaN have none", () => {
  expect(extentOf([lineOf([0], [5]), lineOf([0, 1], [-1, Number.POSITIVE_INFINITY])])).toEqual({
    low: -1,
    high: 5,
    leastPositive: 5,
  });
  expect(extentOf([lineOf([0], [Number.NaN])])).toBeNull();
});

test("a constant lies in the middle, on either scale", () => {
  const extent = extentOf([lineOf([0, 1], [2, 2])])!;
  expect(valueScale(extent, false, 10, 50).y(2)).toBe(30);
  expect(valueScale(extent, true, 10, 50).y(2)).toBe(30);
});

test("zero and less stand on the floor of a logarithmic scale; without anything above zero there is none", () => {
  const extent = { low: -1, high: 100, leastPositive: 0.1 };
  const scale = valueScale(extent, true, 0, 30);
  expect([scale.y(100), scale.y(0), scale.ticks]).toEqual([0, 30, [0.1, 1, 10, 100]]);
  expect(valueScale({ low: -2, high: -1, leastPositive: Number.POSITIVE_INFINITY }, true, 0, 30).isLog).toBe(false);
});

test("ticks are few even where values are huge or tiny", () => {
  for (const [low, high] of [
    [-1e308, 1e308],
    [0, 5e-324],
    [0.1, 0.1000001],
  ] as const)
    expect(valueScale({ low, high, leastPositive: high }, false, 0, 60).ticks.length).toBeLessThan(6);
});

test("values as huge as numbers go have a place", () => {
  const scale = valueScale({ low: -1.5e308, high: 1.5e308, leastPositive: 1 }, false, 0, 60);
  expect([scale.y(1.5e308), scale.y(0), scale.y(-1.5e308)]).toEqual([0, 30, 60]);
});

test("the best value goes by the goal", () => {
  const line = lineOf([0, 10, 20], [5, 3, 4]);
  expect(bestOf(line, "min")).toEqual({ step: 10, value: 3, isExact: true });
  expect(bestOf(line, "max")).toEqual({ step: 0, value: 5, isExact: true });
  expect(bestOf(line, "min", 9)).toEqual({ step: 0, value: 5, isExact: true });
  expect(bestOf(lineOf([], []), "min")).toBeNull();
});
