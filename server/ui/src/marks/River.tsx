import { useMemo } from "preact/hooks";
import type { Reach, RunState } from "../api/types";
import { meanings } from "../text/words";
import { type GlyphPiece, layOut } from "./glyph";
import { diamondPath, forkCurve, marks, mouthOf, rowScale } from "./shapes";

/** How large a river is drawn. */
export type RiverSize = "row" | "page";

/** Props of `River`. */
export type RiverProps = {
  /** Root first, the run itself last. */
  lineage: readonly Reach[];
  /** Steps at both ends; `rowScale` tells where steps lie. */
  domain: readonly [number, number];
  width: number;
  height: number;
  size?: RiverSize;
  /** Colour of the lines of a run. */
  colour: (reach: Reach) => string;
  isServerAway?: boolean;
  /** What it shows, for those who do not see it. */
  label?: string;
};

/** A lineage as one level line: own part wide, what was inherited thinner, what was pruned peeling off below. */
export function River({ lineage, domain, width, height, size = "row", colour, isServerAway, label }: RiverProps) {
  const glyph = useMemo(() => layOut(lineage), [lineage]);
  const x = rowScale(domain, width);
  const level = size === "row" ? Math.floor(height / 2) - 1 : height / 2;
  const shared = { x, y: level, lanes: marks.lanes[size], low: domain[0], size, isServerAway: isServerAway ?? false };
  return (
    <svg
      class="river-glyph"
      width={width}
      height={height}
      role={label ? "img" : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      {thinned(glyph.pieces, x, marks.diamond[size]).map((piece) => (
        <RiverPiece
          key={`${piece.kind} ${piece.reach.run_id} ${"lane" in piece ? piece.lane : ""}`}
          piece={piece}
          stroke={colour(piece.reach)}
          {...shared}
        />
      ))}
      {glyph.hidden > 0 && (
        <text class="river-count" x={width - 2} y={height - 4} text-anchor="end">
          +{glyph.hidden}
        </text>
      )}
    </svg>
  );
}

/** Leave out diamonds that would hide in one another; of several at one place the latest stays. */
function thinned(pieces: readonly GlyphPiece[], x: (step: number) => number, r: number): GlyphPiece[] {
  let next = Number.POSITIVE_INFINITY;
  const kept = [...pieces].reverse().filter((piece) => {
    if (piece.kind !== "fork") return true;
    const at = x(piece.at);
    if (at > next - r) return false;
    next = at;
    return true;
  });
  return kept.reverse();
}

/** Props of `RiverPiece`. */
export type PieceProps = {
  piece: GlyphPiece;
  stroke: string;
  x: (step: number) => number;
  y: number;
  lanes: readonly number[];
  low: number;
  size: RiverSize;
  isServerAway: boolean;
};

/** One piece of a river, as `layOut` put it. */
export function RiverPiece({ piece, stroke, x, y, lanes, low, size, isServerAway }: PieceProps) {
  switch (piece.kind) {
    case "kept": {
      const isOwn = piece.generation === 0;
      const ends = { x1: x(piece.from), x2: Math.max(x(piece.to), x(piece.from) + 0.5), y1: y, y2: y };
      return (
        <line
          class={isOwn ? "water own" : "water inherited"}
          stroke={stroke}
          stroke-width={isOwn ? marks.own[size] : inheritedWidth(size, piece.generation)}
          {...ends}
        />
      );
    }
    case "pending":
      return <path class="bed" d={`M${x(low)} ${y}H${x(piece.to)}`} />;
    case "pruned": {
      const down = lanes[piece.lane - 1] ?? 0;
      const reach = prunedReach(piece, x);
      const rest = Math.max(x(piece.to), x(piece.from) + reach);
      return (
        <path
          class="bed"
          d={`${forkCurve(x(piece.from), y, down, reach)}${rest > x(piece.from) + reach ? `H${rest}` : ""}`}
        />
      );
    }
    case "fork":
      return <path class="diamond" stroke={stroke} d={diamondPath(x(piece.at), y, marks.diamond[size])} />;
    case "end": {
      const state = piece.reach.state;
      if (piece.lane === 0)
        return (
          <MouthMark
            x={x(piece.at)}
            y={y}
            state={state}
            r={marks.mouth[size]}
            colour={stroke}
            isServerAway={isServerAway}
          />
        );
      // What a fork pruned tells its end only where that is news: it failed.
      if (state !== "failed" && size === "row") return null;
      const from = piece.reach.pruned?.[0] ?? piece.at;
      const at = Math.max(x(piece.at), x(from) + prunedReach({ from, to: piece.at }, x));
      return (
        <MouthMark
          x={at}
          y={y + (lanes[piece.lane - 1] ?? 0)}
          state={state}
          r={marks.mouth[size] * 0.65}
          colour="var(--bed)"
        />
      );
    }
  }
}

function inheritedWidth(size: RiverSize, generation: number): number {
  const { thinner, thinnest } = marks.inherited;
  return Math.max(thinnest, marks.inherited[size] * thinner ** (generation - 1));
}

/** A short tail bends sooner, so that it is not drawn longer than it is. */
function prunedReach({ from, to }: { from: number; to: number }, x: (step: number) => number): number {
  return Math.min(marks.bend.glyph, Math.max(x(to) - x(from), 4));
}

/** Props of `MouthMark`. */
export type MouthProps = { x: number; y: number; r: number; state: RunState; colour: string; isServerAway?: boolean };

/** The end of a line, by its state. */
export function MouthMark({ x, y, r, state, colour, isServerAway }: MouthProps) {
  switch (mouthOf(state, isServerAway)) {
    case "ring":
      return (
        <g class="mouth" stroke={colour}>
          <circle class="ring" cx={x} cy={y} r={r} />
          <path d={`M${x + r + 2} ${y - r}l${r} ${r}l${-r} ${r}`} />
        </g>
      );
    case "cross": {
      const arm = 0.85 * r;
      return (
        <path
          class="mouth bad"
          d={`M${x - arm} ${y - arm}l${2 * arm} ${2 * arm}M${x + arm} ${y - arm}l${-2 * arm} ${2 * arm}`}
        />
      );
    }
    case "broken":
      return <circle class="mouth ring broken" stroke={colour} cx={x} cy={y} r={0.85 * r} />;
    case "bar":
      return <path class="mouth" stroke={colour} d={`M${x} ${y - r}v${2 * r}`} />;
    case "dots":
      return (
        <g class="mouth" stroke="var(--bed)">
          <circle class="ring" cx={x} cy={y} r={r} />
          <path class="bed" d={`M${x + r + 3} ${y}h7`} />
        </g>
      );
    default:
      return <circle cx={x} cy={y} r={r} fill={colour} />;
  }
}

/** A state as its mark and its word. */
export function StateMark({ state, hasWord = true }: { state: RunState; hasWord?: boolean }) {
  return (
    <span class={state === "failed" ? "state bad" : "state"} title={state === "lost" ? meanings.lost : undefined}>
      <svg width="16" height="12" aria-hidden="true">
        <MouthMark x={6} y={6} r={2.8} state={state} colour="currentColor" />
      </svg>
      {hasWord ? (state ?? "unknown") : <span class="unseen">{state ?? "unknown"}</span>}
    </span>
  );
}
