import { describe, expect, test } from "vitest";
import type { AttributeType, Definition } from "../api/types";
import { type Built, readBuilt, writeBuilt } from "./builder";
import { type Known, spotAt, suggestionsFor, taken } from "./completion";
import { readPath, readTokens, unitsOf, writePath, writeText } from "./tokens";

const roles = (text: string) => readTokens(text).tokens.map((token) => `${token.text} ${token.role}`);

describe("pieces of a filter", () => {
  test("are told apart by where they stand, not by what they look like", () => {
    expect(roles("lr <= 3e-4 and `a b`:float_series != NaN")).toEqual([
      "lr attribute",
      "<= operator",
      "3e-4 value",
      "and keyword",
      "`a b` attribute",
      ": operator",
      "float_series type",
      "!= operator",
      "NaN value",
    ]);
    expect(roles('(NOT last(val/loss) > 1) OR tags not contains "x"')).toEqual([
      "( parenthesis",
      "NOT keyword",
      "last aggregate",
      "( parenthesis",
      "val/loss attribute",
      ") parenthesis",
      "> operator",
      "1 value",
      ") parenthesis",
      "OR keyword",
      "tags attribute",
      "not keyword",
      "contains keyword",
      '"x" value',
    ]);
  });

  test("that mean nothing are bad, and what is not closed is open", () => {
    expect(roles("lr = = 3")).toEqual(["lr attribute", "= operator", "= bad", "3 value"]);
    expect(readTokens('tags contains "x').tokens.at(-1)).toMatchObject({ role: "value", isOpen: true });
    expect(readTokens("`a b").tokens.at(-1)).toMatchObject({ role: "attribute", isOpen: true });
  });

  test("cover all of any text but blanks", () => {
    for (const text of ["", "  ", 'a"b', "`", '"', "a:b:c", "((", "🦜 == 1", "\u202e x", "x".repeat(700)]) {
      const { tokens } = readTokens(text);
      let rest = text;
      for (const token of [...tokens].reverse()) rest = rest.slice(0, token.start) + rest.slice(token.end);
      expect(rest.trim()).toBe("");
    }
  });

  test("are written so that they are read back", () => {
    for (const path of ["lr", "a b", "a`b", "and", "last", "a:b", "(x)", '"q"', "<script>", "", "ü/🦜"])
      expect(readPath(writePath(path))).toBe(path);
    expect(writePath("val/loss")).toBe("val/loss");
    expect(writeText('a "b" \\ c')).toBe('"a \\"b\\" \\\\ c"');
  });

  test("places count characters as the server does", () => {
    expect(unitsOf("🦜🦜x", 2)).toBe(4);
  });
});

const typeNames = { float: "float", float_series: "float series", string: "string" } as Record<AttributeType, string>;
const definitions: Definition[] = [
  { path: "hparams/interval/log", type: "int", run_count: 16 },
  { path: "val/loss", type: "float_series", run_count: 16 },
  { path: "val/loss_ema", type: "float_series", run_count: 3 },
  { path: "optimizer", type: "string", run_count: 16 },
  { path: "a b", type: "float", run_count: 1 },
];
const known: Known = { definitions, values: ["adam", "sgd"], typeNames, of: "experiments" };
const labels = (text: string, caret = text.length) =>
  suggestionsFor(spotAt(text, caret), known).map((one) => one.label);

describe("completion", () => {
  test("offers attributes where one can stand: the nearest first, then what series have", () => {
    expect(labels("lr <= 3e-4 and val/l")).toEqual([
      "val/loss",
      "val/loss_ema",
      "hparams/interval/log",
      "last(val/loss)",
      "last(val/loss_ema)",
    ]);
  });

  test("offers operators that suit the attribute", () => {
    expect(labels("val/loss ")).toContain("<=");
    expect(labels("optimizer ")).toContain("matches");
    expect(labels("optimizer ")).not.toContain("<=");
    expect(labels("optimizer not ")).toEqual(["matches", "contains", "exists"]);
  });

  test("offers values that runs have, and words behind them", () => {
    expect(labels("optimizer == ")).toEqual(["adam", "sgd"]);
    expect(labels('optimizer == "ad')).toEqual(["adam"]);
    expect(labels('optimizer == "adam" ')).toEqual(["and", "or"]);
    expect(labels("state == ")).toContain("running");
  });

  test("writes what is taken over what was begun, in the language's own spelling", () => {
    const complete = (text: string, label: string, caret = text.length) => {
      const spot = spotAt(text, caret);
      return taken(text, spot, suggestionsFor(spot, known).find((one) => one.label === label)!).text;
    };

    expect(complete("val/l", "val/loss")).toBe("val/loss ");
    expect(complete("a", "a b")).toBe("`a b` ");
    expect(complete('optimizer == "ad', "adam")).toBe('optimizer == "adam" ');
    expect(complete("optimizer == ", "sgd")).toBe('optimizer == "sgd" ');
    expect(complete("val < 1 and lr > 2", "val/loss", 3)).toBe("val/loss < 1 and lr > 2");
  });

  test("knows what is being written at every place of a filter", () => {
    const text = 'lr <= 3 and tags contains "x"';
    const expected = [...text].map((_, at) => spotAt(text, at).expected);

    expect(expected.slice(0, 3)).toEqual(["attribute", "attribute", "attribute"]);
    expect(spotAt(text, 7)).toMatchObject({ expected: "value", prefix: "3", attribute: "lr" });
    expect(spotAt(text, 27)).toMatchObject({ expected: "value", prefix: '"', attribute: "tags" });
    expect(spotAt(text, text.length)).toMatchObject({ expected: "join", prefix: "" });
  });
});

describe("the builder", () => {
  const built: Built = {
    joint: "and",
    conditions: [
      { attribute: "lr", operator: "<=", value: "3e-4" },
      { attribute: "a b", operator: "==", value: 'x "y"' },
      { attribute: "tags", operator: "not contains", value: "12" },
      { attribute: "val/loss", operator: "exists", value: "" },
      { attribute: "created", operator: ">", value: "2026-01-31T12:00:00" },
    ],
  };

  test("writes the language", () => {
    expect(writeBuilt(built)).toBe(
      'lr <= 3e-4 and `a b` == "x \\"y\\"" and tags not contains "12" and val/loss exists and created > 2026-01-31T12:00:00',
    );
  });

  test("reads back what it wrote, in either joint", () => {
    for (const joint of ["and", "or"] as const) {
      const one = { ...built, joint };
      expect(readBuilt(writeBuilt(one))).toEqual(one);
    }
  });

  test("leaves alone what it cannot show", () => {
    for (const text of [
      "(a > 1)",
      "a > 1 and b > 2 or c > 3",
      "not a > 1",
      "last(a) > 1",
      'a == "3"',
      "a >",
      "a:float > 1",
    ])
      expect(readBuilt(text), text).toBeNull();
    expect(readBuilt("")).toEqual({ joint: "and", conditions: [] });
  });
});
