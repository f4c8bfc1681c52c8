import { expect, test } from "vitest";
import { formatStep } from "./format";
import { readStep } from "./steps";

test("a step is read as it is shown", () => {
  for (const step of [0, 275, 0.5, 16_000, 1_234_567.25]) expect(readStep(formatStep(step))).toBe(step);
});

test("what is no step is none", () => {
  for (const text of ["", "-1", "ten", "1e3", "NaN", "0.1234567", "9".repeat(12)]) expect(readStep(text)).toBeNull();
});
