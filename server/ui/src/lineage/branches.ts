import type { Family, FamilyRun, Reach } from "../api/types";
import { describe, sources } from "../marks/tree";

/** What left the line of a run: what a fork pruned of it, or another run. */
export type Branch = {
  run: { run_id: string; name: string; number: number; state: FamilyRun["state"] };
  /** First and last step. */
  from: number;
  to: number;
  /** Lane below the line, from 1. */
  lane: number;
  /** Lane that it leaves, 0 is the line itself. */
  source: number;
  /** Whether it is a run of its own and not the rest of one that is on the line. */
  isRun: boolean;
  /** Whether an experiment goes on with it. */
  isAlive: boolean;
};
/** What stands below the line of a run. */
export type Branches = { branches: Branch[]; lanes: number; hidden: number };

type Item = Omit<Branch, "lane" | "source"> & { key: string; above: string | null };

/**
 * Put what left the line of a run below it, in as few lanes as there is room for.
 *
 * @param lineage the line: root first
 * @param family all runs of the family; null while it is not known
 * @param x where steps lie
 * @param most lanes there is room for; what needs more is counted
 */
export function branchesOf(
  lineage: readonly Reach[],
  family: Family | null,
  x: (step: number) => number,
  most: number,
): Branches {
  const items = [...tails(lineage), ...sideRuns(lineage, family)];
  const lanesOf = new Map<string, number>();
  const ends: { from: number; to: number }[][] = [];
  const branches: Branch[] = [];
  let hidden = 0;
  for (const { key, above, ...item } of items) {
    const source = above === null ? 0 : lanesOf.get(above);
    const span = { from: x(item.from), to: Math.max(x(item.to), x(item.from) + 16) + 14 + 6.5 * nameLength(item) };
    let lane = (source ?? most) + 1;
    while (lane <= most && ends[lane]?.some((other) => span.from < other.to && other.from < span.to)) lane += 1;
    if (source === undefined || lane > most) {
      hidden += 1;
      continue;
    }
    ends[lane] = [...(ends[lane] ?? []), span];
    lanesOf.set(key, lane);
    branches.push({ ...item, lane, source });
  }
  return { branches, lanes: Math.max(0, ...branches.map((one) => one.lane)), hidden };
}

function nameLength(item: { isRun: boolean; run: { name: string } }): number {
  return item.isRun ? Math.min(item.run.name.length, 24) : 0;
}

/** What forks pruned of the runs on the line, the latest first: so that earlier ones, which are longer, lie below. */
function tails(lineage: readonly Reach[]): Item[] {
  return [...lineage].reverse().flatMap((reach) =>
    reach.pruned
      ? [
          {
            key: reach.run_id,
            above: null,
            run: reach,
            from: reach.pruned[0],
            to: reach.pruned[1],
            isRun: false,
            isAlive: false,
          },
        ]
      : [],
  );
}

function sideRuns(lineage: readonly Reach[], family: Family | null): Item[] {
  if (!family) return [];
  const onLine = new Map(lineage.map((reach) => [reach.run_id, reach]));
  const runs = describe(family.runs, (run) => run.own);
  const source = sources(runs);
  const members = new Map(family.runs.map((run) => [run.run_id, run]));
  return runs.flatMap((run) => {
    const member = members.get(run.run_id)!;
    const above = source.get(run.run_id);
    if (onLine.has(run.run_id) || above === undefined || run.fork_step === null) return [];
    const reach = onLine.get(above);
    const isOnLine = reach !== undefined && (reach.kept === null || run.fork_step <= reach.kept[1]);
    return [
      {
        key: run.run_id,
        above: isOnLine ? null : above,
        run: member,
        from: run.fork_step,
        to: Math.max(run.own?.[1] ?? run.fork_step, run.fork_step),
        isRun: true,
        isAlive: run.isTip,
      },
    ];
  });
}
