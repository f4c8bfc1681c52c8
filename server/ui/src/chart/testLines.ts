import type { ChartLine } from "./scene";

/** Make a line for tests: y by x, with whatever differs from a plain finished run. */
export function makeLine(x: number[], y: number[], changes: Partial<ChartLine> = {}): ChartLine {
  const ys = Float64Array.from(y);
  return {
    run_id: "run-1",
    path: "train/loss",
    tag: "",
    is_clock_axis: false,
    points: x.length,
    is_raw: true,
    x: Float64Array.from(x),
    y: ys,
    raw: null,
    min: ys,
    max: ys,
    mean: ys,
    count: Float64Array.from(x, () => 1),
    roles: [{ run_id: "run-1", from_x: x[0] ?? 0, to_x: x.at(-1) ?? 0, role: "own" }],
    forks: [],
    pruned: [],
    whiskers: [],
    nonfinite: [],
    nan: 0,
    inf: 0,
    ninf: 0,
    first: x.length > 0 ? { x: x[0]!, y: y[0]! } : null,
    last: x.length > 0 ? { x: x.at(-1)!, y: y.at(-1)! } : null,
    title: "heron",
    colour: { line: "#112233", text: "#332211" },
    state: "finished",
    ...changes,
  };
}
