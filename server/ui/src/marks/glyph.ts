import type { Reach } from "../api/types";

/** What a glyph is made of, in steps and lanes; lane 0 is the lineage, those below are what was pruned. */
export type GlyphPiece =
  | { kind: "kept"; reach: Reach; from: number; to: number; generation: number }
  | { kind: "pruned"; reach: Reach; from: number; to: number; lane: number }
  | { kind: "fork"; reach: Reach; at: number }
  | { kind: "pending"; reach: Reach; to: number }
  | { kind: "end"; reach: Reach; at: number; lane: number };
/** A lineage, laid out in one row. */
export type Glyph = { pieces: GlyphPiece[]; lanes: number; hidden: number };

/** Lanes for what was pruned that a row has room for. */
export const MOST_LANES = 2;
/** Generations above a run that are told apart; those further up are one line. */
export const MOST_GENERATIONS = 8;

/**
 * Lay out the lineage of a run, root first: it runs level, and what was pruned peels off below, in as few lanes as it needs.
 * Where there are more than two, those nearest to the run are shown, and the rest is counted. The order of the pieces is the
 * order in which they are painted.
 */
export function layOut(lineage: readonly Reach[]): Glyph {
  const pruned: GlyphPiece[] = [];
  const ends: number[] = [];
  let hidden = 0;
  for (const [above, reach] of [...lineage].reverse().entries()) {
    if (!reach.pruned) continue;
    const [from, to] = reach.pruned;
    const free = ends.findIndex((start) => to < start);
    const lane = free >= 0 ? free : ends.length;
    if (lane >= MOST_LANES || above > MOST_GENERATIONS) {
      hidden += 1;
      continue;
    }
    ends[lane] = from;
    pruned.push({ kind: "pruned", reach, from, to, lane: lane + 1 });
    pruned.push({ kind: "end", reach, at: to, lane: lane + 1 });
  }
  return { pieces: [...pruned, ...level(lineage)], lanes: ends.length, hidden };
}

/** The lineage itself: what was inherited first, then the own part, then the marks. */
function level(lineage: readonly Reach[]): GlyphPiece[] {
  const lines: GlyphPiece[] = [];
  const points: GlyphPiece[] = [];
  const first = Math.max(0, lineage.length - 1 - MOST_GENERATIONS);
  const root = lineage[0];
  if (first > 0 && root) {
    const start = lineage.slice(0, first).find((reach) => reach.kept)?.kept?.[0];
    const end = joint(lineage, first - 1);
    if (start !== undefined && end !== null)
      lines.push({ kind: "kept", reach: root, from: start, to: end, generation: MOST_GENERATIONS + 1 });
  }
  for (const [at, reach] of lineage.entries()) {
    if (at === 0 && reach.fork_step !== null) lines.push({ kind: "pending", reach, to: reach.fork_step });
    if (at < first) continue;
    const generation = lineage.length - 1 - at;
    const from = reach.fork_step ?? reach.kept?.[0];
    const to = generation === 0 ? reach.kept?.[1] : (joint(lineage, at) ?? reach.kept?.[1]);
    if (from !== undefined && to !== undefined) {
      const isOwn = generation === 0;
      if (isOwn || to >= from) lines.push({ kind: "kept", reach, from, to: Math.max(to, from), generation });
    }
    if (reach.fork_step !== null && at > 0) points.push({ kind: "fork", reach, at: reach.fork_step });
    if (generation === 0) {
      const end = reach.last ?? reach.kept?.[1] ?? reach.fork_step;
      if (end !== null && end !== undefined) points.push({ kind: "end", reach, at: end, lane: 0 });
    }
  }
  return [...lines, ...points];
}

/** Where an ancestor's part ends: at its child's fork, also where its last point lies a little before that. */
function joint(lineage: readonly Reach[], at: number): number | null {
  return lineage[at + 1]?.fork_step ?? lineage[at]?.kept?.[1] ?? null;
}
