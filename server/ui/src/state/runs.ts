import { batch, computed, effect, signal } from "@preact/signals";
import { ProblemError, postJson, projectPath, sentence } from "../api/client";
import type { Column, Row, RunsPage, RunsSearch, Sort } from "../api/types";
import { place } from "./address";
import { changedRuns, noteAnswer, revision } from "./live";
import { archived, columns, filter, mode, sort } from "./view";

/** Rows that are asked for at once. */
export const PAGE_ROWS = 200;
const FILTER_PAUSE_MS = 120;

/** Runs or experiments, as far as they were fetched. */
export type Listing = {
  /** What was asked; another question makes another listing. */
  question: string;
  /** The question but for its columns: as long as it is the same, rows keep their places. */
  order: string;
  total: number;
  run_count: number;
  experiment_count: number;
  notes: string[];
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

type Question = Omit<RunsSearch, "limit" | "offset" | "lineage" | "changes"> & { project: string | null };

/** The question, but for the page. */
export const question = computed(() =>
  JSON.stringify({
    project: place.value.project,
    mode: mode.value,
    filter: filter.value.trim() || null,
    sort: sort.value.length === 0 && mode.value === "runs" ? [BY_LINEAGE] : sort.value,
    columns: columns.value.length > 0 ? columns.value : null,
    archived: archived.value,
  } satisfies Question),
);

/** Return what decides which rows stand where: all of a question but the columns. */
function orderOf(asked: string): string {
  return JSON.stringify({ ...(JSON.parse(asked) as Question), columns: null });
}

/** Pages that are seen, first and last. */
export const seenPages = signal<readonly [number, number]>([0, 0]);
let pagesInView: number[] = [0];
let pagesNear: number[] = [];
let freshPages = new Set<number>();
let refreshedAt = Number.NEGATIVE_INFINITY;
let refreshTimer: ReturnType<typeof setTimeout> | undefined;
const REFRESH_MS = 250;
// While a large project is read for the first time, all of it changes all the time: asking may take a fifth of that.
const BUSY_SHARE = 4;
let lastDuration = 0;
const asking = new Set<string>();
let abort = new AbortController();

async function fetchPage(page: number, asked: string): Promise<void> {
  const { project, ...rest } = JSON.parse(asked) as Question;
  const key = `${page} ${asked}`;
  if (!project || asking.has(key)) return;
  asking.add(key);
  const { signal: aborted } = abort;
  isLoading.value = true;
  const began = performance.now();
  const body = { ...rest, limit: PAGE_ROWS, offset: page * PAGE_ROWS, lineage: true, changes: rest.mode === "runs" };
  try {
    const found = await postJson<RunsPage>(projectPath(project, "runs/search"), body, aborted);
    if (aborted.aborted) return;
    noteAnswer();
    lastDuration = performance.now() - began;
    take(page, found, asked);
  } catch (error) {
    if (aborted.aborted) return;
    noteAnswer(error);
    if (error instanceof ProblemError && asked === question.peek())
      queryError.value = { text: sentence(error), position: error.problem.position ?? null };
  } finally {
    if (!aborted.aborted) {
      asking.delete(key);
      isLoading.value = asking.size > 0;
    }
  }
}

function take(page: number, found: RunsPage, asked: string): void {
  const before = listing.peek();
  const order = orderOf(asked);
  if (before?.question !== asked) {
    if (asked !== question.peek()) return;
    freshPages = new Set();
  }
  // With other columns the rows stay where they are, and get their new values page by page.
  const pages = new Map(before?.order === order ? before.pages : []);
  pages.set(page, found.rows);
  for (const one of pages.keys()) if (one * PAGE_ROWS >= found.total && one > 0) pages.delete(one);
  if (found.revision >= revision.peek()) freshPages.add(page);
  else refresh(); // something came while the answer was on its way
  batch(() => {
    if (asked === question.peek()) queryError.value = null;
    listing.value = {
      question: asked,
      order,
      total: found.total,
      run_count: found.run_count,
      experiment_count: found.experiment_count,
      notes: found.notes,
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
  const [before, until] = seenPages.peek();
  if (before !== pageOf(first) || until !== pageOf(last)) seenPages.value = [pageOf(first), pageOf(last)];
  const end = pageOf((listing.peek()?.total ?? 1) - 1);
  pagesNear = range(pageOf(first - PAGE_ROWS / 2), Math.min(pageOf(last + PAGE_ROWS), end));
  fetchStale();
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
}

/** Ask again for what the table shows; a filter that cannot be read leaves the last one that could. */
function fetchStale(): void {
  const now = listing.peek();
  // What had no answer, as while the project is being read for the first time, may have one now.
  if (now?.question !== question.peek() && queryError.peek()?.position == null) void fetchPage(0, question.peek());
  if (!now) return;
  for (const page of pagesInView) if (!freshPages.has(page)) void fetchPage(page, now.question);
  for (const page of pagesNear) if (!now.pages.has(page)) void fetchPage(page, now.question);
}

/** Fetch again what is seen, a few times a second at most, and less often where an answer takes long. */
function refresh(): void {
  clearTimeout(refreshTimer);
  const wait = refreshedAt + Math.max(REFRESH_MS, BUSY_SHARE * lastDuration) - performance.now();
  if (wait > 0) {
    refreshTimer = setTimeout(refresh, wait);
    return;
  }
  refreshedAt = performance.now();
  freshPages = new Set();
  fetchStale();
}

/** Return whether what is seen may be otherwise, now that these runs changed; null is any. */
function mayDiffer(changed: ReadonlySet<string> | null): boolean {
  const now = listing.peek();
  if (!changed || !now) return true;
  const { filter: condition, sort: order } = JSON.parse(now.question) as Question;
  if (condition !== null || order.some((one) => one.column !== BY_LINEAGE.column)) return true;
  const seen = new Set(pagesInView.flatMap((page) => (now.pages.get(page) ?? []).map((row) => row.run_id)));
  const known = rowsById.peek();
  return [...changed].some((runId) => seen.has(runId) || !known.has(runId));
}

/** Return all rows that were fetched, by run id. */
export const rowsById = computed(() => {
  const found = new Map<string, Row>();
  for (const rows of listing.value?.pages.values() ?? []) for (const row of rows) found.set(row.run_id, row);
  return found;
});

function askAnew(): void {
  abort.abort();
  abort = new AbortController();
  asking.clear();
  isLoading.value = false;
  const asked = question.peek();
  if (listing.peek()?.order !== orderOf(asked)) pagesInView = [0];
  freshPages = new Set();
  for (const page of pagesInView) void fetchPage(page, asked);
}

/** Keep the listing up to date with the question and the project, from now on. */
export function keepRuns(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastFilter = filter.peek();
  effect(() => {
    void question.value;
    const isTyping = filter.peek() !== lastFilter;
    lastFilter = filter.peek();
    clearTimeout(timer);
    timer = setTimeout(askAnew, isTyping ? FILTER_PAUSE_MS : 0);
  });
  let project: string | null = null;
  effect(() => {
    if (place.value.project === project) return; // another page of the project shows the same runs
    project = place.value.project;
    listing.value = null;
    queryError.value = null;
  });
  effect(() => {
    if (revision.value > 0 && mayDiffer(changedRuns.peek())) refresh();
  });
}
