import { describe, expect, test } from "vitest";
import { deltaClass, formatPercent } from "./delta";
import { byInterest, goalOf } from "./metrics";

const plain = (text: string) => text.replaceAll("\u202f", " ").replaceAll("\u2212", "-");

test.each([
  [-75.65, "-76 %"],
  [9.37, "+9.4 %"],
  [0.0123, "+0.01 %"],
  [0.0001, "± 0 %"],
  [0, "0 %"],
  [1450.2, "+1 450 %"],
  [Number.POSITIVE_INFINITY, ""],
])("a change of %d percent reads %s", (percent, expected) => {
  expect(plain(formatPercent(percent)).replace("±0", "± 0")).toBe(expected);
});

test("a change is good or bad only where a goal is known", () => {
  expect([deltaClass(-5, "min"), deltaClass(-5, "max"), deltaClass(-5, null), deltaClass(0, "min")]).toEqual([
    "good",
    "bad",
    "",
    "",
  ]);
});

describe("metrics", () => {
  test("tell their goal by their names", () => {
    expect(["val/loss", "eval_accuracy", "lr", "epoch"].map(goalOf)).toEqual(["min", "max", null, null]);
  });

  test("of validation come before those of training", () => {
    expect(byInterest(["epoch", "train/loss", "val/accuracy", "val/loss"])).toEqual([
      "val/loss",
      "train/loss",
      "val/accuracy",
      "epoch",
    ]);
  });
});
