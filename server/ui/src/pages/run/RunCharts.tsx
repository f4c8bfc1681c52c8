import { useLayoutEffect, useMemo } from "preact/hooks";
import type { RunValues } from "../../api/types";
import { ChartsPane } from "../../charts/ChartsPane";
import { drawn, subject } from "../../state/drawn";

/** All metrics of one run. */
export function RunCharts({ found }: { found: RunValues }) {
  const { run } = found;
  useLayoutEffect(() => {
    subject.value = run;
  }, [run]);
  useLayoutEffect(
    () => () => {
      subject.value = null;
    },
    [],
  );
  const paths = useMemo(
    () => Object.keys(found.attributes).filter((path) => found.attributes[path]!.type === "float_series"),
    [found],
  );
  if (subject.value?.run_id !== run.run_id) return null;
  return (
    <div class="run-charts">
      <ChartsPane runs={drawn.value} paths={paths} hasNames={run.lineage.length > 1} />
    </div>
  );
}
