import type { Change, RunValues } from "../../api/types";
import { hrefNow, place } from "../../state/address";
import { declaredGoal, goalFor } from "../../state/goals";
import type { Outcome, OutcomeRow } from "../../state/outcome";
import { parentOf } from "../../state/shown";
import { colourOf } from "../../state/theme";
import { tab } from "../../state/view";
import { deltaClass, formatPercent } from "../../text/delta";
import { formatContent, formatNumber, formatStep, plural } from "../../text/format";

const MOST_CHANGES = 8;

/** What a fork changed against its parent, and what came of it at the last step that both have. */
export function WhatChanged({ found, outcome }: { found: RunValues; outcome: Outcome | null }) {
  const { run } = found;
  if (!run.fork) return <Root outcome={outcome} />;
  const parent = parentOf(run);
  const changes = run.changes ?? [];
  const rows = outcome?.rows ?? [];
  return (
    <section class="changed-part" aria-label="What changed">
      <h2>
        What changed against{" "}
        {parent ? (
          <a
            class="run-name"
            style={{ color: colourOf(parent).text }}
            href={hrefNow({ page: "run", project: place.value.project }, { run: parent.run_id })}
          >
            {parent.name}
          </a>
        ) : (
          <span class="run-name">{run.fork.parent}</span>
        )}
      </h2>
      {run.fork.is_pending ? (
        <p class="dim">Its parent is not here yet. When its folder appears, this run is joined to it by itself.</p>
      ) : (
        <>
          {changes.length === 0 && <p class="dim">No config differs from the parent's.</p>}
          <div class="changes configs">
            {changes.slice(0, MOST_CHANGES).map((change) => (
              <ChangeRow key={change.path} change={change} />
            ))}
          </div>
          {changes.length > MOST_CHANGES && (
            <button
              type="button"
              class="link"
              onClick={() => {
                tab.value = "difference";
              }}
            >
              {plural(changes.length - MOST_CHANGES, "more change")}
            </button>
          )}
          <CameOfIt rows={rows.filter((row) => row.until === null)} found={found} />
          <CameOfIt rows={rows.filter((row) => row.until !== null)} found={found} />
        </>
      )}
    </section>
  );
}

function Root({ outcome }: { outcome: Outcome | null }) {
  const line = outcome?.pinned?.own;
  return (
    <section class="changed-part" aria-label="What changed">
      <h2>The first of its lineage</h2>
      <p class="dim">
        This run forked from none.{line?.last && ` ${line.path} was last ${formatNumber(line.last.y)}`}
        {line?.last && `, at step ${formatStep(line.last.x)}.`}
      </p>
    </section>
  );
}

function ChangeRow({ change }: { change: Change }) {
  const before = change.before ? formatContent(change.before.value, change.before.type) : "not set";
  const after = change.after ? formatContent(change.after.value, change.after.type) : "not set";
  return (
    <div class="change">
      <span class="mono cut" title={change.path}>
        {change.path}
      </span>
      <del class="cut" title={before}>
        {before}
      </del>
      <span class="arrow">→</span>
      <ins class="cut" title={after}>
        {after}
      </ins>
    </div>
  );
}

function cameWhen({ step, until }: OutcomeRow, isSame: boolean): string {
  if (until === null) return isSame ? `at one step, ${formatStep(step)}` : "at one step, the last that both have";
  const since = isSame ? `from step ${formatStep(step)} to ${formatStep(until)}` : "since the fork";
  return `${since}: the parent has nothing later to compare with`;
}

/** How well a run generalises comes before how well it fits. */
function trainingLast(one: OutcomeRow, other: OutcomeRow): number {
  return Number(isTraining.test(one.path)) - Number(isTraining.test(other.path));
}
const isTraining = /(^|\/)train/;

function CameOfIt({ rows, found }: { rows: OutcomeRow[]; found: RunValues }) {
  if (rows.length === 0) return null;
  const isSame = new Set(rows.map((row) => `${row.step} ${row.until}`)).size === 1;
  return (
    <>
      <p class="came-of-it dim">and what came of it, {cameWhen(rows[0]!, isSame)}</p>
      <div class="changes">
        {[...rows].sort(trainingLast).map((row) => (
          <div class="change" key={row.path}>
            <span class="came-path mono" title={row.path}>
              <span class="cut">{row.path}</span>
              {!isSame && <span class="dim at-step">@{formatStep(row.until ?? row.step)}</span>}
            </span>
            <del>{formatNumber(row.before)}</del>
            <span class="arrow">→</span>
            <ins class={Number.isFinite(row.after) ? undefined : "bad"}>{formatNumber(row.after)}</ins>
            <span
              class={`percent ${deltaClass(row.percent, goalFor(row.path, declaredGoal(found.attributes, row.path)))}`}
            >
              {row.percent === null ? "" : formatPercent(row.percent)}
            </span>
          </div>
        ))}
      </div>
    </>
  );
}
