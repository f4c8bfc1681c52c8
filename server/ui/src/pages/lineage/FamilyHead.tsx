import type { Line } from "../../api/frames";
import type { Family, FamilyRun } from "../../api/types";
import { BestFacts } from "../../lineage/BestFacts";
import { experimentOf, stepsOfFamily } from "../../lineage/geometry";
import type { Standing } from "../../lineage/moment";
import { bestOf } from "../../lineage/scales";
import { StateMark } from "../../marks/River";
import { hrefNow, place } from "../../state/address";
import { goalFor } from "../../state/goals";
import { colourOf } from "../../state/theme";
import { asOf } from "../../state/view";
import { formatNumber, formatStep, plural } from "../../text/format";
import { FamilyChooser } from "./FamilyChooser";

/** Props of `FamilyHead`. */
export type FamilyHeadProps = {
  family: Family;
  standing: Standing;
  metric: string | null;
  curves: ReadonlyMap<string, Line>;
};

/** The head as it stood, where the family is drawn for an experiment; else the run that it is drawn for. */
function headAt(family: Family, standing: Standing): FamilyRun | undefined {
  const experiment = experimentOf(family);
  const tips = new Set(standing.runs.filter((run) => run.isTip).map((run) => run.run_id));
  const found = family.runs.find((run) => run.experiment === experiment && experiment !== null && tips.has(run.run_id));
  const head = found ?? family.runs.find((run) => run.run_id === family.focus);
  return head && { ...head, state: standing.states.get(head.run_id) ?? null, is_head: found !== undefined };
}

/** What a family is called, and in one line how it stands. */
export function FamilyHead({ family, standing, metric, curves }: FamilyHeadProps) {
  const focus = headAt(family, standing);
  const steps = stepsOfFamily(family.runs);
  const until = standing.runs.find((run) => run.run_id === focus?.run_id)?.own?.[1];
  const line = focus ? curves.get(focus.run_id) : undefined;
  const goal = metric ? goalFor(metric) : null;
  const best = asOf.value > 0 && line && goal ? bestOf(line, goal, until) : null;
  return (
    <>
      <div class="family-head">
        <FamilyChooser title={titleOf(family)} />
        <p class="family-facts">
          <span>
            {plural(family.runs.length, "run")}
            {steps && `, steps ${formatStep(steps[0])} – ${formatStep(steps[1])}`}
          </span>
          {focus && (
            <span>
              {focus.is_head ? "head " : "seen from "}
              <a
                class="run-name"
                style={{ color: colourOf(focus).text }}
                href={hrefNow({ page: "run", project: place.value.project }, { run: focus.run_id })}
              >
                {focus.name}
              </a>
            </span>
          )}
          {focus && <StateMark state={focus.state} />}
        </p>
      </div>
      <p class="family-best">
        {focus && asOf.value === 0 && (
          <BestFacts
            runId={focus.run_id}
            family={family}
            metric={metric}
            line={focus.is_head ? "the head's line" : "its line"}
          />
        )}
        {best && metric && (
          <span>
            best on its line so far <span class="mono">{metric}</span> <b>{formatNumber(best.value)}</b>{" "}
            {best.isExact ? "at" : "near"} step {formatStep(best.step)}
          </span>
        )}
      </p>
    </>
  );
}

function titleOf(family: Family): string {
  return experimentOf(family) ?? family.runs.find((run) => run.run_id === family.focus)?.name ?? family.focus;
}
