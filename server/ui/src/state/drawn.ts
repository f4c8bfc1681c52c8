import { computed, effect, signal } from "@preact/signals";
import { postJson, projectPath } from "../api/client";
import type { Row, RunsPage } from "../api/types";
import type { RunColour } from "../marks/colour";
import { place } from "./address";
import { noteAnswer, revision } from "./live";
import { listing, PAGE_ROWS, rowAt, rowsById } from "./runs";
import { colourOf } from "./theme";
import { eyes, mode } from "./view";

/** More runs are not drawn at once. */
export const MOST_DRAWN = 500;
/** How many rows are drawn by themselves. */
export const AUTO_ROWS = 5;

/** How many of the first rows are drawn by themselves, kept up to date; null where runs were chosen. */
export const autoCount = computed(() => {
  const [only] = eyes.value;
  const count = eyes.value.length === 1 && only?.startsWith("auto:") ? Number(only.slice(5)) : Number.NaN;
  return Number.isInteger(count) && count >= 0 ? Math.min(count, PAGE_ROWS) : null;
});

/** The run that charts are about while its page shows them: then it alone is drawn, whatever the table says. */
export const subject = signal<Row | null>(null);

/** Ids of the runs that are drawn, in the order of the table. */
export const drawnIds = computed<string[]>(() => {
  if (subject.value) return [subject.value.run_id];
  if (autoCount.value === null) return eyes.value.slice(0, MOST_DRAWN);
  const rows = Array.from({ length: Math.min(autoCount.value, listing.value?.total ?? 0) }, (_, at) => rowAt(at));
  return rows.flatMap((row) => (row ? [row.run_id] : []));
});

const drawnSet = computed(() => new Set(drawnIds.value));

/** Return whether a run is drawn. */
export function isDrawn(runId: string): boolean {
  return drawnSet.value.has(runId);
}

/** Show or hide one run; from then on the choice is the reader's. */
export function toggleDrawn(runId: string): void {
  const before = drawnIds.peek();
  eyes.value = before.includes(runId) ? before.filter((one) => one !== runId) : [...before, runId];
}

/** Show or hide all rows from one place to another. */
export function setDrawnBetween(first: number, last: number, isShown: boolean): void {
  const chosen = new Set(drawnIds.peek());
  for (let at = Math.min(first, last); at <= Math.max(first, last); at++) {
    const row = rowAt(at);
    if (row && isShown) chosen.add(row.run_id);
    else if (row) chosen.delete(row.run_id);
  }
  eyes.value = [...chosen];
}

/** Draw the first rows, whatever they are. */
export function drawFirst(count: number): void {
  eyes.value = [`auto:${count}`];
}

/** Draw nothing. */
export function drawNone(): void {
  eyes.value = [];
}

/** A run that is drawn, with the name and the colours that it has everywhere. */
export type DrawnRun = { run_id: string; title: string; row: Row; colour: RunColour };

const others = signal<ReadonlyMap<string, Row>>(new Map());

/** Return what a row is called: in Experiments mode the experiment, else the run. */
export function titleOf(row: Row): string {
  return mode.value === "experiments" && row.experiment !== null ? row.experiment : row.name;
}

/** The runs that are drawn, in the order of the table. */
export const drawn = computed<DrawnRun[]>(() => {
  if (subject.value) {
    const row = subject.value;
    return [{ run_id: row.run_id, title: row.name, row, colour: colourOf(row) }];
  }
  return drawnIds.value.flatMap((runId) => {
    const row = rowsById.value.get(runId) ?? others.value.get(runId);
    return row ? [{ run_id: runId, title: titleOf(row), row, colour: colourOf(row) }] : [];
  });
});

/** Fetch the rows of runs that are drawn and that the table does not hold, from now on. */
export function keepDrawn(): void {
  let abort = new AbortController();
  effect(() => {
    void revision.value;
    const project = place.value.project;
    const missing = listing.value && !subject.value ? drawnIds.value.filter((runId) => !rowsById.value.has(runId)) : [];
    abort.abort();
    abort = new AbortController();
    if (!project || missing.length === 0) return;
    const body = {
      mode: "runs",
      limit: MOST_DRAWN,
      archived: true,
      run_ids: missing,
      lineage: true,
    };
    postJson<RunsPage>(projectPath(project, "runs/search"), body, abort.signal)
      .then((page) => {
        noteAnswer();
        others.value = new Map(page.rows.map((row) => [row.run_id, row]));
      })
      .catch((error: unknown) => noteAnswer(error));
  });
}
