import { batch, computed, effect, signal } from "@preact/signals";
import { ProblemError, postJson, projectPath, sentence } from "../api/client";
import type { Column, Row, RunsPage, RunsSearch, Sort } from "../api/types";
import { place } from "./address";
import { noteAnswer, revision } from "./live";
import { archived, columns, filter, mode, sort } from "./view";

/** Rows that are asked for at once. */
export const PAGE_ROWS = 200;
const FILTER_PAUSE_MS = 120;

/** Runs or experiments, as far as they were fetched. */
export type Listing = {
  /** What was asked; another question makes another listing. */
  question: string;
  total: number;
  run_count: number;
  experiment_count: number;
  columns: Column[];
  pages: ReadonlyMap<number, Row[]>;
};

/** What the table shows: the answer to the last question that could be answered; null before the first. */
export const listing = signal<Listing | null>(null);
/** Whether an answer is awaited. */
export const isLoading = signal(false);
/** What is wrong with the filter or the order, and where in the text; null if nothing is. */
export const queryError = signal<{ text: string; position: number | null } | null>(null);

/** The order of runs where none was chosen: families together. */
export const BY_LINEAGE: Sort = { column: "lineage", descending: false };

/** The question, but for the page. */
export const question = computed(() =>
  JSON.stringify({
    project: place.value.project,
    mode: mode.value,
    filter: filter.value.trim() || null,
    sort: sort.value.length === 0 && mode.value === "runs" ? [BY_LINEAGE] : sort.value,
    columns: columns.value.length > 0 ? columns.value : null,
    archived: archived.value,
  }),
);

let pagesInView: number[] = [0];
let pagesNear: number[] = [];
let freshPages = new Set<number>();
let refreshedAt = 0;
let refreshTimer: ReturnType<typeof setTimeout> | undefined;
const REFRESH_MS = 250;
const asked = new Set<number>();
let abort = new AbortController();

async function fetchPage(page: number, isNewQuestion: boolean): Promise<void> {
  const { project, ...rest } = JSON.parse(question.peek()) as Omit<RunsSearch, "limit"> & { project: string | null };
  if (!project || asked.has(page)) return;
  asked.add(page);
  const { signal: aborted } = abort;
  isLoading.value = true;
  const body = { ...rest, limit: PAGE_ROWS, offset: page * PAGE_ROWS, lineage: true, changes: rest.mode === "runs" };
  try {
    const found = await postJson<RunsPage>(projectPath(project, "runs/search"), body, aborted);
    if (aborted.aborted) return;
    noteAnswer();
    take(page, found, isNewQuestion);
  } catch (error) {
    if (aborted.aborted) return;
    noteAnswer(error);
    if (error instanceof ProblemError)
      queryError.value = { text: sentence(error), position: error.problem.position ?? null };
  } finally {
    if (!aborted.aborted) {
      asked.delete(page);
      isLoading.value = asked.size > 0;
    }
  }
}

function take(page: number, found: RunsPage, isNewQuestion: boolean): void {
  const before = listing.peek();
  const isSame = !isNewQuestion && before?.question === question.peek();
  const pages = new Map(isSame ? before.pages : []);
  pages.set(page, found.rows);
  for (const one of pages.keys()) if (one * PAGE_ROWS >= found.total && one > 0) pages.delete(one);
  freshPages.add(page);
  batch(() => {
    queryError.value = null;
    listing.value = {
      question: question.peek(),
      total: found.total,
      run_count: found.run_count,
      experiment_count: found.experiment_count,
      columns: found.columns,
      pages,
    };
  });
}

/** Return the row at a place in the order; undefined where it was not fetched yet. */
export function rowAt(index: number): Row | undefined {
  return listing.value?.pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
}

/** Say which rows are seen: they are fetched and kept up to date, and their neighbours are fetched. */
export function showRows(first: number, last: number): void {
  const pageOf = (row: number) => Math.max(0, Math.floor(row / PAGE_ROWS));
  pagesInView = range(pageOf(first), pageOf(last));
  const end = pageOf((listing.peek()?.total ?? 1) - 1);
  pagesNear = range(pageOf(first - PAGE_ROWS / 2), Math.min(pageOf(last + PAGE_ROWS), end));
  fetchStale();
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
}

function fetchStale(): void {
  if (listing.peek()?.question !== question.peek()) return;
  for (const page of pagesInView) if (!freshPages.has(page)) void fetchPage(page, false);
  for (const page of pagesNear) if (!listing.peek()?.pages.has(page)) void fetchPage(page, false);
}

/** Fetch again what is seen, a few times a second at most. */
function refresh(): void {
  clearTimeout(refreshTimer);
  const wait = refreshedAt + REFRESH_MS - Date.now();
  if (wait > 0) {
    refreshTimer = setTimeout(refresh, wait);
    return;
  }
  refreshedAt = Date.now();
  freshPages = new Set();
  fetchStale();
}

/** Return all rows that were fetched, by run id. */
export const rowsById = computed(() => {
  const found = new Map<string, Row>();
  for (const rows of listing.value?.pages.values() ?? []) for (const row of rows) found.set(row.run_id, row);
  return found;
});

/** Keep the listing up to date with the question and the project, from now on. */
export function keepRuns(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastFilter = filter.peek();
  effect(() => {
    void question.value;
    const isTyping = filter.peek() !== lastFilter;
    lastFilter = filter.peek();
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        abort.abort();
        abort = new AbortController();
        asked.clear();
        freshPages = new Set();
        if (!place.peek().project) return;
        const isOther = listing.peek()?.question !== question.peek();
        if (isOther) pagesInView = [0];
        void fetchPage(0, true);
      },
      isTyping ? FILTER_PAUSE_MS : 0,
    );
  });
  effect(() => {
    void place.value.project;
    listing.value = null;
    queryError.value = null;
  });
  effect(() => {
    if (revision.value > 0) refresh();
  });
}
