import { apiUrl, getJson, projectPath } from "../api/client";
import type { ConsolePage } from "../api/types";
import type { ConsoleSource, ConsoleUpdate } from "../console/source";

/** What of a run's output is shown. */
export type ConsoleView = { project: string; run: string; stream: string; rank: number };

function parametersOf({ run, stream, rank }: ConsoleView): Record<string, string | number | null> {
  return { run, stream, rank: rank < 0 ? null : rank };
}

/** Return where the lines of a run's output come from. */
export function consoleSource(view: ConsoleView): ConsoleSource {
  const parameters = parametersOf(view);
  return {
    page: (offset, limit, signal) =>
      getJson<ConsolePage>(projectPath(view.project, "console"), { ...parameters, offset, limit }, signal),
    updates: async (n) => {
      const path = projectPath(view.project, "console/updates");
      return (await getJson<{ updates: ConsoleUpdate[] }>(path, { ...parameters, n })).updates;
    },
  };
}

/** Lines in which something stands. */
export type Hits = { total: number; lines: number[] };
const MOST_HITS = 100_000;

/** Look for a text in all of a run's output. */
export function searchConsole(view: ConsoleView, q: string, signal: AbortSignal): Promise<Hits> {
  const path = projectPath(view.project, "console/search");
  return getJson<Hits>(path, { ...parametersOf(view), q, limit: MOST_HITS }, signal);
}

/** Return where all of a run's output is, as text. */
export function rawUrl(view: ConsoleView, inColours: boolean): string {
  const parameters = { ...parametersOf(view), ...(inColours && { colours: "true" }) };
  return apiUrl(projectPath(view.project, "console/raw"), parameters).href;
}

/** Return the moment of a line, Unix seconds. */
export async function timeOfLine(view: ConsoleView, line: number): Promise<number> {
  const path = projectPath(view.project, "console");
  const page = await getJson<ConsolePage>(path, { ...parametersOf(view), offset: line, limit: 1 });
  return Date.parse(page.lines[0]?.time ?? "") / 1000;
}
