import type { FamilyRun } from "../api/types";

/** A run of a family, for tests. */
export function member(run_id: string, parts: Partial<FamilyRun> & { parent?: string; step?: number } = {}): FamilyRun {
  const { parent, step, ...rest } = parts;
  return {
    run_id,
    name: run_id,
    number: 0,
    experiment: "gull",
    is_head: false,
    is_archived: false,
    state: "finished",
    created: "2026-11-25T10:00:00Z",
    fork: parent === undefined ? null : { parent, step: step ?? 0, is_pending: false },
    run_count: 1,
    run_place: 1,
    last_step: null,
    first_step: null,
    own: [step ?? 0, (step ?? 0) + 100],
    kept: null,
    pruned: null,
    is_in_lineage: false,
    is_pending: false,
    changes: [],
    marks: [],
    ended: null,
    ...rest,
  };
}

/** A line of points, for tests. */
export function lineOf(x: number[], y: number[]): import("../api/frames").Line {
  const array = (values: number[]) => Float64Array.from(values);
  return {
    run_id: "r",
    path: "loss",
    tag: "",
    is_clock_axis: false,
    points: x.length,
    is_raw: true,
    x: array(x),
    y: array(y),
    raw: null,
    min: array(y),
    max: array(y),
    mean: array(y),
    count: array(x.map(() => 1)),
    roles: [],
    forks: [],
    pruned: [],
    whiskers: [],
    nonfinite: [],
    nan: 0,
    inf: 0,
    ninf: 0,
    first: null,
    last: null,
  };
}
