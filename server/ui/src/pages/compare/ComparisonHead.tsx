import type { Row } from "../../api/types";
import { IconButton } from "../../controls/Button";
import { River } from "../../marks/River";
import { hrefNow, place } from "../../state/address";
import { toggleCompared } from "../../state/compare";
import { titleOf } from "../../state/drawn";
import { hoveredRun } from "../../state/hover";
import { connection } from "../../state/live";
import { colourOf } from "../../state/theme";
import { mode, reference } from "../../state/view";
import { identityOf } from "../../text/identity";
import { aboveName, whichOf } from "./columns";

// Names of a sweep differ at their ends.
const END = 6;

/** Props of `ComparisonHead`. */
export type ComparisonHeadProps = {
  runId: string;
  row: Row | undefined;
  referenceRow: Row | undefined;
  isReference: boolean;
  width: number;
  /** Steps at both ends of all rivers. */
  domain: [number, number];
};

/** Who stands in a column, what it is to the reference, and its river. */
export function ComparisonHead({ runId, row, referenceRow, isReference, width, domain }: ComparisonHeadProps) {
  if (!row) return <div class="compared-head dim mono cut">{runId}</div>;
  const title = mode.value === "experiments" && row.is_head ? titleOf(row) : row.name;
  const relation = aboveName(row, referenceRow, title);
  return (
    <div
      class="compared-head"
      onMouseEnter={() => {
        hoveredRun.value = runId;
      }}
      onMouseLeave={() => {
        hoveredRun.value = null;
      }}
    >
      <span class="relation cut" title={relation}>
        {relation}
      </span>
      <span class="compared-name">
        <button
          type="button"
          class="run-name"
          style={{ color: colourOf(row).text }}
          aria-pressed={isReference}
          title={
            isReference
              ? `${identityOf(row)}\n${runId}`
              : `${identityOf(row)}\n${runId}\nClick to compare the others with it`
          }
          onClick={() => {
            reference.value = runId;
          }}
        >
          <span class="cut">{title.slice(0, -END)}</span>
          <span>{title.slice(-END)}</span>
        </button>
        <span class="id-end">{whichOf(row)}</span>
        <span class="compared-tools">
          <a
            class="link open-run"
            href={hrefNow({ page: "run", project: place.value.project }, { run: runId, tab: null })}
            aria-label={`Open ${title}`}
          >
            open
          </a>
          <IconButton icon="close" label={`Take away ${title}`} isSmall onClick={() => toggleCompared(runId)} />
        </span>
      </span>
      <River
        lineage={row.lineage}
        domain={domain}
        width={width}
        height={28}
        colour={(reach) => colourOf(reach).line}
        isServerAway={connection.value === "away"}
        label={`Lineage of ${title}`}
      />
    </div>
  );
}
