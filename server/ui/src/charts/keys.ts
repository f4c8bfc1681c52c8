import { useEffect } from "preact/hooks";
import type { Axis } from "../api/types";
import { isLogNow } from "../chart/mounted";
import { cursor, hoveredRun } from "../state/hover";
import { shortcut } from "../state/keys";
import { chooseScale, fullChart, scale } from "../state/view";
import { axisToBe, changeAxis, redoZoom, undoZoom } from "../state/windows";

const AXES: Axis[] = ["step", "relative", "time"];

/** Return the chart that a key is about: the focused one, or the one under the pointer. */
function chartOfKeys(): string | null {
  const focused = document.activeElement?.closest<HTMLElement>("[data-chart]")?.dataset.chart;
  return (
    focused ?? cursor.peek()?.chart ?? document.querySelector<HTMLElement>("[data-chart]:hover")?.dataset.chart ?? null
  );
}

function toggleLog(): void {
  const path = chartOfKeys();
  if (path === null) {
    scale.value = scale.peek() === "log" ? "linear" : "log";
    return;
  }
  chooseScale(path, isLogNow(path) ? "linear" : "log");
}

function focus(selector: string): void {
  const field = document.querySelector<HTMLInputElement>(selector);
  field?.focus();
  field?.select?.();
}

/** Keys of charts, as long as they are on the page. */
export function useChartKeys(paths: readonly string[] | null): void {
  const first = paths?.[0];
  useEffect(() => {
    const ends = [
      shortcut("/", "search metrics", () => focus(".chart-search input")),
      shortcut("x", "x: step, relative time, time", () => {
        void changeAxis(AXES[(AXES.indexOf(axisToBe()) + 1) % AXES.length]!);
      }),
      shortcut("l", "y: logarithmic or linear, in the chart that is pointed at or in all", toggleLog),
      shortcut("s", "smooth", () => focus(".smoothing input[type=range]")),
      shortcut("f", "the chart that is pointed at alone, or all again", () => {
        fullChart.value = fullChart.peek() ? "" : (chartOfKeys() ?? first ?? "");
      }),
      shortcut("z", "zoom back", undoZoom),
      shortcut("Z", "zoom forward", redoZoom),
      shortcut("Escape", "close what is open", () => {
        fullChart.value = "";
        hoveredRun.value = null;
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [first]);
}
