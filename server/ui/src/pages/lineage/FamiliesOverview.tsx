import { useEffect, useMemo, useRef } from "preact/hooks";
import { postJson, projectPath } from "../../api/client";
import type { Row, RunsPage } from "../../api/types";
import { stepTicks } from "../../chart/ticks";
import { useNow } from "../../controls/now";
import { Waiting } from "../../controls/Waiting";
import { useWidth } from "../../controls/width";
import { River } from "../../marks/River";
import { rowScale } from "../../marks/shapes";
import { hrefNow, place, settle } from "../../state/address";
import { useAnswer } from "../../state/answer";
import { connection } from "../../state/live";
import { colourOf } from "../../state/theme";
import { formatAge, formatStep, plural } from "../../text/format";

const MOST = 300;
const OF_NO_EXPERIMENT = "sys/name NOT EXISTS";

/** A head, or a run of no experiment that nothing left: what a family is entered by. */
type Families = { rows: Row[]; experiments: number; lone: number; isCut: boolean };

/** All families of a project as small rivers on one scale, latest first, to choose from; where there is one, it is drawn itself. */
export function FamiliesOverview() {
  const project = place.value.project!;
  const answer = useAnswer<Families>(`families\n${project}`, async (signal) => {
    const ask = (mode: "experiments" | "runs", filter: string | null) =>
      postJson<RunsPage>(
        projectPath(project, "runs/search"),
        {
          mode,
          filter,
          columns: [],
          limit: MOST,
          lineage: true,
        },
        signal,
      );
    const [heads, others] = await Promise.all([ask("experiments", null), ask("runs", OF_NO_EXPERIMENT)]);
    const lone = tipsOf(others.rows, heads.rows);
    const rows = [...heads.rows, ...lone].sort((one, other) => other.created.localeCompare(one.created));
    return { rows, experiments: heads.total, lone: lone.length, isCut: heads.total > MOST || others.total > MOST };
  });
  const found = answer.value;
  const only = found?.rows.length === 1 ? nameOf(found.rows[0]!) : null;
  useEffect(() => {
    if (only !== null) settle({ family: only });
  }, [only]);
  if (!found || only !== null)
    return (
      <div class="families">
        {answer.error && <p class="prose bad">{answer.error}</p>}
        {answer.isSlow && <Waiting />}
      </div>
    );
  return <List found={found} />;
}

function nameOf(row: Row): string {
  return row.experiment ?? row.run_id;
}

/** Runs that no other of them, and no head, descends from. */
function tipsOf(rows: readonly Row[], heads: readonly Row[]): Row[] {
  const parents = new Set([
    ...rows.map((row) => row.fork?.parent),
    ...heads.flatMap((head) => head.lineage.map((reach) => reach.run_id)),
  ]);
  return rows.filter((row) => !parents.has(row.run_id));
}

function List({ found }: { found: Families }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const high = useMemo(
    () => Math.max(1, ...found.rows.flatMap((row) => row.lineage.map((reach) => reach.last ?? 0))),
    [found],
  );
  const isWide = width >= 900;
  const river = Math.max(160, width - (isWide ? 560 : 330));
  const ticks = stepTicks([0, high], Math.max(2, Math.floor(river / 140))).at;
  const x = rowScale([0, high], river);
  return (
    <div class="families" ref={box}>
      <header class="families-head">
        <h1 class="title">{found.experiments > 0 ? "Experiments" : "Runs"} and where they forked</h1>
        <p class="dim">{countOf(found)}, the latest first. Choose one to see its runs and what each fork changed.</p>
      </header>
      {width > 0 && (
        <div class="families-list">
          <div class="family-row axis" aria-hidden="true">
            <span />
            <svg width={river} height={20} aria-hidden="true">
              {ticks.map((step) => (
                <text key={step} x={x(step)} y={14} text-anchor={step === 0 ? "start" : "middle"}>
                  {formatStep(step)}
                </text>
              ))}
            </svg>
            <span class="family-count">runs</span>
            <span class="family-step">last step</span>
            {isWide && <span class="family-age">began</span>}
          </div>
          {found.rows.map((row) => (
            <FamilyRow key={row.run_id} row={row} river={river} high={high} ticks={ticks} isWide={isWide} />
          ))}
          {found.isCut && (
            <p class="dim families-more">The latest {MOST} of each are listed. The table finds the others.</p>
          )}
        </div>
      )}
    </div>
  );
}

function countOf({ experiments, lone }: Families): string {
  if (experiments === 0) return plural(lone, "run");
  return plural(experiments, "experiment") + (lone > 0 ? ` and ${plural(lone, "run")} of none` : "");
}

type FamilyRowProps = { row: Row; river: number; high: number; ticks: readonly number[]; isWide: boolean };

function FamilyRow({ row, river, high, ticks, isWide }: FamilyRowProps) {
  const x = rowScale([0, high], river);
  const now = useNow();
  const colour = colourOf(row);
  const title = row.experiment ?? row.name;
  return (
    <a class="family-row" href={hrefNow({ page: "lineage", project: place.value.project }, { family: nameOf(row) })}>
      <span class="family-name run-name" style={{ color: colour.text }} title={title}>
        {title}
        {row.experiment === null && <span class="lone-note"> of no experiment</span>}
      </span>
      <span class="family-river" style={{ width: `${river}px` }}>
        <svg class="family-grid" width={river} height={36} aria-hidden="true">
          {ticks.map((step) => (
            <path key={step} class="grid" d={`M${Math.round(x(step)) + 0.5} 0V36`} />
          ))}
        </svg>
        <River
          lineage={row.lineage}
          domain={[0, high]}
          width={river}
          height={36}
          colour={(reach) => colourOf(reach).line}
          isServerAway={connection.value === "away"}
        />
      </span>
      <span class="unseen">{row.state ?? "state unknown"}</span>
      <span class="family-count">{formatStep(row.experiment === null ? row.lineage.length : row.run_count)}</span>
      <span class="family-step">{formatStep(row.last_step)}</span>
      {isWide && <span class="family-age dim">{formatAge(row.created, now)}</span>}
    </a>
  );
}
