import type { Family, Point } from "../api/types";
import { hrefNow, place } from "../state/address";
import { useExtremes } from "../state/best";
import { chosenGoals, goalFor, setGoal } from "../state/goals";
import { colourOf } from "../state/theme";
import { formatNumber, formatStep, plural, toNumber } from "../text/format";
import { bestsOf, fateOf } from "./best";
import { ForkFromHere } from "./ForkFromHere";

/** Props of `BestFacts`. */
export type BestFactsProps = {
  /** Whose line it is. */
  runId: string;
  family: Family;
  metric: string | null;
  /** What that line is called: "the head's line". */
  line: string;
};

/** The best value of a metric on a run's line and, where its family has a better one beside it, that one: both can be forked. */
export function BestFacts({ runId, family, metric, line }: BestFactsProps) {
  const ids = family.runs.map((run) => run.run_id);
  const { value } = useExtremes(runId, ids, metric);
  if (!value || metric === null) return null;
  const goal = goalFor(metric, value.family.goal);
  if (goal === null) return <WhichIsBetter metric={metric} />;
  const { shown, beyond } = bestsOf(value.line, value.family, goal);
  const what = <span class="mono">{metric}</span>;
  const ofAll = ids.length > 1 ? `best of all ${plural(ids.length, "run")}: ` : "best ";
  return (
    <>
      {shown && (
        <span class="best-fact">
          {beyond ? `best on ${line}: ` : ofAll}
          {what} <Value point={shown} />
          {!beyond && ids.length > 1 && `, on ${line}`} <Fork point={shown} family={family} runId={runId} />
        </span>
      )}
      {beyond && (
        <span class="best-fact">
          {ofAll}
          {!shown && what} <Value point={beyond} /> in <Writer point={beyond} family={family} />
          {withComma(fateOf(beyond, family.runs))} <Fork point={beyond} family={family} runId={beyond.source_run} />
        </span>
      )}
    </>
  );
}

/** Asks what nobody said: without it nothing can be called the best. */
function WhichIsBetter({ metric }: { metric: string }) {
  if (Object.hasOwn(chosenGoals.value, metric)) return null;
  return (
    <span class="best-fact">
      Which <span class="mono">{metric}</span> is better,{" "}
      <button type="button" class="link" onClick={() => setGoal(metric, "min")}>
        low
      </button>{" "}
      or{" "}
      <button type="button" class="link" onClick={() => setGoal(metric, "max")}>
        high
      </button>
      ?
    </span>
  );
}

function withComma(text: string): string {
  return text && `, ${text}`;
}

function Value({ point }: { point: Point }) {
  return (
    <>
      <b>{formatNumber(toNumber(point.value))}</b> at step {formatStep(point.step)}
    </>
  );
}

function Writer({ point, family }: { point: Point; family: Family }) {
  const run = family.runs.find((one) => one.run_id === point.source_run);
  if (!run) return <i>{point.source_run}</i>;
  return (
    <a
      class="run-name"
      style={{ color: colourOf(run).text }}
      href={hrefNow({ page: "run", project: place.value.project }, { run: run.run_id })}
      title={run.run_id}
    >
      {run.name}
    </a>
  );
}

function Fork({ point, family, runId }: { point: Point; family: Family; runId: string }) {
  const run = family.runs.find((one) => one.run_id === runId);
  return run ? <ForkFromHere run={run} step={point.step} isLink /> : null;
}
