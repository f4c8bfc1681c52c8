import { StateMark } from "../marks/River";
import { colourOf } from "../state/theme";
import { formatStep, formatTime } from "../text/format";
import { identityOf } from "../text/identity";
import type { Geometry } from "./geometry";
import { originOf, roleOf, stepsOf } from "./laneFacts";
import type { Entry } from "./lanes";

/** Props of `LaneLabel`. */
export type LaneLabelProps = { entry: Entry; experiment: string | null; geometry: Geometry; isLater: boolean };

/** Who the run of a lane is. */
export function LaneLabel({ entry, experiment, geometry, isLater }: LaneLabelProps) {
  const { run, lane } = entry;
  const role = roleOf(run, lane.run.isTip, experiment);
  const isRoomy = geometry.height >= 128;
  return (
    <div class="lane-label" style={{ width: `${geometry.gutter - 44}px`, top: `${geometry.river - 14}px` }}>
      <p
        class={lane.run.isTip ? "lane-name run-name tip" : "lane-name run-name"}
        style={{ color: colourOf(run).text }}
        title={`${identityOf(run)}\n${run.run_id}`}
      >
        {run.name}
        {geometry.gutter >= 200 && run.experiment !== null && run.run_count > 1 && (
          <span class="lane-place">
            {formatStep(run.run_place)} of {formatStep(run.run_count)}
          </span>
        )}
      </p>
      <p title={originOf(run)}>
        {geometry.gutter < 200 && run.fork ? `@${formatStep(run.fork.step)}` : originOf(run)}
        {role && ` · ${role}`}
      </p>
      {isLater && <p class="dim">begins {formatTime(run.created)}</p>}
      {isRoomy && !isLater && <p class="dim">{stepsOf(lane.run.own, lane.keptTo)}</p>}
      {!isLater && (
        <p class={geometry.height < 92 ? "unseen" : isRoomy ? "" : "dim"}>
          <StateMark state={lane.run.state} />
        </p>
      )}
    </div>
  );
}

/** How many runs a folded lane holds, and their steps. */
export function FoldedLabel({ entry, geometry }: { entry: Entry; geometry: Geometry }) {
  const steps = entry.lane.run.own;
  return (
    <div class="lane-label" style={{ width: `${geometry.gutter - 44}px`, top: `${geometry.river - 14}px` }}>
      <p class="lane-name folded">{entry.folded.length} more runs</p>
      <p class="dim">{steps ? `${formatStep(steps[0])} – ${formatStep(steps[1])}` : ""}</p>
    </div>
  );
}
