import { expect, test } from "vitest";
import type { Family, FamilyRun, Reach } from "../api/types";
import { branchesOf } from "./branches";

const x = (step: number) => step;

function reach(run_id: string, parts: Partial<Reach>): Reach {
  return {
    run_id,
    name: run_id,
    number: 0,
    experiment: "digits",
    state: "finished",
    fork_step: null,
    last: null,
    kept: null,
    pruned: null,
    ...parts,
  };
}

function member(
  run_id: string,
  parent: string | null,
  step: number | null,
  own: [number, number],
  is_head = false,
): FamilyRun {
  return {
    run_id,
    name: run_id,
    number: 0,
    experiment: is_head ? run_id : "digits",
    is_head,
    is_archived: false,
    state: "finished",
    created: "",
    fork: parent === null ? null : { parent, step: step!, is_pending: false },
    run_count: 1,
    run_place: 1,
    last_step: own[1],
    first_step: own[0],
    own,
    kept: null,
    pruned: null,
    is_in_lineage: false,
    is_pending: false,
    changes: [],
    marks: [],
    ended: null,
  };
}

const lineage = [
  reach("antelope", { kept: [0, 450], pruned: [450, 1250], last: 1250 }),
  reach("tern", { fork_step: 450, kept: [450, 2750], last: 2750 }),
];
const family: Family = {
  revision: 1,
  experiment: "digits",
  focus: "tern",
  lineage: ["antelope", "tern"],
  runs: [
    member("antelope", null, null, [0, 1250]),
    member("early", "antelope", 1140, [1150, 2060]),
    member("glacier", "early", 2060, [2070, 2750]),
    member("tern", "antelope", 450, [460, 2750], true),
  ],
};

test("what a fork pruned leaves the line, and what left that stands below it", () => {
  const { branches, lanes, hidden } = branchesOf(lineage, family, x, 3);
  expect(branches.map((one) => [one.run.run_id, one.source, one.lane, one.from, one.to])).toEqual([
    ["antelope", 0, 1, 450, 1250],
    ["early", 1, 2, 1140, 2060],
    ["glacier", 2, 3, 2060, 2750],
  ]);
  expect([lanes, hidden]).toEqual([3, 0]);
});

test("what has no room is counted, and so is what left it", () => {
  expect(branchesOf(lineage, family, x, 1)).toMatchObject({ lanes: 1, hidden: 2 });
});

test("branches that do not overlap share a lane", () => {
  const sides: Family = {
    ...family,
    runs: [
      member("antelope", null, null, [0, 1250]),
      member("a", "antelope", 10, [10, 60]),
      member("b", "antelope", 300, [300, 400]),
      member("c", "antelope", 320, [320, 400]),
    ],
  };
  const line = [reach("antelope", { kept: [0, 1250], last: 1250 })];
  expect(branchesOf(line, sides, x, 3).branches.map((one) => one.lane)).toEqual([1, 1, 2]);
});

test("before the family is known, what forks pruned is drawn all the same", () => {
  expect(branchesOf(lineage, null, x, 3).branches).toHaveLength(1);
});

test("a branch that heads an experiment of its own is alive", () => {
  const alive: Family = { ...family, runs: [...family.runs, member("other", "tern", 500, [500, 900], true)] };
  const { branches } = branchesOf(lineage, alive, x, 4);
  expect(branches.filter((one) => one.isAlive).map((one) => one.run.run_id)).toEqual(["other"]);
});
