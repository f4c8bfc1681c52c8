import { effect, signal } from "@preact/signals";
import { postJson, projectPath } from "../api/client";
import type { Row, RunsPage } from "../api/types";
import { place } from "./address";
import { noteAnswer, revision } from "./live";
import { BY_LINEAGE, listing, rowsById } from "./runs";
import { archived, columns, expanded, mode } from "./view";

/** Runs below experiments that are expanded, by head, families together and depth first; what was fetched last stays. */
export const runsBelow = signal<ReadonlyMap<string, readonly Row[]>>(new Map());

const MOST_BELOW = 1000;
const REFRESH_MS = 250;

/** Show or hide the runs of an experiment. */
export function toggleExpanded(head: string): void {
  const before = expanded.peek();
  expanded.value = before.includes(head) ? before.filter((one) => one !== head) : [...before, head];
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Return a filter for the runs that an experiment consists of: those of its name, and those that its head descends from. */
export function filterBelow(head: Row): string {
  const ids = head.lineage.map((reach) => `\`sys/custom_run_id\`:string == ${quoted(reach.run_id)}`);
  const byName = head.experiment === null ? [] : [`\`sys/name\`:string == ${quoted(head.experiment)}`];
  return [...byName, ...ids].join(" OR ");
}

async function fetchBelow(project: string, head: Row, signal: AbortSignal): Promise<readonly Row[]> {
  const body = {
    mode: "runs",
    filter: filterBelow(head),
    sort: [BY_LINEAGE],
    columns: columns.peek().length > 0 ? columns.peek() : (listing.peek()?.columns.map((one) => one.title) ?? null),
    limit: MOST_BELOW,
    archived: archived.peek(),
    lineage: true,
  };
  return (await postJson<RunsPage>(projectPath(project, "runs/search"), body, signal)).rows;
}

/** Fetch the runs of expanded experiments, from now on. */
export function keepExpanded(): void {
  let abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = "";
  let wanted: { project: string; heads: Row[]; question: string } | null = null;
  const fetchAll = async () => {
    timer = undefined;
    if (!wanted) return;
    const { project, heads, question } = wanted;
    asked = question;
    abort.abort();
    abort = new AbortController();
    const { signal: aborted } = abort;
    try {
      const found = await Promise.all(heads.map((head) => fetchBelow(project, head, aborted)));
      if (aborted.aborted) return;
      noteAnswer();
      runsBelow.value = new Map(heads.map((head, at) => [head.run_id, found[at]!]));
    } catch (error) {
      if (aborted.aborted) return;
      asked = "";
      noteAnswer(error);
    }
  };
  effect(() => {
    const project = place.value.project;
    const rows = rowsById.value;
    const heads = expanded.value.flatMap((id) => rows.get(id) ?? []);
    const question = JSON.stringify([project, revision.value, columns.value, heads.map((head) => head.run_id)]);
    const isAsked = mode.value === "experiments" && project !== null && heads.length > 0;
    wanted = isAsked && question !== asked ? { project, heads, question } : null;
    if (!wanted) return;
    const isFirst = heads.some((head) => !runsBelow.peek().has(head.run_id));
    if (isFirst) clearTimeout(timer);
    if (isFirst || timer === undefined) timer = setTimeout(fetchAll, isFirst ? 0 : REFRESH_MS);
  });
}
