import { expect, test } from "vitest";
import { describe } from "../marks/tree";
import { member } from "./family.fixture";
import { ancestry, laneHeight, layOutEntries, ROOMY } from "./lanes";

const chain = Array.from({ length: 40 }, (_, at) =>
  at === 0
    ? member("r0", { own: [0, 100] })
    : member(`r${at}`, { parent: `r${at - 1}`, step: 90 * at, own: [90 * at, 90 * at + 100], is_head: at === 39 }),
);

function entries(family = chain, parts: { keeps?: string[]; unfolded?: string[]; hidesPruned?: boolean } = {}) {
  return layOutEntries({
    family,
    standing: describe(family, (run) => run.own),
    x: (step) => step,
    bend: 30,
    keeps: new Set(parts.keeps),
    unfolded: new Set(parts.unfolded),
    hidesPruned: parts.hidesPruned ?? false,
  });
}

test("a long chain of runs is one lane, between its first and its head", () => {
  const found = entries();
  expect(found.map((entry) => entry.key)).toEqual(["r0", "r1", "r39"]);
  expect(found[1]!.folded.map((run) => run.run_id)).toEqual(chain.slice(1, 39).map((run) => run.run_id));
  expect(found[1]!.lane.run.own).toEqual([90, 90 * 38 + 100]);
  expect(found[2]!.lane.hasParent).toBe(true);
});

test("a folded chain is kept up to where its last run was left", () => {
  expect(entries()[1]!.lane.keptTo).toBe(90 * 39);
});

test("what is selected is not folded, and what the reader unfolded stays so", () => {
  expect(entries(chain, { keeps: ["r20"] }).map((entry) => entry.key)).toEqual(["r0", "r1", "r20", "r21", "r39"]);
  expect(entries(chain, { unfolded: ["r1"] })).toHaveLength(40);
});

test("a family that has room is not folded", () => {
  expect(entries(chain.slice(0, ROOMY))).toHaveLength(ROOMY);
});

test("where pruned runs are hidden, only what flows to a head has a lane", () => {
  const family = [
    member("root"),
    member("dry", { parent: "root", step: 80 }),
    member("head", { parent: "root", step: 40, is_head: true }),
  ];
  expect(entries(family).map((entry) => entry.key)).toEqual(["root", "dry", "head"]);
  expect(entries(family, { hidesPruned: true }).map((entry) => entry.key)).toEqual(["root", "head"]);
});

test("the ancestry of a run goes up to its root, and ends in a circle", () => {
  expect([...ancestry(chain, "r2")]).toEqual(["r2", "r1", "r0"]);
  const circle = [member("a", { parent: "b" }), member("b", { parent: "a" })];
  expect([...ancestry(circle, "a")]).toEqual(["a", "b"]);
});

test("lanes are as high as fits, and never too low to read", () => {
  expect(laneHeight(2, 700)).toBe(168);
  expect(laneHeight(5, 600)).toBe(108);
  expect(laneHeight(12, 600)).toBe(92);
  expect(laneHeight(200, 600)).toBe(72);
});
