import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Change, FamilyRun } from "../api/types";
import { Button } from "../controls/Button";
import { go, hrefNow, place } from "../state/address";
import { useValuesAt } from "../state/family";
import { colourOf } from "../state/theme";
import { compared } from "../state/view";
import { deltaClass, formatPercent } from "../text/delta";
import { formatNumber, formatStep } from "../text/format";
import { identityOf } from "../text/identity";
import { goalOf } from "../text/metrics";
import { ForkFromHere } from "./ForkFromHere";
import { shownValue, whoOf } from "./laneFacts";

/** Where a card stands, and of what it tells. */
export type CardPlace = {
  run: FamilyRun;
  isTip: boolean;
  step: number;
  /** Whether there is a checkpoint at the step. */
  isMark: boolean;
  /** Runs that were forked from the run at the step. */
  forks: readonly FamilyRun[];
  /** What it stands beside, in pixels of the view: a point, and how high the river is above and below that. */
  left: number;
  top: number;
};

/** Props of `LaneCard`. */
export type LaneCardProps = {
  at: CardPlace;
  parent: FamilyRun | null;
  metric: string | null;
  experiment: string | null;
  view: { width: number; height: number };
  onEnter: () => void;
  onLeave: () => void;
};

const GAP = 18;
const MOST_CHANGES = 6;
const MOST_FORKS = 3;
const SETTLED_MS = 60;

/** What there is to know of a run at a step, and what one can do from there. */
export function LaneCard({ at, parent, metric, experiment, view, onEnter, onLeave }: LaneCardProps) {
  const { run, step, isTip, isMark } = at;
  const card = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 340, height: 160 });
  useLayoutEffect(() => {
    const { offsetWidth: width, offsetHeight: height } = card.current!;
    if (width !== size.width || height !== size.height) setSize({ width, height });
  });
  const fitsBelow = at.top + GAP + size.height <= view.height - 8;
  const top = fitsBelow ? at.top + GAP : Math.max(8, at.top - GAP - size.height);
  const left = Math.max(8, Math.min(at.left - 40, view.width - size.width - 12));
  const project = place.value.project;
  return (
    <div
      ref={card}
      class="lane-card"
      role="group"
      aria-label={`${run.name} at step ${formatStep(step)}`}
      style={{ left: `${left}px`, top: `${top}px` }}
      onPointerEnter={onEnter}
      onPointerLeave={onLeave}
      onFocusCapture={onEnter}
      onBlurCapture={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && onLeave()}
    >
      <header>
        <span class="run-name" style={{ color: colourOf(run).text }} title={identityOf(run)}>
          {run.name}
        </span>
        <span class="mono dim">{shortId(run.run_id)}</span>
        <span class="lane-card-step">
          {isMark ? "checkpoint at step " : "step "}
          <b>{formatStep(step)}</b>
        </span>
      </header>
      <p>
        {whoOf(run, isTip, experiment)}, {run.state ?? "state unknown"}
        {run.fork && (
          <>
            ; fork of{" "}
            <span class="run-name" style={parent ? { color: colourOf(parent).text } : {}}>
              {parent?.name ?? run.fork.parent}
            </span>{" "}
            at {formatStep(run.fork.step)}
            {run.is_pending && ", which is not here yet"}
          </>
        )}
      </p>
      {at.forks.slice(0, MOST_FORKS).map((fork) => (
        <p key={fork.run_id}>
          <span class="run-name" style={{ color: colourOf(fork).text }}>
            {fork.name}
          </span>{" "}
          forked from {run.name} at step {formatStep(fork.fork?.step)}
        </p>
      ))}
      {at.forks.length > MOST_FORKS && <p>and {at.forks.length - MOST_FORKS} more</p>}
      <Comparison run={run} parent={parent} metric={metric} step={step} />
      <footer>
        <ForkFromHere run={run} step={step} kind="primary" />
        {parent && (
          <Button
            onClick={() => {
              compared.value = [parent.run_id, run.run_id];
              go({ page: "compare", project });
            }}
          >
            Compare
          </Button>
        )}
        <a class="button" href={hrefNow({ page: "run", project }, { run: run.run_id })}>
          Open
        </a>
      </footer>
    </div>
  );
}

/** The end of a generated id, by which runs with the same name are told apart. */
function shortId(runId: string): string {
  const found = /-\d{14,}-([a-z0-9]{5})$/.exec(runId);
  return found?.[1] ?? "";
}

type ComparisonProps = { run: FamilyRun; parent: FamilyRun | null; metric: string | null; step: number };

/** What the fork changed, and the pinned metric of both at the same step. */
function Comparison({ run, parent, metric, step }: ComparisonProps) {
  const settled = useSettled(step);
  const ids = parent ? [parent.run_id, run.run_id] : [run.run_id];
  const values = useLatest(useValuesAt(ids, metric, settled).value);
  const before = parent ? values?.get(parent.run_id) : undefined;
  const after = values?.get(run.run_id);
  const changes = run.changes.slice(0, MOST_CHANGES);
  const more = run.changes.length - changes.length;
  if (changes.length === 0 && !metric) return null;
  // A parent that had ended by then is not compared with what came later.
  const hasEnded = parent?.own !== null && parent?.own !== undefined && parent.own[1] < step;
  const delta = before && after && !hasEnded ? after.value - before.value : null;
  const percent = delta === null || !before || before.value === 0 ? null : (100 * delta) / Math.abs(before.value);
  const isSamePoint = before !== undefined && after !== undefined && before.source_run === after.source_run;
  return (
    <table>
      <thead>
        <tr class="dim">
          <th scope="col">at step {formatStep(step)}</th>
          {parent && <th scope="col">parent</th>}
          <th scope="col">this run</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => (
          <ChangeRow key={change.path} change={change} />
        ))}
        {more > 0 && (
          <tr class="dim">
            <td colSpan={4}>and {more} more</td>
          </tr>
        )}
        {metric && (
          <tr>
            <th scope="row" class="mono">
              {metric}
            </th>
            {parent && (
              <td class={hasEnded ? "dim" : ""} title={before && `at step ${formatStep(before.step)}`}>
                {before ? formatNumber(before.value) : "–"}
              </td>
            )}
            <td class="now">{after ? formatNumber(after.value) : "–"}</td>
            <td class={isSamePoint || hasEnded ? "dim" : deltaClass(delta, goalOf(metric))}>
              {isSamePoint
                ? "inherited"
                : hasEnded && before
                  ? `its last, at ${formatStep(before.step)}`
                  : percent !== null
                    ? formatPercent(percent)
                    : ""}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function ChangeRow({ change }: { change: Change }) {
  return (
    <tr>
      <th scope="row" class="mono" title={change.path}>
        {change.path}
      </th>
      <td>{change.before === null ? "–" : shownValue(change.before)}</td>
      <td class="now">{change.after === null ? "removed" : shownValue(change.after)}</td>
      <td />
    </tr>
  );
}

/** Return a value once it has stayed for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** Return the last value that was there: numbers do not vanish while newer ones are awaited. */
function useLatest<T>(value: T | null): T | null {
  const latest = useRef(value);
  if (value !== null) latest.current = value;
  return latest.current;
}
