import { expect, test } from "vitest";
import { member } from "./family.fixture";
import { countsWhole, domainOf, experimentOf, geometryOf, roundStep, stepsOfFamily } from "./geometry";

test("a scale begins at 0 unless that lies far from the first step", () => {
  expect(domainOf([member("a", { own: [1, 275] })])).toEqual([0, 275]);
  expect(domainOf([member("a", { own: [900, 1000] })])).toEqual([900, 1000]);
  expect(stepsOfFamily([member("a", { own: [1, 275] })])).toEqual([1, 275]);
});

test("one step, and no step at all, have a scale", () => {
  expect(domainOf([member("a", { own: [5, 5] })])).toEqual([5, 6]);
  expect(domainOf([member("a", { own: null })])).toEqual([0, 1]);
  expect(stepsOfFamily([member("a", { own: null })])).toBeNull();
});

test("a place and its step are each other's inverse, at every width", () => {
  for (const width of [1440, 1280, 800, 300, 50]) {
    const { x, step, gutter, width: drawing, right } = geometryOf(width, 600, 4, [0, 275]);
    expect(step(x(114))).toBeCloseTo(114);
    expect(x(275)).toBeCloseTo(right);
    expect(gutter + drawing).toBeGreaterThanOrEqual(width);
  }
});

test("steps are whole where the family counts so, else as exact as a pixel", () => {
  expect(roundStep(113.7, 0.3, true)).toBe(114);
  expect(roundStep(0.123456, 0.001, false)).toBe(0.123);
  expect(roundStep(123456.7, 250, false)).toBe(123457);
  expect(countsWhole([member("a", { own: [0, 0.5] })])).toBe(false);
  expect(countsWhole([member("a"), member("b", { own: null })])).toBe(true);
});

test("a family that is drawn for a head is that of its experiment", () => {
  const runs = [member("root"), member("head", { parent: "root", step: 50, is_head: true })];
  const family = { revision: 1, experiment: null, lineage: [], runs };
  expect(experimentOf({ ...family, focus: "head" })).toBe("gull");
  expect(experimentOf({ ...family, focus: "root" })).toBeNull();
});
