import { computed } from "@preact/signals";
import { postJson, projectPath } from "../api/client";
import type { Differences, Row, RunsPage } from "../api/types";
import { place } from "./address";
import { type Answer, useAnswer } from "./answer";
import { drawn, drawnIds } from "./drawn";
import { attributeSearch, compared, onlyDifferences, reference } from "./view";

/** More runs are not put side by side: the server compares no more. */
export const MOST_COMPARED = 200;
const PAGE_ROWS = 5000;
const MOST_ROWS = 20_000;

/** Ids of the runs that stand side by side, in their order: those that were chosen, else those that are drawn. */
export const comparedIds = computed<string[]>(() => {
  const chosen = compared.value.length > 0 ? compared.value : drawnIds.value;
  return [...new Set(chosen)].slice(0, MOST_COMPARED);
});

/** The run that others are compared with. */
export const referenceId = computed<string | null>(() => {
  const ids = comparedIds.value;
  return ids.includes(reference.value) ? reference.value : (ids[0] ?? null);
});

/** Put a run beside the others, or take it away. */
export function toggleCompared(runId: string): void {
  const before = comparedIds.peek();
  const after = before.includes(runId) ? before.filter((one) => one !== runId) : [...before, runId];
  compared.value = after;
}

/** The rows of runs, whether the table lists them or not; kept up to date. */
export function useRowsOf(runIds: readonly string[]): Answer<ReadonlyMap<string, Row>> {
  const project = place.value.project;
  const known = new Map(drawn.value.map(({ row }) => [row.run_id, row]));
  const areKnown = runIds.every((one) => known.has(one));
  const question = project && runIds.length > 0 && !areKnown ? `rows\n${project}\n${runIds.join("\n")}` : null;
  const asked = useAnswer<ReadonlyMap<string, Row>>(question, (signal) => askRows(project!, runIds, signal), runIds);
  return areKnown ? { value: known, error: null, isSlow: false } : asked;
}

async function askRows(
  project: string,
  runIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Row>> {
  const body = {
    mode: "runs",
    limit: 1000,
    archived: true,
    run_ids: runIds,
    lineage: true,
  };
  const page = await postJson<RunsPage>(projectPath(project, "runs/search"), body, signal);
  return new Map(page.rows.map((row) => [row.run_id, row]));
}

/** What runs have at each path and by how much they differ from the reference; kept up to date. */
export function useDifferences(
  runIds: readonly string[],
  referenceRun: string | null,
  only: boolean,
): Answer<Differences> {
  const project = place.value.project;
  const question =
    project && referenceRun && runIds.length > 0
      ? `differences\n${project}\n${only}\n${referenceRun}\n${runIds.join("\n")}`
      : null;
  return useAnswer(question, (signal) => askAll(project!, runIds, referenceRun!, only, signal), runIds);
}

async function askAll(
  project: string,
  runIds: readonly string[],
  referenceRun: string,
  only: boolean,
  signal: AbortSignal,
): Promise<Differences> {
  const body = { run_ids: runIds, reference: referenceRun, only_differences: only, q: null, limit: PAGE_ROWS };
  const path = projectPath(project, "differences");
  const found = await postJson<Differences>(path, body, signal);
  while (found.rows.length < Math.min(found.total, MOST_ROWS)) {
    const next = await postJson<Differences>(path, { ...body, offset: found.rows.length }, signal);
    if (next.rows.length === 0) break;
    found.rows.push(...next.rows);
  }
  return found;
}

/** What is compared on the page of runs side by side. */
export function useComparison(): Answer<Differences> {
  return useDifferences(comparedIds.value, referenceId.value, onlyDifferences.value);
}

/** Return whether a path is among those that are looked for: all words of the text stand in it. */
export function isSought(path: string): boolean {
  const words = attributeSearch.value.toLowerCase().split(/\s+/).filter(Boolean);
  const lower = path.toLowerCase();
  return words.every((word) => (word.startsWith("!") ? !lower.includes(word.slice(1)) : lower.includes(word)));
}
