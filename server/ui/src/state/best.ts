import { postJson, projectPath } from "../api/client";
import type { Extremes } from "../api/types";
import { place } from "./address";
import { type Answer, useAnswer } from "./answer";

/** What runs show of a metric at its least and its greatest: one run, and all of its family. */
export type FamilyExtremes = { line: Extremes; family: Extremes };

/** The server takes no more runs in one question. */
const MOST_RUNS = 2000;

/** The extremes of a metric on the line of a run and in its whole family, kept up to date; nothing is asked for null. */
export function useExtremes(
  runId: string | null,
  family: readonly string[],
  path: string | null,
): Answer<FamilyExtremes> {
  const project = place.value.project;
  const others = family.filter((one) => one !== runId).slice(1 - MOST_RUNS);
  return useAnswer(
    project && runId && path ? `extremes\n${project}\n${path}\n${runId}\n${others.join("\n")}` : null,
    async (signal) => {
      const ask = (run_ids: readonly string[]) =>
        postJson<Extremes>(projectPath(project!, "series/extremes"), { run_ids, path }, signal);
      const [line, all] = await Promise.all([ask([runId!]), ask([runId!, ...others])]);
      return { line, family: all };
    },
    family,
  );
}
