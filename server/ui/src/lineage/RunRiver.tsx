import "./lineage.css";
import { useMemo, useRef } from "preact/hooks";
import type { Family, Reach, Row, RunValues } from "../api/types";
import { stepTicks } from "../chart/ticks";
import { useWidth } from "../controls/width";
import { layOut } from "../marks/glyph";
import { MouthMark, RiverPiece } from "../marks/River";
import { diamondPath, forkCurve, marks } from "../marks/shapes";
import { hrefNow, place } from "../state/address";
import { connection } from "../state/live";
import { colourOf } from "../state/theme";
import { formatStep } from "../text/format";
import { type Branch, branchesOf } from "./branches";
import { drawnMarks, marksOnLine, RiverMarks } from "./RiverMarks";

const LEVEL = 30;
const LANE = 18;
const MOST_LANES = 3;
const MARGIN = 8;

/** The river of a run's header: its line with the checkpoints that one can fork from, and what left it, below. */
export function RunRiver({ found, family }: { found: RunValues; family: Family | null }) {
  const { run } = found;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  return (
    <div class="run-river" ref={box}>
      {width > 0 && <Drawn found={found} run={run} family={family} width={width} />}
    </div>
  );
}

type DrawnProps = { found: RunValues; run: Row; family: Family | null; width: number };

function Drawn({ found, run, family, width }: DrawnProps) {
  const { lineage } = run;
  const [low, high] = useMemo(() => domainOf(lineage, family), [lineage, family]);
  const x = (step: number) => MARGIN + ((step - low) / (high - low || 1)) * (width - 2 * MARGIN - 12);
  const glyph = useMemo(() => layOut(lineage), [lineage]);
  const below = useMemo(() => branchesOf(lineage, family, x, MOST_LANES), [lineage, family, low, high, width]);
  const points = useMemo(() => marksOnLine(lineage, family), [lineage, family]);
  const bottom = LEVEL + LANE * below.lanes + 16;
  const colour = (one: Reach) => colourOf(one).line;
  const ticks = stepTicks([low, high], Math.max(2, Math.floor(width / 160))).at.filter(
    (step) => Number.isInteger(step) || !Number.isInteger(high),
  );
  return (
    <>
      <svg
        width={width}
        height={bottom + 18}
        role="group"
        aria-label={`Lineage of ${run.name}: ${lineage.map((reach) => reach.name).join(", ")}`}
      >
        {ticks.map((step) => (
          <g key={step}>
            <path class="grid" d={`M${Math.round(x(step)) + 0.5} 4V${bottom}`} />
            <text x={x(step)} y={bottom + 14} text-anchor={x(step) < 20 ? "start" : "middle"}>
              {formatStep(step)}
            </text>
          </g>
        ))}
        {below.branches.map((branch) => (
          <BranchLine key={`${branch.run.run_id} ${branch.isRun}`} branch={branch} x={x} width={width} />
        ))}
        {glyph.pieces
          .filter((piece) => piece.kind !== "pruned" && !(piece.kind === "end" && piece.lane > 0))
          .map((piece) => (
            <RiverPiece
              key={`${piece.kind} ${piece.reach.run_id}`}
              piece={piece}
              stroke={colour(piece.reach)}
              x={x}
              y={LEVEL}
              lanes={[]}
              low={low}
              size="page"
              isServerAway={connection.value === "away"}
            />
          ))}
        {drawnMarks(points, x).map((mark) => (
          <path
            key={`${mark.run_id} ${mark.mark_id}`}
            class="tick"
            stroke={mark.stroke}
            d={`M${x(mark.step)} ${LEVEL - marks.tick.gap}v${-marks.tick.height - 1}`}
          />
        ))}
        <AncestorNames lineage={lineage} x={x} />
        {below.hidden > 0 && (
          <text x={width - MARGIN} y={bottom - 2} text-anchor="end">
            and {below.hidden} more
          </text>
        )}
      </svg>
      {points.length > 0 && <RiverMarks found={found} points={points} x={x} width={width} />}
    </>
  );
}

/** From the first step to the last of the line; branches that go on much further leave the picture. */
function domainOf(lineage: readonly Reach[], family: Family | null): [number, number] {
  const lasts = lineage.map((reach) => reach.last ?? reach.fork_step ?? 0);
  const first = Math.min(...lineage.flatMap((reach) => reach.kept?.[0] ?? []), ...lasts);
  const own = Math.max(...lasts);
  const all = Math.max(own, ...(family?.runs ?? []).map((run) => run.own?.[1] ?? 0));
  const high = own > 0 ? Math.min(all, 1.25 * own) : all;
  return [first > high / 2 && first > 100 ? first : 0, high > 0 ? high : 1];
}

function AncestorNames({ lineage, x }: { lineage: readonly Reach[]; x: (step: number) => number }) {
  return (
    <>
      {lineage.slice(0, -1).map((reach, at) => {
        const from = x(reach.fork_step ?? reach.kept?.[0] ?? 0);
        const to = x(lineage[at + 1]?.fork_step ?? reach.kept?.[1] ?? 0);
        if (to - from < 7 * reach.name.length + 8) return null;
        return (
          <a key={reach.run_id} href={runHref(reach.run_id)}>
            <text class="name" x={from + 4} y={LEVEL - 11} style={{ fill: colourOf(reach).text }}>
              {reach.name}
            </text>
          </a>
        );
      })}
    </>
  );
}

function runHref(runId: string): string {
  return hrefNow({ page: "run", project: place.value.project }, { run: runId });
}

function BranchLine({ branch, x, width }: { branch: Branch; x: (step: number) => number; width: number }) {
  const { run, from, to, lane, source, isRun, isAlive } = branch;
  const [top, level] = [LEVEL + LANE * source, LEVEL + LANE * lane];
  const start = x(from);
  const reach = Math.min(16, Math.max(x(to) - start, 4));
  const end = Math.min(Math.max(x(to), start + reach), width);
  const isWhole = x(to) <= width;
  const colour = colourOf(run);
  const isRoomy = end + 12 + 6.5 * run.name.length < width;
  return (
    <>
      <path
        class={isAlive ? "water inherited" : "bed"}
        stroke={isAlive ? colour.line : undefined}
        stroke-width={isAlive ? marks.upstream.row : undefined}
        d={`${forkCurve(start, top, level - top, reach)}H${end}`}
      />
      {isRun && <path class="diamond" stroke={colour.line} d={diamondPath(start, top, 3)} />}
      {isWhole && (
        <MouthMark
          x={end}
          y={level}
          r={2.6}
          state={run.state}
          colour={isRun ? colour.line : "var(--bed)"}
          isServerAway={connection.value === "away"}
        />
      )}
      {isRun && (
        <a href={runHref(run.run_id)}>
          <text
            class="name side"
            x={isRoomy ? end + (run.state === "running" ? 14 : 9) : end - 8}
            y={isRoomy ? level + 4 : level - 4}
            text-anchor={isRoomy ? "start" : "end"}
          >
            {run.name.length > 24 ? `${run.name.slice(0, 23)}…` : run.name}
          </text>
        </a>
      )}
    </>
  );
}
