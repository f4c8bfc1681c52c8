import { describe, expect, test } from "vitest";
import { type DiffPart, diffLines, diffLists, diffWords, foldDiff } from "./diff";

const written = (parts: DiffPart[]) =>
  parts.map(({ kind, text }) => `${{ same: " ", before: "-", after: "+" }[kind]}${text}`).join(" ");

describe("a difference of lists", () => {
  test.each([
    ["a b c", "a b c", " a  b  c"],
    ["a b c", "a x c", " a -b +x  c"],
    ["a b", "", "-a -b +"],
    ["a b c a b b a", "c b a b a c", null],
    ["a", "a b", " a +b"],
  ])("of %j and %j", (before, after, expected) => {
    const parts = diffLists(before.split(" "), after.split(" "));
    if (expected !== null) expect(written(parts)).toBe(expected);
    else expect(parts.filter((part) => part.kind !== "same")).toHaveLength(5);
  });

  test("gives both lists back, whatever they are", () => {
    let seed = 7;
    const random = (most: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % most;
    };
    for (let round = 0; round < 300; round++) {
      const [before, after] = [0, 0].map(() => Array.from({ length: random(12) }, () => "abc"[random(3)]!));
      const parts = diffLists(before!, after!);
      const of = (kinds: string[]) => parts.flatMap(({ kind, text }) => (kinds.includes(kind) ? [text] : []));
      expect(of(["same", "before"])).toEqual(before);
      expect(of(["same", "after"])).toEqual(after);
    }
  });

  test("of long lists with nothing in common is one replaced by the other, at once", () => {
    const before = Array.from({ length: 20_000 }, (_, at) => `a${at}`);
    const after = Array.from({ length: 20_000 }, (_, at) => `b${at}`);
    const parts = diffLists(before, after);
    expect([parts.length, parts[0]?.kind, parts.at(-1)?.kind]).toEqual([40_000, "before", "after"]);
  });
});

test("equal lines far from what differs are counted", () => {
  const before = Array.from({ length: 40 }, (_, at) => `line ${at}`).join("\n");
  const folded = foldDiff(diffLines(before, before.replace("line 20", "line x")), 1);
  expect(folded.map((line) => (line.kind === "gap" ? line.count : line.text))).toEqual([
    19,
    "line 19",
    "line 20",
    "line x",
    "line 21",
    18,
  ]);
});

test("words that both texts have are told apart from the others", () => {
  expect(diffWords("runs/fourth/epoch=11.ckpt", "runs/first/epoch=4.ckpt")).toEqual([
    { text: "runs/", isCommon: true },
    { text: "first", isCommon: false },
    { text: "/epoch=", isCommon: true },
    { text: "4", isCommon: false },
    { text: ".ckpt", isCommon: true },
  ]);
});
