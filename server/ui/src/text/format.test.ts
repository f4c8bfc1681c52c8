import { describe, expect, test } from "vitest";
import {
  columnFormat,
  formatAge,
  formatBytes,
  formatContent,
  formatDuration,
  formatExactly,
  formatInColumn,
  formatNumber,
  formatSince,
  formatStep,
  splitPath,
  toNumber,
} from "./format";

const plain = (text: string) => text.replaceAll("\u202f", " ").replaceAll("\u2212", "-");

describe("numbers", () => {
  test.each([
    [0, "0"],
    [0.37321, "0.3732"],
    [12_500, "12 500"],
    [1234, "1234"],
    [-0.00012, "-1.2e-4"],
    [3e-4, "3e-4"],
    [1e12, "1e12"],
    [99.99996, "100"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "-∞"],
  ])("%d reads %s", (value, expected) => {
    expect(plain(formatNumber(value))).toBe(expected);
  });

  test("are written exactly where that is asked", () => {
    expect(plain(formatExactly(-0.1234567890123))).toBe("-0.1234567890123");
  });

  test("come from the words that JSON carries", () => {
    expect([toNumber("Infinity"), toNumber("-Infinity"), toNumber(2)]).toEqual([
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      2,
    ]);
    expect(toNumber("NaN")).toBeNaN();
  });
});

describe("columns", () => {
  const column = (values: number[]) => {
    const format = columnFormat(values);
    return values.map((value) => plain(formatInColumn(value, format)));
  };

  test("have as many decimals as their numbers need, four digits at most", () => {
    expect(column([0.3007, 0.2817, 1])).toEqual(["0.3007", "0.2817", "1.0000"]);
    expect(column([256, 512])).toEqual(["256", "512"]);
    expect(column([10_250.125, 3.5])).toEqual(["10 250", "3.5"]);
  });

  test("take powers of ten for what is small", () => {
    expect(column([3e-4, 1e-5])).toEqual(["3e-4", "1e-5"]);
  });

  test("are not decided by one of them", () => {
    expect(column([0.3007, 0.2817, 0.3, 1e12])).toEqual(["0.3007", "0.2817", "0.3000", "1e12"]);
    expect(column([0.3007, 0.2817, 5321.25])).toEqual(["0.3007", "0.2817", "5321.2500"]);
  });

  test("never show as nothing what is something", () => {
    expect(column([0.3007, 0.2817, 1e-6, -2e-5, 0])).toEqual(["0.3007", "0.2817", "1e-6", "-2e-5", "0.0000"]);
    expect(column([12_500.5, 40_000.5, 0.25])).toEqual(["12 501", "40 001", "0.25"]);
  });

  test("keep the digits of what is small in them", () => {
    const rates = [0.0001705, 0.0009645, 0.0012, 0.0143, 0.0915];
    expect(column(rates)).toEqual(["0.000170", "0.000964", "0.001200", "0.014300", "0.091500"]);
    expect(column([0.3007, 0.2817, 0.0001705])).toEqual(["0.3007", "0.2817", "1.705e-4"]);
    expect(column([0.0001705, 0.0001535])).toEqual(["1.705e-4", "1.535e-4"]);
    expect(column([0.06556, 0.5324, 0.1158])).toEqual(["0.0656", "0.5324", "0.1158"]);
  });

  test("stand what is no number", () => {
    expect(column([Number.NaN, 0.5, Number.NEGATIVE_INFINITY])).toEqual(["NaN", "0.5", "-∞"]);
    expect(column([])).toEqual([]);
  });
});

test.each([
  [40_000, "40 000"],
  [0, "0"],
  [12.5, "12.5"],
  [0.0004, "0"],
  [null, "–"],
])("the step %s reads %s", (step, expected) => {
  expect(plain(formatStep(step))).toBe(expected);
});

test.each([
  [0.0123, "12 ms"],
  [1.135, "1.1 s"],
  [59.6, "60 s"],
  [5760, "1 h 36 min"],
  [200_000, "2 d 7 h"],
  [null, "–"],
])("%s seconds read %s", (seconds, expected) => {
  expect(formatDuration(seconds)).toBe(expected);
});

test("what began on another day is told with its day", () => {
  const noon = new Date(2026, 4, 29, 12, 0, 0).getTime();
  expect([formatSince(noon, noon + 3_600_000), formatSince(noon, noon + 86_400_000)]).toEqual([
    "12:00:00",
    "29 May 2026, 12:00:00",
  ]);
});

test("a moment that is yet to come is told as it is, unless two clocks differ a little", () => {
  const now = Date.parse("2026-03-14T12:00:00");
  expect(formatAge("2026-03-14T12:00:30", now)).toBe("just now");
  expect(formatAge("2026-03-14T11:58:00", now)).toBe("2 min ago");
  expect(formatAge("2026-03-17T12:00:00", now)).toBe("17 Mar 2026, 12:00:00");
});

test("sizes have a unit", () => {
  expect([formatBytes(12), formatBytes(14_617), formatBytes(2_500_000_000)]).toEqual(["12 B", "14.6 kB", "2.5 GB"]);
});

describe("contents", () => {
  test("of every type have a text", () => {
    expect(formatContent("NaN", "string")).toBe("NaN");
    expect(formatContent("NaN", "float")).toBe("NaN");
    expect(formatContent(true)).toBe("true");
    expect(formatContent(["b", "a"])).toBe("b, a");
    expect(formatContent(null)).toBe("–");
    expect(formatContent(null, "none")).toBe("None");
    expect(formatContent({ name: "a.png", size_bytes: 1500, mime_type: "image/png", sha256: "" })).toBe(
      "a.png, 1.5 kB",
    );
  });
});

test("paths split into namespace and name", () => {
  expect(splitPath("train/loss")).toEqual(["train/", "loss"]);
  expect(splitPath("loss")).toEqual(["", "loss"]);
});
