import { expect, test } from "vitest";
import { keptEnds } from "../marks/tree";
import { member } from "./family.fixture";
import { creations, runningAt, secondsOf, standingAt } from "./moment";

const at = (minutes: number) => `2026-11-25T10:${String(minutes).padStart(2, "0")}:00Z`;
const family = [
  member("root", { created: at(0), ended: at(9), state: "lost" }),
  member("early", { parent: "root", step: 60, created: at(10), ended: at(19) }),
  member("late", { parent: "root", step: 30, created: at(20), ended: at(29), is_head: true }),
];

test("now, the family is what the server says", () => {
  const { runs, later } = standingAt(family, null);
  expect(runs.filter((run) => run.isTip).map((run) => run.run_id)).toEqual(["late"]);
  expect(later.size).toBe(0);
});

test("before a fork, the head and what it kept were others", () => {
  const { runs, later } = standingAt(family, secondsOf(at(12)));
  expect(runs.filter((run) => run.isTip).map((run) => run.run_id)).toEqual(["early"]);
  expect([...later]).toEqual(["late"]);
  expect(keptEnds(runs).get("root")).toBe(60);
});

test("a run that ended later was running then", () => {
  const { states } = standingAt(family, secondsOf(at(12)));
  expect([states.get("root"), states.get("early")]).toEqual(["lost", "running"]);
});

test("a run that ran then is as long as it was then", () => {
  const running = runningAt(family, secondsOf(at(12)));
  expect(running).toEqual(["early"]);
  const { runs } = standingAt(family, secondsOf(at(12)), new Map([["early", 75]]));
  expect(runs.map((run) => run.own)).toEqual([
    [0, 100],
    [60, 75],
    [30, 130],
  ]);
  const none = standingAt(family, secondsOf(at(12)), new Map([["early", Number.NEGATIVE_INFINITY]]));
  expect(none.runs[1]!.own).toBeNull();
  expect(standingAt(family, secondsOf(at(12)), new Map()).runs[1]!.own).toEqual([60, 160]);
});

test("the moment at which a run began shows it", () => {
  expect([...standingAt(family, secondsOf(at(10))).later]).toEqual(["late"]);
});

test("a run of another experiment that came later is no head of this one", () => {
  const other = [...family, member("side", { parent: "root", step: 10, created: at(11), experiment: "tern" })];
  const tips = standingAt(other, secondsOf(at(12))).runs.filter((run) => run.isTip);
  expect(tips.map((run) => run.run_id).sort()).toEqual(["early", "side"]);
});

test("creations are in order, whatever the order of the runs", () => {
  expect(creations([...family].reverse()).map((one) => one.run.run_id)).toEqual(["root", "early", "late"]);
});
