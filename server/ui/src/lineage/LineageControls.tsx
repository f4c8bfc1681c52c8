import { useState } from "preact/hooks";
import { Button } from "../controls/Button";
import { Chooser } from "../controls/Chooser";
import { Segmented } from "../controls/Segmented";
import { asList, go, place } from "../state/address";
import { hidesPruned, lineageScale, lineageWindow, pinnedMetric, selectedRuns } from "../state/view";
import { formatStep } from "../text/format";
import { meanings } from "../text/words";

const MOST_SHOWN = 200;

/** Props of `LineageControls`. */
export type LineageControlsProps = { metrics: readonly string[]; metric: string | null; isLog: boolean };

/** What can be changed about how a lineage is drawn. */
export function LineageControls({ metrics, metric, isLog }: LineageControlsProps) {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = metrics.filter((path) => words.every((word) => path.toLowerCase().includes(word)));
  return (
    <div class="lineage-controls">
      <Selection />
      {lineageWindow.value && (
        <Button
          kind="quiet"
          title="Show all steps (double click does the same)"
          onClick={() => {
            lineageWindow.value = null;
          }}
        >
          steps {formatStep(Math.round(lineageWindow.value[0]))} – {formatStep(Math.round(lineageWindow.value[1]))}
          <span class="dim"> show all</span>
        </Button>
      )}
      <span class="pair">
        <span class="dim">pinned</span>
        <Chooser
          label="Pinned metric"
          choices={found.slice(0, MOST_SHOWN).map((path) => ({
            key: path,
            text: <span class="mono">{path}</span>,
            title: path,
          }))}
          chosen={metric}
          placeholder={`${metrics.length} metrics`}
          search={search}
          onSearch={setSearch}
          onChoose={(path) => {
            pinnedMetric.value = path;
          }}
          nothing={metrics.length === 0 ? "These runs have logged no metric yet." : "No metric has these letters."}
          align="right"
        >
          <span class="mono">{metric ?? "none"}</span>
        </Chooser>
      </span>
      <Segmented
        label="Scale of the pinned metric"
        value={isLog ? "log" : "linear"}
        options={[
          { value: "linear", text: "linear" },
          { value: "log", text: "log" },
        ]}
        onChange={(value) => {
          lineageScale.value = value;
        }}
      />
      <span class="pair">
        <span class="dim" title={meanings.pruned}>
          pruned
        </span>
        <Segmented
          label="What no head keeps"
          value={hidesPruned.value ? "hide" : "show"}
          options={[
            { value: "hide", text: "hide" },
            { value: "show", text: "show" },
          ]}
          onChange={(value) => {
            hidesPruned.value = value === "hide";
          }}
        />
      </span>
    </div>
  );
}

function Selection() {
  const chosen = selectedRuns.value;
  if (chosen.length === 0) return null;
  return (
    <span class="pair">
      <Button
        kind="primary"
        disabled={chosen.length < 2}
        title={chosen.length < 2 ? "Select another branch to compare it with" : "Stand them side by side"}
        onClick={() => go({ page: "compare", project: place.peek().project }, { with: asList.write(chosen) })}
      >
        Compare {chosen.length > 1 ? chosen.length : ""} selected
      </Button>
      <Button
        kind="quiet"
        onClick={() => {
          selectedRuns.value = [];
        }}
      >
        Clear
      </Button>
    </span>
  );
}
