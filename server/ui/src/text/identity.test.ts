import { expect, test } from "vitest";
import { headingOf, identityOf, placeOf } from "./identity";

const run = { name: "serene-lynx", experiment: "digits", is_head: false, run_place: 2, run_count: 4 };

test("a run is told by its experiment, which run of it this is, and its own name", () => {
  expect(headingOf(run)).toBe("digits");
  expect(placeOf(run)).toBe("run 2 of 4");
  expect(placeOf({ ...run, is_head: true, run_place: 4 })).toBe("head, run 4 of 4");
  expect(identityOf(run)).toBe("digits, run 2 of 4: serene-lynx");
});

test("the only run of an experiment and one of none need no place", () => {
  expect(placeOf({ ...run, is_head: true, run_place: 1, run_count: 1 })).toBe("its only run");
  expect(headingOf({ ...run, experiment: null })).toBe("serene-lynx");
  expect(identityOf({ ...run, experiment: null })).toBe("serene-lynx, of no experiment");
});
