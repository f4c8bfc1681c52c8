import { expect, test } from "vitest";
import { forkCurve, forkCurvePart, mouthOf, rowScale } from "./shapes";

function numbers(path: string): number[] {
  return path.match(/-?[\d.]+(?:e-?\d+)?/g)!.map(Number);
}

test("parts of a curve join, from the step at which it leaves to where it arrives", () => {
  const [x, y, dy, reach, lane] = [100, 14, 280, 13, 28];
  const parts = Array.from({ length: 11 }, (_, at) => forkCurvePart(x, y, dy, reach, [at * lane, (at + 1) * lane])!);
  const ends = parts.map((part) => numbers(part.path));
  expect(ends[0]!.slice(0, 2)).toEqual([100, 14]);
  expect(ends.at(-1)!.slice(-2)).toEqual([113, 294]);
  for (const [at, end] of ends.slice(0, -1).entries()) expect(ends[at + 1]!.slice(0, 2)).toEqual(end.slice(-2));
  expect(parts[1]!.begins).toBe(14);
});

test("a part that is the whole is the curve", () => {
  const [left, top, ...rest] = numbers(forkCurve(10, 20, 30, 12));
  const whole = numbers(forkCurvePart(10, 20, 30, 12, [0, 100])!.path);
  expect(whole).toEqual([left, top, ...rest.map((value, at) => value + (at % 2 === 0 ? left! : top!))]);
});

test("a curve has no part where it does not lie", () => {
  expect(forkCurvePart(0, 100, 50, 10, [0, 90])).toBeNull();
  expect(forkCurvePart(0, 100, 50, 10, [151, 200])).toBeNull();
});

test("one step alone, huge steps and small ones have a place in a row", () => {
  expect(rowScale([5, 5], 232)(5)).toBe(2);
  expect(rowScale([0, 1e12], 232)(1e12)).toBe(220);
  expect(rowScale([0, 1e-6], 232)(5e-7)).toBe(111);
});

test("without a server only what was running is unknown", () => {
  expect(mouthOf("running", true)).toBe("dots");
  expect(mouthOf("finished", true)).toBe("disc");
  expect(mouthOf(null)).toBe("disc");
});
