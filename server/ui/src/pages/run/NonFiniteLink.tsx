import { batch } from "@preact/signals";
import type { Line } from "../../api/frames";
import { nonFiniteOf } from "../../chart/nonfinite";
import { axis, fullChart, tab } from "../../state/view";
import { zoomTo } from "../../state/windows";

/** How much of a line is shown around its first value that is no number. */
const SHARE = 0.02;

/** How many values of a line by step are no numbers, and where the first is; a click shows it in the metric's chart. */
export function NonFiniteLink({ line }: { line: Line }) {
  const found = nonFiniteOf([line], "step");
  if (!found) return null;
  const around = ((line.last?.x ?? 0) - (line.first?.x ?? 0)) * SHARE || 1;
  return (
    <button
      type="button"
      class="link bad"
      title="Show it in the chart"
      onClick={() =>
        batch(() => {
          axis.value = "step";
          tab.value = "charts";
          fullChart.value = line.path;
          zoomTo([found.x - around, found.x + around]);
        })
      }
    >
      {found.text}
    </button>
  );
}
