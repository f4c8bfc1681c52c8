import { expect, test } from "vitest";
import { sparklinePath } from "./Sparkline";

test("what is no number breaks a small line, and a point alone is a dash", () => {
  const path = sparklinePath([0, 1, 2, 3, 4], [0, 1, Number.NaN, 0.5, Number.POSITIVE_INFINITY], 42, 14);
  expect(path).toBe("M1.0 12.0L11.0 2.0M31.0 7.0h1.5");
});

test("a constant runs level in the middle, and nothing is nothing", () => {
  expect(sparklinePath([0, 1], [3, 3], 12, 10)).toBe("M1.0 5.0L11.0 5.0");
  expect(sparklinePath([], [], 12, 10)).toBe("");
});

test("the largest numbers that there are have their places", () => {
  expect(sparklinePath([0, 1], [1.7e308, -1.7e308], 12, 10)).toBe("M1.0 2.0L11.0 8.0");
});
