import type { Reach } from "../api/types";

/** What a glyph is made of, in steps and lanes; lane 0 is the lineage, those below are what was pruned. */
export type GlyphPiece =
  | { kind: "kept"; reach: Reach; from: number; to: number; generation: number }
  | { kind: "pruned"; reach: Reach; from: number; to: number; lane: number }
  | { kind: "fork"; reach: Reach; at: number }
  | { kind: "end"; reach: Reach; at: number; lane: number };
/** A lineage, laid out in one row. */
export type Glyph = { pieces: GlyphPiece[]; lanes: number; hidden: number };

/** Lanes for what was pruned that a row has room for. */
export const MOST_LANES = 2;

/**
 * Lay out the lineage of a run: it runs level, and what was pruned peels off below, in as few lanes as it needs. Where there are
 * more than two, those nearest to the run are shown, and the rest is counted.
 */
export function layOut(lineage: readonly Reach[]): Glyph {
  const pieces: GlyphPiece[] = [];
  const pruned: GlyphPiece[] = [];
  const ends: number[] = [];
  let hidden = 0;
  for (const [at, reach] of [...lineage.entries()].reverse()) {
    const generation = lineage.length - 1 - at;
    if (reach.kept) pieces.push({ kind: "kept", reach, from: reach.kept[0], to: reach.kept[1], generation });
    if (reach.fork_step !== null && at > 0) pieces.push({ kind: "fork", reach, at: reach.fork_step });
    if (generation === 0 && reach.last !== null) pieces.push({ kind: "end", reach, at: reach.last, lane: 0 });
    if (!reach.pruned) continue;
    const [from, to] = reach.pruned;
    const free = ends.findIndex((start) => to < start);
    const lane = free >= 0 ? free : ends.length;
    if (lane >= MOST_LANES) {
      hidden += 1;
      continue;
    }
    ends[lane] = from;
    pruned.push({ kind: "pruned", reach, from, to, lane: lane + 1 });
    pruned.push({ kind: "end", reach, at: to, lane: lane + 1 });
  }
  return { pieces: [...pruned, ...pieces], lanes: ends.length, hidden };
}
