import { useRef } from "preact/hooks";
import { getJson, postBytes, postJson, projectPath } from "../api/client";
import { type Line, readFrame } from "../api/frames";
import type { AttributesPage, BucketsQuery, Family, JsonNumber, Point } from "../api/types";
import { toNumber } from "../text/format";
import { byInterest } from "../text/metrics";
import { place } from "./address";
import { type Answer, useAnswer } from "./answer";
import { status } from "./live";

/** All runs that descend from the root of a run or of an experiment, kept up to date; nothing is asked for null. */
export function useFamily(name: string | null): Answer<Family> {
  const project = place.value.project;
  const wanted = project && name ? `family\n${project}\n${name}` : null;
  // While a project is read for the first time its runs come one after the other: a run that is not there yet is no error.
  const asked = useRef<string | null>(null);
  if (status.value && !status.value.is_reading) asked.current = wanted;
  return useAnswer<Family>(asked.current === wanted ? wanted : null, (signal) =>
    getJson(projectPath(project!, "lineage"), { run: name }, signal),
  );
}

const MOST_METRICS = 5000;
// Names of metrics are asked for by this many runs at most: those of a family log the same ones.
const MOST_ASKED = 100;

/** Metrics that runs have, those one would look at first in front. */
export function useMetrics(runIds: readonly string[]): Answer<string[]> {
  const project = place.value.project;
  const asked = [...runIds].slice(-MOST_ASKED);
  return useAnswer<string[]>(
    project && asked.length > 0 ? `metrics\n${project}\n${asked.join("\n")}` : null,
    async (signal) => {
      const body = { q: null, types: ["float_series"], run_ids: asked, limit: MOST_METRICS };
      const page = await postJson<AttributesPage>(projectPath(project!, "attributes/search"), body, signal);
      const paths = page.attributes.map((one) => one.path);
      const own = paths.filter((path) => !/^(sys|runtime)\//.test(path));
      return [...byInterest(own), ...paths.filter((path) => /^(sys|runtime)\//.test(path))];
    },
    asked,
  );
}

/** Which lines of one metric are wanted. */
export type CurvesAsked = {
  runIds: readonly string[];
  path: string | null;
  range: [number, number] | null;
  buckets: number;
};

/** Lines of one metric by run, each with what it inherited, over steps. */
export function useCurves({ runIds, path, range, buckets }: CurvesAsked): Answer<ReadonlyMap<string, Line>> {
  const project = place.value.project;
  const question =
    project && path && runIds.length > 0
      ? `curves\n${project}\n${path}\n${range?.join(" ")}\n${buckets}\n${runIds.join("\n")}`
      : null;
  return useAnswer<ReadonlyMap<string, Line>>(
    question,
    async (signal) => {
      const body: BucketsQuery = {
        run_ids: [...runIds],
        paths: [path!],
        x: "step",
        range,
        buckets,
        inherited: "lineage",
        pruned: false,
        line: "last",
        smoothing: null,
      };
      const frame = readFrame(await postBytes(projectPath(project!, "series/buckets"), body, signal));
      return new Map(frame.lines.map((line) => [line.run_id, line]));
    },
    runIds,
  );
}

const NEVER = 1e12;

/**
 * How far each of some runs had come with a metric at a moment, by run: minus infinity where it had logged none of it yet; runs
 * that never logged it are left out.
 */
export function useReached(
  runIds: readonly string[],
  path: string | null,
  moment: number | null,
): Answer<ReadonlyMap<string, number>> {
  const project = place.value.project;
  return useAnswer(
    project && path && moment !== null && runIds.length > 0
      ? `reached\n${project}\n${path}\n${moment}\n${runIds.join("\n")}`
      : null,
    async (signal) => {
      const ask = (value: number) =>
        postJson<{ points: Point[] }>(
          projectPath(project!, "series/at"),
          { run_ids: runIds, path, x: { kind: "time", value }, inherited: "own" },
          signal,
        );
      const [then, ever] = await Promise.all([ask(moment!), ask(NEVER)]);
      const found = new Map(ever.points.map((point) => [point.run_id, Number.NEGATIVE_INFINITY]));
      for (const point of then.points) found.set(point.run_id, point.step);
      return found;
    },
    runIds,
  );
}

/** The exact last point of a metric at or before a step, of one run or of several, by run. */
export function useValuesAt(
  runIds: readonly string[],
  path: string | null,
  step: number | null,
): Answer<ReadonlyMap<string, { step: number; value: number; source_run: string }>> {
  const project = place.value.project;
  return useAnswer(
    project && path && step !== null && runIds.length > 0
      ? `at\n${project}\n${path}\n${step}\n${runIds.join("\n")}`
      : null,
    async (signal) => {
      const body = { run_ids: runIds, path, x: { kind: "step", value: step }, inherited: "lineage" };
      const { points } = await postJson<{ points: Point[] }>(projectPath(project!, "series/at"), body, signal);
      return new Map(
        points.map(({ run_id, step: at, value, source_run }) => [
          run_id,
          { step: at, value: toNumber(value as JsonNumber), source_run },
        ]),
      );
    },
    runIds,
  );
}
