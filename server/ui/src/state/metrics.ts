import { computed, effect, signal } from "@preact/signals";
import { postJson, projectPath, sentence, UnreachableError } from "../api/client";
import type { AttributesPage } from "../api/types";
import { place, shownProject } from "./address";
import { drawnIds } from "./drawn";
import { noteAnswer, revision } from "./live";
import { type MetricSearch, readSearch } from "./metricSearch";
import { listing } from "./runs";
import { chartSearch, hiddenCharts } from "./view";

const PAGE = 5000;
const REFRESH_MS = 2000;

/** Metrics of some runs; null before the server has told. */
export type Metrics = { paths: string[]; error: string | null };
/** Metrics of the runs that are drawn; null before the server has told. */
export const metrics = signal<Metrics | null>(null);

/** Ask for the paths of all metrics of some runs. */
export async function fetchMetrics(
  project: string,
  runIds: readonly string[],
  aborted: AbortSignal,
): Promise<string[]> {
  const paths: string[] = [];
  for (;;) {
    const body = { q: null, types: ["float_series"], run_ids: runIds, limit: PAGE, offset: paths.length };
    const page = await postJson<AttributesPage>(projectPath(project, "attributes/search"), body, aborted);
    paths.push(...page.attributes.map((one) => one.path));
    if (page.attributes.length === 0 || paths.length >= page.total) return paths;
  }
}

let latest: MetricSearch = { matches: () => true, error: null };
/** The search as it can be used: the last that could be read, with what is wrong with the one that cannot. */
export const search = computed<MetricSearch>(() => {
  const read = readSearch(chartSearch.value);
  if (read.error === null) latest = read;
  return { matches: latest.matches, error: read.error };
});

/** Return the paths that are found, and that were not put out of sight. */
export function found(paths: readonly string[]): string[] {
  const hidden = new Set(hiddenCharts.value);
  return paths.filter((path) => search.value.matches(path) && !hidden.has(path));
}

/** Keep the list of metrics up to date with the runs that are drawn, from now on; returns what ends it. */
export function keepMetrics(): () => void {
  let abort = new AbortController();
  let asked = "";
  let askedAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = (project: string, ids: readonly string[]) => {
    abort.abort();
    abort = new AbortController();
    askedAt = performance.now();
    const { signal: aborted } = abort;
    fetchMetrics(project, ids, aborted)
      .then((paths) => {
        noteAnswer();
        if (!sameList(metrics.peek()?.paths, paths) || metrics.peek()?.error) metrics.value = { paths, error: null };
      })
      .catch((error: unknown) => {
        if (aborted.aborted) return;
        noteAnswer(error);
        asked = "";
        if (!(error instanceof UnreachableError))
          metrics.value = { paths: metrics.peek()?.paths ?? [], error: sentence(error) };
      });
  };
  const end = effect(() => {
    void revision.value;
    const { project } = place.value;
    const ids = drawnIds.value;
    const key = JSON.stringify([project, ids]);
    clearTimeout(timer);
    if (!project || (ids.length === 0 && !listing.value)) return;
    if (ids.length === 0) {
      asked = key;
      metrics.value = { paths: [], error: null };
      return;
    }
    const isOther = key !== asked;
    asked = key;
    timer = setTimeout(() => ask(project, ids), isOther ? 0 : Math.max(0, askedAt + REFRESH_MS - performance.now()));
  });
  const endProject = effect(() => {
    void shownProject.value;
    metrics.value = null;
  });
  return () => {
    clearTimeout(timer);
    abort.abort();
    end();
    endProject();
  };
}

function sameList(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one !== undefined && one.length === other.length && one.every((path, at) => path === other[at]);
}
