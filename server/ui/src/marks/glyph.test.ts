import { expect, test } from "vitest";
import type { Reach } from "../api/types";
import { layOut, MOST_GENERATIONS } from "./glyph";

function reach(run_id: string, parts: Partial<Reach>): Reach {
  return {
    run_id,
    name: run_id,
    number: 0,
    experiment: "gull",
    state: "finished",
    fork_step: null,
    last: null,
    kept: null,
    pruned: null,
    ...parts,
  };
}

/** A chain of runs: each forked ten steps before its parent's end. */
function chain(depth: number): Reach[] {
  return Array.from({ length: depth }, (_, at) => {
    const from = at === 0 ? 0 : at * 100;
    const isLast = at === depth - 1;
    return reach(`r${at}`, {
      fork_step: at === 0 ? null : from,
      kept: [from, isLast ? from + 110 : from + 100],
      pruned: isLast ? null : [from + 100, from + 110],
      last: from + 110,
    });
  });
}

test("a root and two forks are one line, two diamonds, two dry beds and one end of what is kept", () => {
  const lineage = [
    reach("root", { kept: [0, 800], pruned: [800, 1000], last: 1000 }),
    reach("one", { fork_step: 800, kept: [800, 900], pruned: [900, 1200], last: 1200 }),
    reach("two", { fork_step: 900, kept: [900, 1500], last: 1500 }),
  ];
  const { pieces, lanes, hidden } = layOut(lineage);
  expect(pieces.filter((piece) => piece.kind === "fork").map((piece) => [piece.reach.run_id, piece.at])).toEqual([
    ["one", 800],
    ["two", 900],
  ]);
  expect(pieces.filter((piece) => piece.kind === "kept").map((piece) => [piece.from, piece.to])).toEqual([
    [0, 800],
    [800, 900],
    [900, 1500],
  ]);
  expect(pieces.filter((piece) => piece.kind === "pruned")).toHaveLength(2);
  expect([lanes, hidden]).toEqual([2, 0]);
});

test("pieces are painted dry beds first, then lines, then marks", () => {
  const kinds = layOut(chain(3)).pieces.map((piece) => piece.kind);
  expect(kinds.lastIndexOf("pruned")).toBeLessThan(kinds.indexOf("kept"));
  expect(kinds.lastIndexOf("kept")).toBeLessThan(kinds.indexOf("fork"));
});

test("a lineage of 200 runs has few pieces and one line from its first to its last step", () => {
  const { pieces } = layOut(chain(200));
  const kept = pieces.filter((piece) => piece.kind === "kept");
  expect(kept).toHaveLength(MOST_GENERATIONS + 2);
  for (const [at, piece] of kept.slice(1).entries()) expect(piece.from).toBe(kept[at]!.to);
  expect([kept[0]!.from, kept.at(-1)!.to]).toEqual([0, 199 * 100 + 110]);
  expect(pieces.length).toBeLessThan(50);
});

test("what has no room below is counted", () => {
  const lineage = Array.from({ length: 5 }, (_, at) =>
    reach(`r${at}`, {
      fork_step: at === 0 ? null : at,
      kept: [at, at + 1],
      pruned: at < 4 ? [at + 1, 100] : null,
      last: 100,
    }),
  );
  expect(layOut(lineage).hidden).toBe(2);
});

test("a run without points is an end at its fork; alone it is nothing", () => {
  expect(layOut([reach("a", {})]).pieces).toEqual([]);
  const forked = layOut([reach("a", { kept: [0, 50], last: 60, pruned: [50, 60] }), reach("b", { fork_step: 50 })]);
  expect(forked.pieces.filter((piece) => piece.kind === "end" && piece.lane === 0)).toMatchObject([{ at: 50 }]);
});

test("a fork behind its parent's last point leaves no gap", () => {
  const lineage = [
    reach("a", { kept: [0, 95], last: 95 }),
    reach("b", { fork_step: 100, kept: [100, 150], last: 150 }),
  ];
  const kept = layOut(lineage).pieces.filter((piece) => piece.kind === "kept");
  expect(kept.map((piece) => [piece.from, piece.to])).toEqual([
    [0, 100],
    [100, 150],
  ]);
});

test("a fork whose parent has not arrived comes from an unknown stretch", () => {
  const { pieces } = layOut([reach("b", { fork_step: 16_000, kept: [16_000, 30_000], last: 30_000 })]);
  expect(pieces[0]).toMatchObject({ kind: "pending", to: 16_000 });
});

test("one point at one step, huge steps and steps below one are drawn like any", () => {
  for (const at of [0, 1e12 - 1, 0.000_001])
    expect(layOut([reach("a", { kept: [at, at], last: at })]).pieces).toMatchObject([
      { kind: "kept", from: at, to: at },
      { kind: "end", at },
    ]);
});
