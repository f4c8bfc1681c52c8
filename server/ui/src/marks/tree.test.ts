import { describe, expect, test } from "vitest";
import type { Reach } from "../api/types";
import {
  inTreeOrder,
  keptEnds,
  layOutTree,
  runsOfLineage,
  runsOfRows,
  sources,
  type TreeLane,
  type TreeRun,
} from "./tree";

function run(
  run_id: string,
  parent: string | null,
  fork_step: number | null,
  last: number | null,
  isTip = false,
): TreeRun {
  const first = fork_step ?? 0;
  return {
    run_id,
    number: Number(run_id.replace(/\D/g, "")) || 0,
    state: "finished",
    parent,
    fork_step,
    isPending: false,
    created: "",
    own: last === null ? null : [Math.min(first, last), last],
    isTip,
  };
}

/** A repeatable stream of numbers from 0 to 1. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

function randomFamily(seed: number): TreeRun[] {
  const random = randomness(seed);
  const count = 1 + Math.floor(random() * 24);
  const runs: TreeRun[] = [];
  for (let at = 0; at < count; at++) {
    const parent = at > 0 && random() < 0.95 ? runs[Math.floor(random() * at)]! : null;
    const grid = random() < 0.5 ? 100 : 1; // some at the very same steps
    const fork = parent ? Math.floor((random() * 1000) / grid) * grid : null;
    const last = random() < 0.15 ? null : (fork ?? 0) + Math.floor(random() * random() * 600);
    runs.push(run(`r${at}`, parent?.run_id ?? null, fork, last, random() < 0.2));
  }
  return runs;
}

const x = (step: number) => 10 + step * 0.3;
const GAP = 28;

/** Where a curve is at a height, both in pixels of the whole tree. */
function curveAt(curve: { at: number; top: number; bottom: number; reach: number }, y: number): number {
  const part = (y - curve.top) / (curve.bottom - curve.top);
  let low = 0;
  let high = 1;
  for (let round = 0; round < 40; round++) {
    const t = (low + high) / 2;
    if (3 * (1 - t) * t * t + t ** 3 < part) low = t;
    else high = t;
  }
  const t = low;
  return curve.at + curve.reach * (3 * (1 - t) ** 2 * t * 0.7 + 3 * (1 - t) * t * t * 0.25 + t ** 3);
}

function curvesOf(lanes: TreeLane[]) {
  return lanes.flatMap((lane, at) =>
    lane.curves
      .filter((curve) => curve.down === 0)
      .map((curve) => ({
        child: curve.child.run_id,
        at: x(curve.child.fork_step ?? 0),
        top: (at + curve.up) * GAP,
        bottom: at * GAP,
        reach: curve.reach,
      })),
  );
}

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);

describe("a tree of any family", () => {
  test("has every run once, parents above their children", () => {
    for (const seed of seeds) {
      const runs = randomFamily(seed);
      const ordered = inTreeOrder(runs);
      expect(ordered.map((one) => one.run_id).sort()).toEqual(runs.map((one) => one.run_id).sort());
      const places = new Map(ordered.map((one, at) => [one.run_id, at]));
      for (const [child, source] of sources(runs)) expect(places.get(source)!).toBeLessThan(places.get(child)!);
    }
  });

  test("has every fork leave at its step and arrive where the child's line begins", () => {
    for (const seed of seeds) {
      const lanes = layOutTree(inTreeOrder(randomFamily(seed)), x, 13);
      for (const curve of curvesOf(lanes)) {
        const child = lanes.find((lane) => lane.run.run_id === curve.child)!;
        expect(child.start).toBeCloseTo(curve.at + curve.reach);
        const parent = lanes[curve.top / GAP]!;
        expect(parent.forks.map((one) => one.run_id)).toContain(curve.child);
      }
      expect(curvesOf(lanes).length).toBe(lanes.filter((lane) => lane.hasParent).length);
    }
  });

  test("has slices in every lane that a curve passes", () => {
    for (const seed of seeds) {
      const lanes = layOutTree(inTreeOrder(randomFamily(seed)), x, 13);
      for (const curve of curvesOf(lanes))
        for (let at = curve.top / GAP; at <= curve.bottom / GAP; at++) {
          const slice = lanes[at]!.curves.find((one) => one.child.run_id === curve.child)!;
          expect([at + slice.up, at + slice.down]).toEqual([curve.top / GAP, curve.bottom / GAP]);
        }
    }
  });

  test("has no curve cross a line that lies between", () => {
    for (const seed of seeds) {
      const lanes = layOutTree(inTreeOrder(randomFamily(seed)), x, 13);
      for (const curve of curvesOf(lanes))
        for (let at = curve.top / GAP + 1; at < curve.bottom / GAP; at++)
          expect(curveAt(curve, at * GAP), `seed ${seed}`).toBeLessThanOrEqual(lanes[at]!.start + 1e-6);
    }
  });

  test("has no curve cross another", () => {
    for (const seed of seeds) {
      const curves = curvesOf(layOutTree(inTreeOrder(randomFamily(seed)), x, 13));
      for (const [at, one] of curves.entries())
        for (const other of curves.slice(at + 1)) {
          const top = Math.max(one.top, other.top);
          const bottom = Math.min(one.bottom, other.bottom);
          if (bottom <= top) continue;
          const sides = new Set<number>();
          for (let y = top + 1; y < bottom; y += 2) {
            const apart = curveAt(one, y) - curveAt(other, y);
            if (Math.abs(apart) > 1e-3) sides.add(Math.sign(apart));
          }
          expect(sides.size, `seed ${seed}: ${one.child} and ${other.child}`).toBeLessThanOrEqual(1);
        }
    }
  });
});

test("children stand below their parent, the latest fork first", () => {
  const runs = [run("a", null, null, 100), run("b", "a", 20, 90), run("c", "a", 60, 90), run("d", "c", 70, 90)];
  expect(inTreeOrder(runs).map((one) => one.run_id)).toEqual(["a", "c", "d", "b"]);
});

test("a fork before its parent's own fork leaves from the run whose points it took over", () => {
  const runs = [run("a", null, null, 100), run("b", "a", 50, 90), run("c", "b", 30, 80, true)];
  expect(sources(runs)).toEqual(
    new Map([
      ["b", "a"],
      ["c", "a"],
    ]),
  );
  expect(keptEnds(runs).get("a")).toBe(30);
});

test("a run is kept up to the latest fork that flows to a head", () => {
  const runs = [
    run("a", null, null, 100),
    run("b", "a", 50, 90, true),
    run("c", "a", 70, 90, true),
    run("d", "b", 60, 80),
  ];
  expect(keptEnds(runs)).toEqual(
    new Map([
      ["a", 70],
      ["b", Number.POSITIVE_INFINITY],
      ["c", Number.POSITIVE_INFINITY],
    ]),
  );
});

test("a circle of parents ends", () => {
  const runs = [run("a", "b", 5, 10, true), run("b", "a", 5, 10)];
  expect(inTreeOrder(runs).map((one) => one.run_id)).toEqual(["a", "b"]);
  expect(layOutTree(inTreeOrder(runs), x, 13)).toHaveLength(2);
});

test("an experiment that is expanded is a chain from its root to its head", () => {
  const reach = (run_id: string, fork_step: number | null, last: number): Reach => ({
    run_id,
    name: run_id,
    number: 0,
    experiment: "gull",
    state: "finished",
    fork_step,
    last,
    kept: null,
    pruned: null,
  });
  const lanes = layOutTree(runsOfLineage([reach("a", null, 100), reach("b", 40, 90), reach("c", 60, 80)]), x, 13);
  expect(lanes.map((lane) => [lane.run.parent, lane.keptTo])).toEqual([
    [null, 40],
    ["a", 60],
    ["b", Number.POSITIVE_INFINITY],
  ]);
});

test("families without a head among them are kept to their ends", () => {
  const row = (run_id: string, parent: string | null, is_head: boolean) => ({
    run_id,
    number: 0,
    state: "finished" as const,
    created: "",
    experiment: "gull",
    is_head,
    fork: parent === null ? null : { parent, step: 5, is_pending: false },
    lineage: [],
  });
  const runs = runsOfRows([
    row("other-root", null, false),
    row("root", null, false),
    row("head", "root", true),
    row("side", "root", false),
    row("filtered", "gone", false),
  ]);

  expect(runs.filter((one) => one.isTip).map((one) => one.run_id)).toEqual(["other-root", "head", "filtered"]);
});
