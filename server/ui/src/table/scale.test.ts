import { expect, test } from "vitest";
import { roundedUp, stepScaleTo } from "./scale";

test("the scale ends at a round step at or after the last one", () => {
  expect([0, 1, 7, 999, 1000, 1001, 38400, 40000].map(roundedUp)).toEqual([1, 1, 8, 1000, 1000, 1200, 40000, 40000]);
});

test("the scale stands still while runs go on a little", () => {
  expect(new Set([32000, 33000, 38400, 39999].map((last) => stepScaleTo(last, 400).domain[1]))).toEqual(
    new Set([40000]),
  );
});

test("ticks are round, begin at 0 and have room", () => {
  for (const last of [1, 3, 47, 999, 38400, 1e6, 123456789, 5e11])
    for (const width of [60, 120, 244, 472, 900]) {
      const { domain, ticks } = stepScaleTo(last, width);
      expect(ticks[0]).toBe(0);
      expect(ticks.at(-1)).toBeLessThanOrEqual(domain[1]);
      expect(((width - 14) * (ticks[1]! - ticks[0]!)) / domain[1], `${last} ${width}`).toBeGreaterThanOrEqual(45);
    }
});

test("names of long steps have room", () => {
  expect(stepScaleTo(999_999_999_999, 130).ticks).toEqual([0, 1e12]);
  expect(stepScaleTo(999, 244).ticks).toEqual([0, 500, 1000]);
});

test("steps may be fractions", () => {
  expect(stepScaleTo(0.004, 400)).toEqual({ domain: [0, 0.004], ticks: [0, 0.001, 0.002, 0.003, 0.004] });
});
