import { expect, test } from "vitest";
import type { Extremes, JsonNumber, Point } from "../api/types";
import { bestsOf, fateOf } from "./best";
import { member } from "./family.fixture";

function point(source_run: string, step: number, value: JsonNumber): Point {
  return { run_id: source_run, source_run, step, value, time: "", relative: null };
}

function extremes(least: Point | null, greatest: Point | null): Extremes {
  return { least, greatest, goal: null };
}

const head = extremes(point("head", 90, 0.3), point("head", 5, 2));
const family = extremes(point("old", 40, 0.1), point("head", 5, 2));

test("a better point beside the line is told, in the direction that is better", () => {
  expect(bestsOf(head, family, "min")).toEqual({ shown: head.least, beyond: family.least });
  expect(bestsOf(head, family, "max")).toEqual({ shown: head.greatest, beyond: null });
});

test("nothing is called the best where it is not known what is better", () => {
  expect(bestsOf(head, family, null)).toEqual({ shown: null, beyond: null });
});

test("a line without any value is surpassed by one that has some", () => {
  expect(bestsOf(extremes(null, null), family, "min").beyond).toEqual(family.least);
  expect(bestsOf(extremes(null, null), extremes(null, null), "min")).toEqual({ shown: null, beyond: null });
});

test("a point beyond the fork by which the experiment went on is pruned; one of another head is not", () => {
  const runs = [
    member("root"),
    member("old", { parent: "root", step: 20 }),
    member("head", { parent: "root", step: 50, is_head: true }),
    member("other", { parent: "root", step: 60, is_head: true, experiment: "tern" }),
  ];

  expect(fateOf(point("old", 30, 1), runs)).toBe("pruned");
  expect(fateOf(point("root", 61, 1), runs)).toBe("pruned");
  expect(fateOf(point("root", 55, 1), runs)).toBe("");
  expect(fateOf(point("other", 99, 1), runs)).toBe("head of tern");
});
