import type { FamilyRun } from "../api/types";
import { inTreeOrder, layOutTree, sources, type TreeLane, type TreeRun } from "../marks/tree";

/** A lane of the lineage page: a run, or a chain of them that is folded into one. */
export type Entry = {
  /** Stays the same while runs come and go. */
  key: string;
  lane: TreeLane;
  run: FamilyRun;
  /** The runs of a folded chain, from its first; empty for a run by itself. */
  folded: FamilyRun[];
};

/** Chains are folded in families that have more lanes than this. */
export const ROOMY = 16;
const LEAST_FOLDED = 4;

/** What `layOutEntries` is given. */
export type EntriesAsked = {
  family: readonly FamilyRun[];
  /** The same runs, as they stood at the moment that is shown. */
  standing: readonly TreeRun[];
  x: (step: number) => number;
  bend: number;
  /** Runs that are never folded: heads are not, either. */
  keeps: ReadonlySet<string>;
  /** Chains that the reader unfolded, by their first run. */
  unfolded: ReadonlySet<string>;
  hidesPruned: boolean;
};

/** Put a family into lanes: in the tree's order, long chains folded, and what no head keeps left out where it is hidden. */
export function layOutEntries(asked: EntriesAsked): Entry[] {
  const members = new Map(asked.family.map((run) => [run.run_id, run]));
  const ordered = inTreeOrder(asked.standing);
  const chains = ordered.length > ROOMY ? chainsOf(ordered, asked.keeps, asked.unfolded) : new Map<string, TreeRun[]>();
  const inner = new Map(
    [...chains].flatMap(([first, runs]) => runs.slice(1).map((run) => [run.run_id, first] as const)),
  );
  const shown = ordered
    .filter((run) => !inner.has(run.run_id))
    .map((run) => folded(run, chains.get(run.run_id), inner));
  const lanes = layOutTree(shown, asked.x, asked.bend);
  const visible = asked.hidesPruned
    ? layOutTree(
        lanes.filter((lane) => lane.keptTo !== null).map((lane) => lane.run),
        asked.x,
        asked.bend,
      )
    : lanes;
  return visible.map((lane) => ({
    key: lane.run.run_id,
    lane,
    run: members.get(lane.run.run_id)!,
    folded: (chains.get(lane.run.run_id) ?? []).map((run) => members.get(run.run_id)!),
  }));
}

/** A chain as one run: it begins as its first does and ends as its last. */
function folded(run: TreeRun, chain: readonly TreeRun[] | undefined, inner: ReadonlyMap<string, string>): TreeRun {
  const parent = run.parent === null ? null : (inner.get(run.parent) ?? run.parent);
  if (!chain) return { ...run, parent };
  const last = chain.at(-1)!;
  const ends = chain.flatMap((one) => one.own?.[1] ?? []);
  const starts = chain.flatMap((one) => one.own?.[0] ?? []);
  return {
    ...run,
    parent,
    state: last.state,
    own: ends.length > 0 ? [Math.min(...starts), Math.max(...ends)] : null,
  };
}

/** Runs that follow each other, each the only one that left the one before it; by the first of each chain. */
function chainsOf(
  ordered: readonly TreeRun[],
  keeps: ReadonlySet<string>,
  unfolded: ReadonlySet<string>,
): Map<string, TreeRun[]> {
  const source = sources(ordered);
  const counts = new Map<string, number>();
  for (const above of source.values()) counts.set(above, (counts.get(above) ?? 0) + 1);
  const isLink = (run: TreeRun) =>
    source.has(run.run_id) && !run.isTip && !keeps.has(run.run_id) && counts.get(run.run_id) === 1;
  const chains = new Map<string, TreeRun[]>();
  let chain: TreeRun[] = [];
  const close = () => {
    const first = chain[0];
    if (first && chain.length >= LEAST_FOLDED && !unfolded.has(first.run_id)) chains.set(first.run_id, chain);
    chain = [];
  };
  for (const run of ordered) {
    const follows = chain.length > 0 && source.get(run.run_id) === chain.at(-1)!.run_id;
    if (!follows) close();
    if (isLink(run)) chain.push(run);
    else close();
  }
  close();
  return chains;
}

/** Return the runs from a run up to its root, by the parents that are known. */
export function ancestry(family: readonly FamilyRun[], runId: string): Set<string> {
  const members = new Map(family.map((run) => [run.run_id, run]));
  const found = new Set<string>();
  let run = members.get(runId);
  while (run && !found.has(run.run_id)) {
    found.add(run.run_id);
    run = run.fork ? members.get(run.fork.parent) : undefined;
  }
  return found;
}

/** Heights of lanes, px: the largest is taken with which all lanes fit, else one at which rivers and curves can be read. */
const HEIGHTS = [168, 148, 128, 108, 92];
const COMPACT = 72;
const MANY = 20;

/** Return how high each of some lanes is in the height that there is. */
export function laneHeight(count: number, height: number): number {
  const fitting = HEIGHTS.find((one) => one * count <= height);
  return fitting ?? (count > MANY ? COMPACT : HEIGHTS.at(-1)!);
}
