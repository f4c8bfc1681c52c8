import { signal } from "@preact/signals";
import { postJson, projectPath } from "../api/client";
import type { AttributesPage, Content, Definition, RunsPage } from "../api/types";
import { place } from "./address";
import { noteAnswer } from "./live";

/** Attributes of the project that were met so far, by path and type. */
export const knownDefinitions = signal<ReadonlyMap<string, Definition>>(new Map());

const LIMIT = 60;
const answered = new Map<string, number>();
const STALE_MS = 10_000;
let knownOf: string | null = null;

/** Forget what another project has. */
function keepToProject(project: string): void {
  if (project === knownOf) return;
  knownOf = project;
  answered.clear();
  knownDefinitions.value = new Map();
}

/** Return a pattern that finds a text as it is. */
export function literally(text: string): string {
  // A blank beside `|` and `&` would part patterns, and a leading `!` negate one.
  return text
    .replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")
    .replaceAll(" ", "\\x20")
    .replace(/^!/, "\\x21");
}

/** Ask for attributes whose paths have a text in them; what is found is known from then on. */
export async function findDefinitions(text: string, signal?: AbortSignal): Promise<void> {
  const { project } = place.peek();
  if (!project) return;
  keepToProject(project);
  if (performance.now() - (answered.get(text) ?? Number.NEGATIVE_INFINITY) < STALE_MS) return;
  const body = { q: text === "" ? null : literally(text), limit: LIMIT };
  try {
    const page = await postJson<AttributesPage>(projectPath(project, "attributes/search"), body, signal);
    noteAnswer();
    if (project !== knownOf) return;
    answered.set(text, performance.now());
    const known = new Map(knownDefinitions.peek());
    for (const one of page.attributes) known.set(`${one.path}\n${one.type}`, one);
    knownDefinitions.value = known;
  } catch (error) {
    if (!signal?.aborted) noteAnswer(error);
  }
}

const VALUES_FROM = 200;
const MOST_VALUES = 50;

/** Return values that an attribute has among the latest runs, the most frequent first. */
export async function findValues(path: string, signal?: AbortSignal): Promise<string[]> {
  const { project } = place.peek();
  if (!project || path === "") return [];
  const body = {
    mode: "runs",
    columns: [path],
    limit: VALUES_FROM,
  };
  try {
    const page = await postJson<RunsPage>(projectPath(project, "runs/search"), body, signal);
    noteAnswer();
    const title = page.columns[0]?.title;
    return title === undefined ? [] : byFrequency(page.rows.flatMap((row) => words(row.values[title])));
  } catch (error) {
    if (!signal?.aborted) noteAnswer(error);
    return [];
  }
}

function words(value: Content | undefined): string[] {
  if (Array.isArray(value)) return value;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? [String(value)] : [];
}

/** Return distinct texts, the most frequent first. */
export function byFrequency(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, MOST_VALUES)
    .map(([text]) => text);
}
