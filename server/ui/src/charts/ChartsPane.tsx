import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Button } from "../controls/Button";
import { Icon } from "../controls/icons";
import { memo } from "../controls/memo";
import type { DrawnRun } from "../state/drawn";
import { type Section, sectionsOf } from "../state/metricSearch";
import { found } from "../state/metrics";
import { chartSearch, closedSections, fullChart, hiddenCharts } from "../state/view";
import { plural } from "../text/format";
import { arranged } from "./arranged";
import { useChartKeys } from "./keys";
import { useIsNear } from "./lazy";
import { CHART_HEIGHT, MetricChart } from "./MetricChart";
import { Navigator } from "./Navigator";
import { ChartsToolbar } from "./Toolbar";
import "./charts.css";

/** Props of `ChartsPane`. */
export type ChartsPaneProps = {
  /** Whose lines are drawn, the last in front. */
  runs: readonly DrawnRun[];
  /** All metrics that there are; null before that is known. */
  paths: readonly string[] | null;
  /** Why they could not be listed. */
  error?: string | null;
  /** Whether names stand at line ends. */
  hasNames?: boolean;
};

/** Charts of metrics: a toolbar, the navigator, and a section for each top namespace. It fills what it stands in, and scrolls. */
export function ChartsPane({ runs, paths, error = null, hasNames = true }: ChartsPaneProps) {
  useChartKeys(paths);
  const shown = paths === null ? [] : found(paths);
  const full = fullChart.value;
  const isFull = full !== "" && (paths === null || paths.includes(full));
  return (
    <section class="charts-pane" aria-label="Charts">
      <ChartsToolbar shown={shown.length} total={paths?.length ?? null} />
      <Navigator runs={runs} />
      {isFull ? (
        <div class="charts-full">
          <MetricChart path={full} runs={runs} height={0} hasNames={hasNames} />
        </div>
      ) : (
        <Sections runs={runs} paths={paths} shown={shown} error={error} hasNames={hasNames} />
      )}
    </section>
  );
}

function Sections({
  runs,
  paths,
  shown,
  error,
  hasNames,
}: {
  runs: readonly DrawnRun[];
  paths: readonly string[] | null;
  shown: string[];
  error: string | null;
  hasNames: boolean;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const columns = useColumns(scroller);
  const sections = sectionsOf(shown);
  const counts = sections.map(({ name, paths: { length } }) => (closedSections.value.includes(name) ? 0 : length));
  const { tracks, spans } = arranged(counts, columns);
  return (
    <div ref={scroller} class="charts-scroll" data-scrolls>
      {error && (
        <p class="charts-note bad" role="alert">
          {error}
        </p>
      )}
      {paths === null && !error && <div class="chart-loading" role="progressbar" aria-label="Loading" />}
      {paths !== null && shown.length === 0 && !error && <NoCharts runs={runs} total={paths.length} />}
      <div class="charts-sections" style={{ gridTemplateColumns: `repeat(${tracks}, minmax(0, 1fr))` }}>
        {sections.map((section, at) => (
          <ChartsSection
            key={section.name}
            section={section}
            runs={runs}
            columns={Math.min(columns, section.paths.length)}
            span={spans[at]!}
            hasNames={hasNames}
          />
        ))}
      </div>
      {hiddenCharts.value.length > 0 && (
        <p class="charts-note dim">
          {plural(hiddenCharts.value.length, "chart")} hidden.{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              hiddenCharts.value = [];
            }}
          >
            Show them
          </button>
        </p>
      )}
    </div>
  );
}

const LEAST_CHART_WIDTH = 320;
const GAP = 32;

function useColumns(element: { current: HTMLElement | null }): number {
  const columns = useSignal(2);
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const measure = () => {
      const width = target.clientWidth - 2 * 16;
      columns.value = Math.max(1, Math.min(4, Math.floor((width + GAP) / (LEAST_CHART_WIDTH + GAP))));
    };
    measure();
    const watched = new ResizeObserver(measure);
    watched.observe(target);
    return () => watched.disconnect();
  }, [element, columns]);
  return columns.value;
}

function NoCharts({ runs, total }: { runs: readonly DrawnRun[]; total: number }) {
  if (runs.length === 0) return <p class="charts-note">No run is drawn. Choose some by their eyes.</p>;
  if (total === 0) return <p class="charts-note">The runs that are drawn have logged no metric yet.</p>;
  return (
    <p class="charts-note">
      None of {plural(total, "metric")} is found.{" "}
      <Button
        kind="quiet"
        onClick={() => {
          chartSearch.value = "";
        }}
      >
        Clear the search
      </Button>
    </p>
  );
}

function ChartsSection({
  section,
  runs,
  columns,
  span,
  hasNames,
}: {
  section: Section;
  runs: readonly DrawnRun[];
  columns: number;
  span: number;
  hasNames: boolean;
}) {
  const isClosed = closedSections.value.includes(section.name);
  const toggle = () => {
    const others = closedSections.peek().filter((one) => one !== section.name);
    closedSections.value = isClosed ? others : [...others, section.name];
  };
  return (
    <section class="charts-section" aria-label={section.name} style={{ gridColumn: `span ${span}` }}>
      <h2>
        <button type="button" class="charts-section-head" aria-expanded={!isClosed} onClick={toggle}>
          <Icon name={isClosed ? "right" : "down"} size={14} />
          <span>{section.name}</span>
          <span class="count">{section.paths.length}</span>
        </button>
      </h2>
      {!isClosed && (
        <div class="charts-grid" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
          {section.paths.map((path) => (
            <ChartCell key={path} path={path} runs={runs} hasNames={hasNames} />
          ))}
        </div>
      )}
    </section>
  );
}

const HEAD_HEIGHT = 24;

/** A place for a chart, which is made when it comes near. */
const ChartCell = memo(function ChartCell({
  path,
  runs,
  hasNames,
}: {
  path: string;
  runs: readonly DrawnRun[];
  hasNames: boolean;
}) {
  const cell = useRef<HTMLDivElement>(null);
  const isNear = useIsNear(cell);
  return (
    <div ref={cell} class="chart-cell" style={{ height: `${CHART_HEIGHT + HEAD_HEIGHT}px` }}>
      {isNear && <MetricChart path={path} runs={runs} hasNames={hasNames} />}
    </div>
  );
});
