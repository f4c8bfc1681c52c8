import { describe, expect, test } from "vitest";
import type { Attribute, AttributeType, Content } from "../../api/types";
import { buildTree, findAttributes, listRows, type TreeView } from "./attributeTree";

function held(type: AttributeType, value: Content): Attribute {
  return { type, value, source_run: "a", time: "2026-01-01T00:00:00Z", statistics: null };
}

function attributes(paths: Record<string, Attribute | number>): { [path: string]: Attribute } {
  return Object.fromEntries(
    Object.entries(paths).map(([path, value]) => [path, typeof value === "number" ? held("float", value) : value]),
  );
}

const plain: TreeView = { toggled: new Set(), isAllOpen: false, most: 100, first: new Set() };
const lines = (paths: Record<string, Attribute | number>, view: Partial<TreeView> = {}) =>
  listRows(buildTree(attributes(paths)), { ...plain, ...view }).map(
    (row) => `${"  ".repeat(row.depth)}${row.name}${row.kind === "namespace" ? ` ${row.count}` : ""}`,
  );

describe("a tree of attributes", () => {
  test("lists what lies outside of namespaces first, and the system's namespaces last, closed", () => {
    expect(lines({ "sys/a": 1, "sys/b": 1, "zoo/a": 1, "zoo/b": 2, lr: 1 })).toEqual([
      "lr",
      "zoo 2",
      "  a",
      "  b",
      "sys 2",
    ]);
  });

  test("writes a namespace of one attribute in its line", () => {
    expect(lines({ "a/b/c": 1, "x/y": 1, "x/z": 1 })).toEqual(["a/b/c", "x 2", "  y", "  z"]);
  });

  test("keeps an attribute apart from a namespace of its name", () => {
    expect(lines({ loss: 1, "loss/a": 1, "loss/b": 2 })).toEqual(["loss", "loss 2", "  a", "  b"]);
  });

  test("opens and closes what was toggled", () => {
    const two = { "a/b": 1, "a/c": 1, "sys/d": 1, "sys/e": 2 };
    expect(lines(two, { toggled: new Set(["a", "sys"]) })).toEqual(["a 2", "sys 2", "  d", "  e"]);
  });

  test("counts what it leaves out of a long namespace, never what changed", () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`a/k${at}`, at]));
    expect(lines(many, { most: 3, first: new Set(["a/k9"]) })).toEqual([
      "a 10",
      "  k0",
      "  k1",
      "  k2",
      "  k9",
      "  6 more",
    ]);
  });

  test("takes names of JavaScript's own, empty parts and dots as they are", () => {
    expect(lines({ "constructor/__proto__": 1, "constructor/b": 1, "a//b": 1, "../c": 1 })).toEqual([
      "../c",
      "a//b",
      "constructor 2",
      "  __proto__",
      "  b",
    ]);
  });

  test("holds a path of a thousand parts and ten thousand attributes", () => {
    const deep = Array.from({ length: 1000 }, () => "d").join("/");
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`n${at % 50}/k${at}`, at]));
    const rows = listRows(buildTree(attributes({ ...many, [`${deep}/x`]: 1, [`${deep}/y`]: 1 })), {
      ...plain,
      isAllOpen: true,
    });
    expect(rows.filter((row) => row.kind === "attribute")).toHaveLength(10_002);
  });
});

describe("a search", () => {
  const found = (text: string) =>
    Object.keys(
      findAttributes(
        attributes({ "optimizer/LR": 0.5, model: held("string", "ResNet"), "val/loss": held("float_series", 0.25) }),
        text,
      ),
    );

  test.each([
    ["lr", ["optimizer/LR"]],
    ["resnet", ["model"]],
    ["float series", ["val/loss"]],
    ["val 0.25", ["val/loss"]],
    ["val resnet", []],
    ["  ", ["optimizer/LR", "model", "val/loss"]],
  ])("for %j finds paths, types and values", (text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});
