import { useMemo, useState } from "preact/hooks";
import type { DifferenceRow, Differences, RunValues } from "../../api/types";
import { Checkbox } from "../../controls/Checkbox";
import { Waiting } from "../../controls/Waiting";
import { hrefNow, place } from "../../state/address";
import { useDifferences, useRowsOf } from "../../state/compare";
import { goalFor } from "../../state/goals";
import { parentOf } from "../../state/shown";
import { colourOf } from "../../state/theme";
import { onlyDifferences, otherRun } from "../../state/view";
import { deltaClass, formatPercent } from "../../text/delta";
import { formatContent, formatStep, plural } from "../../text/format";
import { groupRows, isSame, isText } from "../compare/groups";
import { RunChoice } from "../compare/RunChoice";
import { DiffLines, textDifference } from "../compare/TextDifference";

/** How a run differs from its parent, or from any other one. */
export function Difference({ found }: { found: RunValues }) {
  const { run } = found;
  const other = otherRun.value || run.fork?.parent || null;
  const ids = useMemo(() => (other ? [other, run.run_id] : []), [other, run.run_id]);
  const answer = useDifferences(ids, other, onlyDifferences.value);
  const rows = useRowsOf(ids).value;
  const otherRow = other ? rows?.get(other) : undefined;
  return (
    <div class="difference-tab">
      <div class="pane-bar">
        <h2>
          {other ? "Against " : "Against no run"}
          {other && (
            <a
              class="run-name"
              style={otherRow ? { color: colourOf(otherRow).text } : undefined}
              href={hrefNow({ page: "run", project: place.value.project }, { run: other, against: null })}
            >
              {otherRow?.name ?? parentOf(run)?.name ?? other}
            </a>
          )}
          {other && other === run.fork?.parent && <span class="dim"> its parent</span>}
        </h2>
        <RunChoice
          text="Another run"
          chosen={other ? [other] : []}
          onChoose={(runId) => {
            otherRun.value = runId === run.fork?.parent ? "" : runId;
          }}
        />
        <Checkbox of={onlyDifferences}>only differences</Checkbox>
        {answer.value && (
          <span class="dim">
            {formatStep(answer.value.differing_count)} of {plural(answer.value.attribute_count, "attribute")} differ
          </span>
        )}
      </div>
      {answer.error !== null && <p class="bad file-none">{answer.error}</p>}
      {!other && <p class="dim file-none">This run forked from none. Choose a run to compare it with.</p>}
      {answer.isSlow && !answer.value && <Waiting />}
      {answer.value && <Rows found={answer.value} />}
    </div>
  );
}

function Rows({ found }: { found: Differences }) {
  const only = onlyDifferences.value;
  const groups = useMemo(() => groupRows(found.rows, goalFor, only), [found, only, goalFor]);
  if (groups.length === 0) return <p class="dim file-none">They are the same in everything.</p>;
  return (
    <div class="difference-rows" role="region" aria-label="What differs" tabIndex={0}>
      {groups.map((group) => (
        <section key={group.title}>
          <h2>
            {group.title} <span class="count">{group.count}</span>
          </h2>
          {group.rows.map((row) => (
            <Row key={`${row.path} ${row.aggregate ?? ""}`} row={row} />
          ))}
        </section>
      ))}
    </div>
  );
}

const MOST_LINES = 200;

function Row({ row }: { row: DifferenceRow }) {
  const [before, after] = [row.values[0] ?? null, row.values[1] ?? null];
  const isLong = [before, after].some((value) => typeof value === "string" && value.includes("\n"));
  if (isText(row) && isLong) return <TextRow row={row} />;
  const percent = row.percent[1] ?? null;
  const text = (value: typeof before) =>
    value === null && row.type !== "none" ? "not set" : formatContent(value, row.type);
  return (
    <div class={isSame(before, after) ? "difference-row dim" : "difference-row"}>
      <PathText row={row} />
      <del class="cut" title={text(before).slice(0, 2000)}>
        {text(before)}
      </del>
      <span class="arrow">→</span>
      <ins class="cut" title={text(after).slice(0, 2000)}>
        {text(after)}
      </ins>
      <span class={`percent ${deltaClass(percent, goalFor(row.path, row.goal))}`}>
        {percent === null || percent === 0 ? "" : formatPercent(percent)}
      </span>
    </div>
  );
}

function PathText({ row }: { row: DifferenceRow }) {
  return (
    <span class="mono cut" title={row.path}>
      {row.path}
      {row.aggregate !== null && <span class="dim at-step"> {row.aggregate}</span>}
    </span>
  );
}

function TextRow({ row }: { row: DifferenceRow }) {
  const [isAll, setAll] = useState(false);
  const lines = useMemo(() => textDifference(row.values[0], row.values[1]), [row]);
  const shown = isAll ? lines : lines.slice(0, MOST_LINES);
  return (
    <div class="difference-text">
      <PathText row={row} />
      <DiffLines lines={shown} />
      {shown.length < lines.length && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          {plural(lines.length - shown.length, "more line")}
        </button>
      )}
    </div>
  );
}
