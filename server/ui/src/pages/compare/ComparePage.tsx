import "./compare.css";
import { useEffect, useMemo } from "preact/hooks";
import type { DifferenceRow, Differences } from "../../api/types";
import { Button } from "../../controls/Button";
import { Checkbox } from "../../controls/Checkbox";
import { SearchField } from "../../controls/SearchField";
import { Waiting } from "../../controls/Waiting";
import { go, place } from "../../state/address";
import { comparedIds, isSought, referenceId, toggleCompared, useComparison, useRowsOf } from "../../state/compare";
import { type Goal, goalFor, turnGoal } from "../../state/goals";
import { shortcut } from "../../state/keys";
import { status } from "../../state/live";
import { listing } from "../../state/runs";
import { colourOf } from "../../state/theme";
import { attributeSearch, compared, onlyDifferences, reference, showsSystem } from "../../state/view";
import { formatStep, plural } from "../../text/format";
import { ComparisonTable } from "./ComparisonTable";
import { comparisonCsv } from "./csv";
import { type Group, groupRows, isSystem } from "./groups";
import { RunChoice } from "./RunChoice";

/** Runs side by side: what they have at each path, and by how much it differs from one of them. */
export function ComparePage() {
  const ids = comparedIds.value;
  const answer = useComparison();
  const rows = useRowsOf(ids).value;
  const found = answer.value;
  const sought = useMemo(() => found?.rows.filter((row) => isSought(row.path)) ?? [], [found, attributeSearch.value]);
  const groups = useMemo(
    () =>
      groupRows(
        sought.filter((row) => showsSystem.value || !isSystem(row)),
        goalFor,
        onlyDifferences.value,
      ),
    [sought, showsSystem.value, onlyDifferences.value, goalFor],
  );
  const listed = found?.rows.filter((row) => row.differs && (showsSystem.value || !isSystem(row))) ?? [];
  const system = new Set(sought.filter(isSystem).map((row) => row.path)).size;
  useKeys();
  if (listing.value && ids.length === 0 && status.value?.is_reading === false) return <Nothing />;
  return (
    <div class="compare-page">
      <h1 class="unseen">Side by side</h1>
      <Bar found={found} groups={groups} system={system} differing={new Set(listed.map((row) => row.path)).size} />
      {answer.error !== null && <p class="bad compare-note">{answer.error}</p>}
      {answer.isSlow && !found && <Waiting />}
      {found && <Body found={found} groups={groups} rows={rows ?? new Map()} system={system} />}
    </div>
  );
}

function Body({ found, groups, rows, system }: Parameters<typeof ComparisonTable>[0] & { system: number }) {
  if (groups.length > 0) return <ComparisonTable found={found} groups={groups} rows={rows} />;
  const family = found.run_ids.length === 1 ? (rows.get(found.reference)?.lineage ?? []) : [];
  const search = attributeSearch.value.trim();
  return (
    <div class="compare-note dim">
      {search ? (
        <p>
          No attribute{onlyDifferences.value ? " that differs" : ""} has “{search}” in its path.
        </p>
      ) : found.run_ids.length < 2 ? (
        <>
          <p>Only one run is shown: put another one beside it.</p>
          {family.length > 1 && (
            <Button onClick={() => (compared.value = family.map((reach) => reach.run_id))}>
              Show the {family.length} runs of its lineage
            </Button>
          )}
        </>
      ) : system > 0 && !showsSystem.value ? (
        <p>
          These runs differ in nothing but {plural(system, "attribute")} of <span class="mono">sys/</span> and{" "}
          <span class="mono">runtime/</span>.
        </p>
      ) : (
        <p>These runs are the same in all of {plural(found.attribute_count, "attribute")}.</p>
      )}
    </div>
  );
}

function Nothing() {
  return (
    <div class="failed">
      <h1 class="title">No run is chosen</h1>
      <p class="prose">Show some runs with their eyes in the table, or choose them here, to see them side by side.</p>
      <span class="compare-nothing">
        <Button onClick={() => go({ page: "table", project: place.value.project })}>Table</Button>
        <RunChoice text="Choose runs" chosen={[]} onChoose={toggleCompared} isMultiple />
      </span>
    </div>
  );
}

type BarProps = { found: Differences | null; groups: readonly Group[]; system: number; differing: number };

function Bar({ found, groups, system, differing }: BarProps) {
  return (
    <div class="compare-bar">
      <Checkbox of={onlyDifferences}>only differences</Checkbox>
      {found && (
        <span class="dim differ-count" role="status">
          {plural(differing, "attribute")} {differing === 1 ? "differs" : "differ"}
        </span>
      )}
      <Checkbox of={showsSystem} title="What runfork itself notes: state, lineage, machine, source code">
        <span class="mono">sys/, runtime/</span> <span class="count">{formatStep(system)}</span>
      </Checkbox>
      <ReferenceChoice />
      <RunChoice text="Runs" chosen={comparedIds.value} onChoose={toggleCompared} isMultiple>
        <button
          type="button"
          class="link"
          disabled={comparedIds.value.length < 2}
          onClick={() => (compared.value = [referenceId.value ?? ""])}
        >
          remove all but the reference
        </button>
        {compared.value.length > 0 && (
          <button type="button" class="link" onClick={() => (compared.value = [])}>
            take those that are drawn
          </button>
        )}
      </RunChoice>
      <Goals groups={groups} />
      <span class="bar-end">
        <SearchField
          text={attributeSearch}
          label="Filter attributes"
          placeholder="filter attributes"
          className="attribute-search"
        >
          <kbd aria-hidden="true">/</kbd>
        </SearchField>
        <Button
          disabled={!found}
          title="Save what is shown as CSV"
          onClick={() =>
            found &&
            saveCsv(
              groups.flatMap((group) => group.rows),
              found,
            )
          }
        >
          CSV
        </Button>
      </span>
    </div>
  );
}

function saveCsv(rows: readonly DifferenceRow[], found: Differences): void {
  const url = URL.createObjectURL(new Blob([comparisonCsv(rows, found.run_ids)], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${(place.peek().project ?? "runs").replace("/", "-")}-side-by-side.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function ReferenceChoice() {
  const rows = useRowsOf(comparedIds.value).value;
  const chosen = referenceId.value;
  const row = chosen ? rows?.get(chosen) : undefined;
  if (comparedIds.value.length < 2) return null;
  return (
    <label class="reference-choice">
      reference{" "}
      <select
        class="select run-name"
        style={row ? { color: colourOf(row).text } : undefined}
        value={chosen ?? ""}
        onChange={(event) => {
          reference.value = event.currentTarget.value;
        }}
      >
        {comparedIds.value.map((runId) => (
          <option key={runId} value={runId}>
            {rows?.get(runId)?.name ?? runId}
          </option>
        ))}
      </select>
    </label>
  );
}

const MOST_GOALS = 3;

/** Metrics of which low or high values are known to be better: a click says otherwise. */
function Goals({ groups }: { groups: readonly Group[] }) {
  const metrics = new Map<string, Goal>();
  for (const row of groups.flatMap((group) => group.rows))
    if (row.aggregate !== null) metrics.set(row.path, goalFor(row.path, row.goal));
  const shown = [...metrics].filter(([, goal]) => goal !== null).slice(0, MOST_GOALS);
  if (shown.length === 0) return null;
  return (
    <span class="goals">
      <span class="dim">goal</span>
      {shown.map(([path, goal]) => (
        <button
          key={path}
          type="button"
          class="goal"
          title="Whether low or high values are better. Click to change it"
          onClick={() => turnGoal(path, goal)}
        >
          <span class="mono">{path}</span> <span class="dim">{goal ?? "none"}</span>
        </button>
      ))}
    </span>
  );
}

function useKeys(): void {
  useEffect(() => {
    const step = (by: number) => {
      const ids = comparedIds.peek();
      const at = ids.indexOf(referenceId.peek() ?? "");
      reference.value = ids[(at + by + ids.length) % ids.length] ?? "";
    };
    const ends = [
      shortcut("d", "show all attributes, or only those that differ", () => {
        onlyDifferences.value = !onlyDifferences.peek();
      }),
      shortcut("]", "compare with the next run", () => step(1)),
      shortcut("[", "compare with the run before", () => step(-1)),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, []);
}
