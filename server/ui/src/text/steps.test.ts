import { expect, test } from "vitest";
import { editedStep, readStep } from "./steps";

test("a step is read as it is shown", () => {
  for (const step of [0, 275, 0.5, 16_000, 1_234_567.25, 0.123456]) expect(readStep(editedStep(step))).toBe(step);
  expect(editedStep(16_000)).toBe("16\u202f000");
});

test("what is no step is none", () => {
  for (const text of ["", "-1", "ten", "1e3", "NaN", "0.1234567", "9".repeat(12)]) expect(readStep(text)).toBeNull();
});
