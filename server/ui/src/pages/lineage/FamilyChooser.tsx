import { batch } from "@preact/signals";
import { useState } from "preact/hooks";
import { postJson, projectPath } from "../../api/client";
import type { Mode, Row, RunsPage } from "../../api/types";
import { type Choice, Chooser } from "../../controls/Chooser";
import { place } from "../../state/address";
import { useAnswer } from "../../state/answer";
import { colourOf } from "../../state/theme";
import { asOf, lineageWindow, selectedRuns, shownFamily, unfolded } from "../../state/view";
import { formatStep, plural } from "../../text/format";
import { identityOf } from "../../text/identity";

const MOST_EXPERIMENTS = 20;
const MOST_RUNS = 30;
const ALL = "\u0000all";

/** Choose the experiment, or the run, whose family is drawn. */
export function FamilyChooser({ title }: { title: string }) {
  const [search, setSearch] = useState("");
  const found = useFound(search.trim());
  return (
    <h1 class="family-title">
      <Chooser
        label="Experiment or run"
        isHeading
        choices={search ? found : [{ key: ALL, text: "All experiments" }, ...found]}
        chosen={shownFamily.value}
        placeholder="Experiment or run"
        search={search}
        onSearch={setSearch}
        onChoose={(key) => showFamily(key === ALL ? "" : key)}
        nothing="No experiment and no run has this in its name."
      >
        <span class="title run-name" title={title}>
          {title}
        </span>
      </Chooser>
    </h1>
  );
}

/** Show the family of an experiment or a run, or all families; what was chosen of another one is left behind. */
export function showFamily(name: string): void {
  batch(() => {
    shownFamily.value = name;
    lineageWindow.value = null;
    asOf.value = 0;
    selectedRuns.value = [];
    unfolded.value = [];
  });
}

function useFound(search: string): Choice[] {
  const project = place.value.project;
  const answer = useAnswer<{ experiments: Row[]; runs: Row[] }>(
    project ? `families found\n${project}\n${search}` : null,
    async (signal) => {
      const ask = (mode: Mode, limit: number) =>
        postJson<RunsPage>(projectPath(project!, "runs/search"), body(mode, limit, search), signal);
      const [experiments, runs] = await Promise.all([
        ask("experiments", MOST_EXPERIMENTS),
        search ? ask("runs", MOST_RUNS) : { rows: [] },
      ]);
      return { experiments: experiments.rows, runs: runs.rows };
    },
  );
  const { experiments, runs } = answer.value ?? { experiments: [], runs: [] };
  return [
    ...experiments.flatMap((row) =>
      row.experiment === null
        ? []
        : [
            {
              key: row.experiment,
              text: <span class="run-name">{row.experiment}</span>,
              title: row.experiment,
              aside: plural(row.run_count, "run"),
            },
          ],
    ),
    ...runs.map((row) => ({
      key: row.run_id,
      text: (
        <span class="run-name" style={{ color: colourOf(row).text }}>
          {row.name}
        </span>
      ),
      title: `${identityOf(row)}\n${row.run_id}`,
      aside: row.fork ? `@${formatStep(row.fork.step)}` : "root",
    })),
  ];
}

function body(mode: Mode, limit: number, search: string): object {
  const text = JSON.stringify(search).replaceAll("\\\\", "\\");
  const filter = mode === "experiments" ? `experiment contains ${text}` : `run contains ${text}`;
  return {
    mode,
    filter: search ? filter : null,
    columns: [],
    limit,
    archived: true,
  };
}
