import { describe, expect, it } from "vitest";
import { clockTicks, durationTicks, linearTicks, logTicks, niceStep, stepTicks } from "./ticks";

describe("ticks", () => {
  it("stand at multiples of 1, 2, 2.5 or 5 times a power of ten", () => {
    expect(linearTicks([0.2, 1], 4).texts).toEqual(["0.2", "0.4", "0.6", "0.8", "1"]);
    expect(linearTicks([5100, 14000], 4).at).toEqual([7500, 10000, 12500]);
    expect(linearTicks([-1, 1], 4).texts).toEqual(["−1", "−0.5", "0", "0.5", "1"]);
    expect(niceStep(10, 4, true)).toBe(5);
    expect(niceStep(100, 4, true)).toBe(25);
  });
  it("tell neighbours apart far from zero", () => {
    const { texts } = linearTicks([0.99981, 0.99985], 4);
    expect(new Set(texts).size).toBe(texts.length);
  });
  it("of steps have thin spaces and no halves", () => {
    expect(stepTicks([0, 40000], 4).texts).toEqual(["0", "10\u202f000", "20\u202f000", "30\u202f000", "40\u202f000"]);
    expect(stepTicks([0, 5], 4).at).toEqual([0, 2, 4]);
    const { texts } = stepTicks([496.91698, 496.9171], 4);
    expect(new Set(texts).size).toBe(texts.length);
  });
  it("of logarithms are powers, with 2 and 5 where there is room, and even ones within a decade", () => {
    expect(logTicks([1e-6, 1e3], 5).at).toEqual([1e-6, 1e-4, 1e-2, 1, 100]);
    expect(logTicks([0.1, 10], 8).at).toEqual([0.1, 0.2, 0.5, 1, 2, 5, 10]);
    expect(logTicks([2, 3], 4).at).toEqual([2, 2.25, 2.5, 2.75, 3]);
    expect(logTicks([3, 90], 1).at.length).toBeGreaterThan(0);
  });
  it("of durations and moments are round as clocks are", () => {
    expect(durationTicks([0, 7200], 4).texts).toEqual(["0", "30 min", "1 h", "1 h 30 min", "2 h"]);
    const midnight = new Date(2026, 2, 14).getTime() / 1000;
    expect(clockTicks([midnight - 7200, midnight + 7200], 4).texts).toEqual([
      "22:00",
      "23:00",
      "14 Mar",
      "01:00",
      "02:00",
    ]);
  });
  it("tell the year where they are more than a year apart", () => {
    const start = new Date(2000, 0, 1).getTime() / 1000;
    expect(
      clockTicks([start, start + 100 * 365 * 86400], 4).texts.every((text) => /[A-Z][a-z]+ \d{4}/.test(text)),
    ).toBe(true);
  });
  it("end, however small or huge the span", () => {
    for (const span of [
      [0, 1e-300],
      [0, 1e300],
      [1e15, 1e15 + 1],
      [-5, -5 + 1e-9],
    ] as [number, number][])
      for (const make of [linearTicks, stepTicks, durationTicks, clockTicks])
        expect(make(span, 5).at.length).toBeLessThan(202);
  });
});
