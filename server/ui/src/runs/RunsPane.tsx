import { useState } from "preact/hooks";
import { AUTO_ROWS, autoCount, drawFirst, drawnIds } from "../state/drawn";
import { status } from "../state/live";
import { isLoading, listing, queryError } from "../state/runs";
import { filter, mode } from "../state/view";
import { plural } from "../text/format";
import { ColumnsButton } from "./ColumnsButton";
import { EyeMenu } from "./EyeMenu";
import { FilterField } from "./FilterField";
import { InheritedSwitch, ModeSwitch } from "./ModeSwitch";
import { RunsTable, type RunsTableProps } from "./RunsTable";
import "./runs.css";

/** The runs beside charts: which are listed, which are drawn, and how their lineages run. It fills what it stands in. */
export function RunsPane() {
  const [eyes, setEyes] = useState<Element | null>(null);
  return (
    <section class="runs-pane" aria-label="Runs">
      <div class="runs-bar">
        <ModeSwitch />
        <InheritedSwitch hasLabel />
      </div>
      <div class="runs-bar filter-bar">
        <FilterField keys="r" />
        <ColumnsButton hasText={false} />
      </div>
      <RunsBody layout="pane" onEyes={setEyes} />
      {eyes && <EyeMenu anchor={eyes} onClose={() => setEyes(null)} />}
      <footer class="runs-foot">
        <DrawnNote />
        <span class="foot-end">
          <CountNote />
        </span>
      </footer>
    </section>
  );
}

/** The table, that it is awaited, or why there is nothing in it. */
export function RunsBody(props: RunsTableProps) {
  const now = listing.value;
  return (
    <>
      <div class="runs-progress" data-shown={isLoading.value && now === null} />
      <RunsTable {...props} />
      {now?.total === 0 && !isLoading.value && <NothingFound />}
    </>
  );
}

/** What to say where no row is listed. */
function NothingFound() {
  if (queryError.value || status.value?.is_reading) return null;
  const other =
    mode.value === "experiments" && (listing.value?.run_count ?? 0) > 0 && listing.value?.experiment_count === 0;
  return (
    <p class="nothing-found" role="status">
      {other ? (
        <>
          No run here belongs to an experiment.{" "}
          <button type="button" class="link" onClick={() => (mode.value = "runs")}>
            List runs
          </button>
        </>
      ) : (
        [
          `No ${mode.value === "experiments" ? "experiment" : "run"}${filter.value.trim() ? " satisfies the filter" : ""}.`,
          ...(listing.value?.notes ?? []).map(sentenceOf),
        ].join(" ")
      )}
    </p>
  );
}

function sentenceOf(note: string): string {
  return `${note.charAt(0).toUpperCase()}${note.slice(1)}${note.endsWith("?") ? "" : "."}`;
}

const HOW_TO_CHOOSE =
  "Until you choose, charts show the first rows of the table, whichever these are. A click on an eye draws or hides its row; the eye in the head has more: how many, all, none.";

/** Which runs are drawn, in words. */
export function DrawnNote() {
  if (autoCount.value !== null)
    return (
      <span class="drawn-note" title={HOW_TO_CHOOSE}>
        <span class="eye-icon" aria-hidden="true" />
        {(listing.value?.total ?? 0) > autoCount.value
          ? `The first ${plural(autoCount.value, "row")} are drawn: click an eye to choose others`
          : "All rows are drawn: click an eye to choose some"}
      </span>
    );
  return (
    <span class="drawn-note">
      <span class="eye-icon" aria-hidden="true" /> {drawnIds.value.length} drawn
      <button type="button" class="link" onClick={() => drawFirst(AUTO_ROWS)}>
        draw the first {AUTO_ROWS}
      </button>
    </span>
  );
}

/** How many experiments and runs there are. */
export function CountNote() {
  const now = listing.value;
  if (!now) return null;
  return <>{`${plural(now.experiment_count, "experiment")}, ${plural(now.run_count, "run")}`}</>;
}
