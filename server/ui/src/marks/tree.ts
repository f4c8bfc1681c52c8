import type { Fork, Reach, Row, RunState, StepRange } from "../api/types";

/** A run as the tree draws it: a lane on one scale of steps. */
export type TreeRun = {
  run_id: string;
  number: number;
  state: RunState;
  /** Also of a fork whose parent has not arrived. */
  parent: string | null;
  fork_step: number | null;
  /** Its parent has not arrived. */
  isPending: boolean;
  created: string;
  /** First and last step of its own; null without points. */
  own: StepRange | null;
  /** The head of an experiment, or of no experiment and without children: what flows to it is kept. */
  isTip: boolean;
};

/** A curve from a parent's lane to a child's, as one lane sees it. */
export type TreeCurve = {
  child: TreeRun;
  /** Whether anything of the child is kept. */
  isKept: boolean;
  /** Lanes from this one to the parent's (0 or negative) and to the child's (0 or positive). */
  up: number;
  down: number;
  /** How far to the right it reaches, in pixels. */
  reach: number;
};

/** One lane of a tree. */
export type TreeLane = {
  run: TreeRun;
  /** Up to which step the run is kept; null: it lies beside all that is kept. */
  keptTo: number | null;
  /** Whether its parent has a lane. */
  hasParent: boolean;
  /** Where its own line begins, in pixels. */
  start: number;
  /** All curves that leave, pass or arrive here. */
  curves: TreeCurve[];
  /** Children, each with a diamond on this lane. */
  forks: TreeRun[];
};

/** Return the own steps of a run that a lineage ends with. */
function ownSteps(reach: Reach | undefined): StepRange | null {
  if (!reach || reach.last === null) return null;
  const first = reach.fork_step ?? reach.kept?.[0] ?? reach.pruned?.[0] ?? reach.last;
  return [Math.min(first, reach.last), reach.last];
}

/** Return the runs of an experiment that is expanded: its lineage, root first. */
export function runsOfLineage(lineage: readonly Reach[]): TreeRun[] {
  return lineage.map((reach, at) => ({
    run_id: reach.run_id,
    number: reach.number,
    state: reach.state,
    parent: lineage[at - 1]?.run_id ?? null,
    fork_step: reach.fork_step,
    isPending: at === 0 && reach.fork_step !== null,
    created: "",
    own: ownSteps(reach),
    isTip: at === lineage.length - 1,
  }));
}

// Curves of runs that are shorter than this on the screen.
const SHORTEST = 4;

/** What the tree needs to know of a run; rows of the table and members of a family have it. */
export type Described = Pick<Row, "run_id" | "number" | "state" | "created" | "experiment" | "is_head"> & {
  fork: Fork | null;
};

/** Return runs of any families, in the order in which they come. */
export function runsOfRows(rows: readonly (Described & { lineage: readonly Reach[] })[]): TreeRun[] {
  return withTips(describe(rows, (row) => ownSteps(row.lineage.at(-1))));
}

/**
 * Where none of a family is a tip, as of a second root of the same name or where a filter left out the head, nothing is known
 * to have pruned it: then its runs without children are tips.
 */
function withTips(runs: readonly TreeRun[]): TreeRun[] {
  const byId = new Map(runs.map((run) => [run.run_id, run]));
  const parents = new Set(runs.map((run) => run.parent));
  const rootOf = (run: TreeRun): string => {
    const seen = new Set<string>();
    let root = run;
    for (let above: TreeRun | undefined = run; above && !seen.has(above.run_id); ) {
      seen.add(above.run_id);
      root = above;
      above = above.parent === null ? undefined : byId.get(above.parent);
    }
    return root.run_id;
  };
  const roots = new Map(runs.map((run) => [run.run_id, rootOf(run)]));
  const kept = new Set(runs.filter((run) => run.isTip).map((run) => roots.get(run.run_id)));
  return runs.map((run) =>
    run.isTip || kept.has(roots.get(run.run_id)) || parents.has(run.run_id) ? run : { ...run, isTip: true },
  );
}

/** Return runs whose own steps are known otherwise. */
export function describe<T extends Described>(rows: readonly T[], own: (row: T) => StepRange | null): TreeRun[] {
  const parents = new Set(rows.map((row) => row.fork?.parent));
  return rows.map((row) => ({
    run_id: row.run_id,
    number: row.number,
    state: row.state,
    parent: row.fork?.parent ?? null,
    fork_step: row.fork?.step ?? null,
    isPending: row.fork?.is_pending ?? false,
    created: row.created,
    own: own(row),
    isTip: row.is_head || (row.experiment === null && !parents.has(row.run_id)),
  }));
}

/**
 * Return the run on whose lane each fork is drawn: its parent, but where the fork's step lies at or before the parent's own
 * fork, the ancestor whose points it took over. Runs whose parents are not among them are left out.
 */
export function sources(runs: readonly TreeRun[]): Map<string, string> {
  const byId = new Map(runs.map((run) => [run.run_id, run]));
  const found = new Map<string, string>();
  for (const run of runs) {
    const seen = new Set([run.run_id]);
    let source = run.parent === null ? undefined : byId.get(run.parent);
    while (source && !seen.has(source.run_id)) {
      seen.add(source.run_id);
      const above = source.parent === null ? undefined : byId.get(source.parent);
      const isOwn = (run.fork_step ?? 0) > (source.fork_step ?? Number.NEGATIVE_INFINITY);
      if (isOwn || !above) {
        found.set(run.run_id, source.run_id);
        break;
      }
      source = above;
    }
  }
  return found;
}

/**
 * Put families together: depth first, of several children the latest fork first, so that no curve crosses another or a line.
 * Roots, and runs whose parents are not among them, stay in their order.
 */
export function inTreeOrder(runs: readonly TreeRun[]): TreeRun[] {
  const source = sources(runs);
  const children = new Map<string, TreeRun[]>();
  const roots: TreeRun[] = [];
  for (const run of runs) {
    const above = source.get(run.run_id);
    if (above === undefined) roots.push(run);
    else children.set(above, [...(children.get(above) ?? []), run]);
  }
  const ordered: TreeRun[] = [];
  const waiting = [...roots].reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    ordered.push(next);
    waiting.push(...(children.get(next.run_id) ?? []).sort(laterForkLast));
  }
  return ordered;
}

function laterForkLast(one: TreeRun, other: TreeRun): number {
  return (
    (one.fork_step ?? 0) - (other.fork_step ?? 0) ||
    other.created.localeCompare(one.created) ||
    other.number - one.number
  );
}

/** Return up to which step each run is kept, by what flows to the tips; runs that nothing of is kept of are left out. */
export function keptEnds(runs: readonly TreeRun[]): Map<string, number> {
  const byId = new Map(runs.map((run) => [run.run_id, run]));
  const ends = new Map<string, number>();
  for (const tip of runs) {
    if (!tip.isTip) continue;
    let limit = Number.POSITIVE_INFINITY;
    const seen = new Set<string>();
    for (let run: TreeRun | undefined = tip; run && !seen.has(run.run_id); ) {
      seen.add(run.run_id);
      ends.set(run.run_id, Math.max(ends.get(run.run_id) ?? Number.NEGATIVE_INFINITY, limit));
      limit = Math.min(limit, run.fork_step ?? limit);
      run = run.parent === null ? undefined : byId.get(run.parent);
    }
  }
  return ends;
}

/**
 * Lay out runs that stand below each other, as `inTreeOrder` or the server's order "lineage" put them.
 *
 * @param x where steps lie
 * @param bend how far a curve reaches to the right where there is room
 */
export function layOutTree(runs: readonly TreeRun[], x: (step: number) => number, bend: number): TreeLane[] {
  const kept = keptEnds(runs);
  const source = sources(runs);
  const firstForks = new Map<string, number>();
  for (const run of runs) {
    const above = source.get(run.run_id);
    if (above !== undefined)
      firstForks.set(above, Math.min(firstForks.get(above) ?? Number.POSITIVE_INFINITY, x(run.fork_step ?? 0)));
  }
  const places = new Map<string, number>();
  const lanes: TreeLane[] = [];
  const lefts: number[] = []; // where the leftmost thing of each lane lies
  for (const [at, run] of runs.entries()) {
    const place = places.get(source.get(run.run_id) ?? "");
    places.set(run.run_id, at);
    const firstFork = firstForks.get(run.run_id) ?? Number.POSITIVE_INFINITY;
    const leaves = x(run.fork_step ?? run.own?.[0] ?? 0);
    const length = run.own === null ? SHORTEST : Math.max(x(run.own[1]) - leaves, SHORTEST);
    const reach =
      place === undefined
        ? 0
        : Math.min(
            bend,
            length,
            Math.max(firstFork - leaves, SHORTEST),
            ...lefts.slice(place + 1).map((left) => Math.max(left - leaves, 0)),
          );
    const lane: TreeLane = {
      run,
      keptTo: kept.get(run.run_id) ?? null,
      hasParent: place !== undefined,
      start: leaves + reach,
      curves: [],
      forks: [],
    };
    lanes.push(lane);
    lefts.push(Math.min(lane.start, firstFork));
    if (place === undefined) continue;
    lanes[place]!.forks.push(run);
    for (let one = place; one <= at; one++)
      lanes[one]!.curves.push({ child: run, isKept: lane.keptTo !== null, up: place - one, down: at - one, reach });
  }
  return lanes;
}
