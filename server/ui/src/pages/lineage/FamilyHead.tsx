import type { Line } from "../../api/frames";
import type { Family } from "../../api/types";
import { experimentOf, stepsOfFamily } from "../../lineage/geometry";
import { bestOf } from "../../lineage/scales";
import { StateMark } from "../../marks/River";
import { href, place } from "../../state/address";
import { colourOf } from "../../state/theme";
import { formatNumber, formatStep, plural } from "../../text/format";
import { goalOf } from "../../text/metrics";
import { FamilyChooser } from "./FamilyChooser";

/** Props of `FamilyHead`. */
export type FamilyHeadProps = { family: Family; metric: string | null; curves: ReadonlyMap<string, Line> };

/** What a family is called, and in one line how it stands. */
export function FamilyHead({ family, metric, curves }: FamilyHeadProps) {
  const focus = family.runs.find((run) => run.run_id === family.focus);
  const [low, high] = stepsOfFamily(family.runs);
  const line = curves.get(family.focus);
  const best = line && metric ? bestOf(line, goalOf(metric)) : null;
  const hasPoints = family.runs.some((run) => run.own !== null);
  return (
    <div class="family-head">
      <FamilyChooser title={experimentOf(family) ?? focus?.name ?? family.focus} />
      <p class="family-facts">
        <span>
          {plural(family.runs.length, "run")}
          {hasPoints && `, steps ${formatStep(low)} – ${formatStep(high)}`}
        </span>
        {focus && (
          <span>
            {focus.is_head ? "head " : "seen from "}
            <a
              class="run-name"
              style={{ color: colourOf(focus).text }}
              href={href({ page: "run", project: place.value.project }, { run: focus.run_id })}
            >
              {focus.name}
            </a>
          </span>
        )}
        {focus && <StateMark state={focus.state} />}
        {best && metric && (
          <span>
            best <span class="mono">{metric}</span> <b>{formatNumber(best.value)}</b> {best.isExact ? "at" : "near"}{" "}
            {formatStep(best.step)}
          </span>
        )}
      </p>
    </div>
  );
}
