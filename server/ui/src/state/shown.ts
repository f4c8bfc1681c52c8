import { getJson, projectPath } from "../api/client";
import type { Change, Mark, Row, RunValues } from "../api/types";
import { place } from "./address";
import { type Answer, useAnswer } from "./answer";
import { shownRun } from "./view";

/** The run that the page is about, with all its attributes, kept up to date. */
export function useShownRun(): Answer<RunValues> {
  return useRunValues(shownRun.value || null);
}

/** A run with all its attributes, kept up to date; nothing is asked for null. */
export function useRunValues(run: string | null): Answer<RunValues> {
  const project = place.value.project;
  const question = project && run ? `values\n${project}\n${run}` : null;
  const answer: Answer<RunValues> = useAnswer<RunValues>(
    question,
    (signal) => getJson<RunValues>(projectPath(project!, "runs/values"), { run }, signal),
    null,
  );
  return answer;
}

/** Checkpoints of a run and of its ancestors up to where they were left. */
export function useMarks(row: Row): Answer<{ marks: Mark[] }> {
  const project = place.value.project;
  return useAnswer(
    `marks\n${project}\n${row.run_id}`,
    (signal) => getJson<{ marks: Mark[] }>(projectPath(project!, "marks"), { run: row.run_id }, signal),
    row.lineage.map((reach) => reach.run_id),
  );
}

/** Return the last but one run of a lineage: the parent, if it is known. */
export function parentOf(row: Row): Row["lineage"][number] | null {
  return row.fork ? (row.lineage.find((reach) => reach.run_id === row.fork!.parent) ?? null) : null;
}

/** Return what a fork changed, by path. */
export function changesByPath(row: Row): ReadonlyMap<string, Change> {
  return new Map((row.changes ?? []).map((change) => [change.path, change]));
}
