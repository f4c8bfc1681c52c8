import { useMemo } from "preact/hooks";
import type { Reach, RunState } from "../api/types";
import { type GlyphPiece, layOut } from "./glyph";
import { diamondPath, forkCurve, forkReach, marks, mouthOf } from "./shapes";

/** How large a river is drawn. */
export type RiverSize = "row" | "page";

/** Props of `River`. */
export type RiverProps = {
  lineage: readonly Reach[];
  /** Steps at both ends. */
  domain: [number, number];
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
  const margin = size === "row" ? 5 : 8;
  const [low, high] = domain;
  const x = (step: number) => margin + ((step - low) / (high - low || 1)) * (width - 2 * margin);
  const lane = size === "row" ? marks.lane : 18;
  const level = glyph.lanes === 0 ? height / 2 : height / 2 - (lane * Math.min(glyph.lanes, 2)) / 3;
  return (
    <svg
      class="river-glyph"
      width={width}
      height={height}
      role={label ? "img" : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      {glyph.pieces.map((piece) => (
        <Piece
          key={`${piece.kind} ${piece.reach.run_id} ${"lane" in piece ? piece.lane : ""}`}
          piece={piece}
          x={x}
          y={level}
          lane={lane}
          size={size}
          colour={colour}
          isServerAway={isServerAway ?? false}
        />
      ))}
      {glyph.hidden > 0 && (
        <text class="river-count" x={width - margin} y={height - 2} text-anchor="end">
          +{glyph.hidden}
        </text>
      )}
    </svg>
  );
}

type PieceProps = {
  piece: GlyphPiece;
  x: (step: number) => number;
  y: number;
  lane: number;
  size: RiverSize;
  colour: (reach: Reach) => string;
  isServerAway: boolean;
};

function Piece({ piece, x, y, lane, size, colour, isServerAway }: PieceProps) {
  switch (piece.kind) {
    case "kept": {
      const isOwn = piece.generation === 0;
      const width = isOwn
        ? marks.own[size]
        : Math.max(1, marks.inherited[size] * marks.inherited.thinner ** (piece.generation - 1));
      const ends = { x1: x(piece.from), x2: Math.max(x(piece.to), x(piece.from) + 0.5), y1: y, y2: y };
      return (
        <line
          class={isOwn ? "water own" : "water inherited"}
          stroke={colour(piece.reach)}
          stroke-width={width}
          {...ends}
        />
      );
    }
    case "pruned": {
      const below = y + piece.lane * lane;
      const reach = Math.min(forkReach(piece.lane * lane), Math.max(x(piece.to) - x(piece.from), 1));
      const rest = Math.max(x(piece.to), x(piece.from) + reach);
      return (
        <path
          class="bed"
          d={`${forkCurve(x(piece.from), y, piece.lane * lane)}M${x(piece.from) + reach} ${below}H${rest}`}
        />
      );
    }
    case "fork":
      return <path class="diamond" stroke={colour(piece.reach)} d={diamondPath(x(piece.at), y, marks.diamond[size])} />;
    case "end": {
      const isPruned = piece.lane > 0;
      const state = piece.reach.state;
      const at = isPruned
        ? Math.max(x(piece.at), x(piece.reach.pruned?.[0] ?? piece.at) + forkReach(piece.lane * lane))
        : x(piece.at);
      if (isPruned && state === "finished") return null;
      return (
        <MouthMark
          x={at}
          y={y + piece.lane * lane}
          state={state}
          r={marks.mouth[size] * (isPruned ? 0.85 : 1)}
          colour={isPruned ? "var(--bed)" : colour(piece.reach)}
          isServerAway={isServerAway}
        />
      );
    }
  }
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
    case "cross":
      return <path class="mouth bad" d={`M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l${-2 * r} ${2 * r}`} />;
    case "broken":
      return <circle class="mouth ring broken" stroke={colour} cx={x} cy={y} r={r} />;
    case "bar":
      return <path class="mouth" stroke={colour} d={`M${x} ${y - r - 1}v${2 * r + 2}`} />;
    case "dots":
      return (
        <g class="mouth" stroke="var(--bed)">
          <circle class="ring" cx={x} cy={y} r={r} />
          <path class="bed" d={`M${x + r + 2} ${y}h${3 * r}`} />
        </g>
      );
    default:
      return <circle cx={x} cy={y} r={r} fill={colour} />;
  }
}

/** A state as its mark and its word. */
export function StateMark({ state, hasWord = true }: { state: RunState; hasWord?: boolean }) {
  return (
    <span class={state === "failed" ? "state bad" : "state"}>
      <svg width="16" height="12" aria-hidden="true">
        <MouthMark x={6} y={6} r={2.8} state={state} colour="currentColor" />
      </svg>
      {hasWord ? (state ?? "unknown") : <span class="unseen">{state ?? "unknown"}</span>}
    </span>
  );
}
