import { useRef } from "preact/hooks";
import { Button } from "../controls/Button";
import { Icon } from "../controls/icons";
import { memo } from "../controls/memo";
import { useHeight, useWidth } from "../controls/width";
import type { DrawnRun } from "../state/drawn";
import { type Section, sectionsOf } from "../state/metricSearch";
import { found } from "../state/metrics";
import { chartSearch, closedSections, fullChart, hiddenCharts } from "../state/view";
import { plural } from "../text/format";
import { arranged, CHART_HEAD, chartHeightIn, columnsIn } from "./arranged";
import { useChartKeys } from "./keys";
import { useIsNear } from "./lazy";
import { MetricChart } from "./MetricChart";
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
  const [width, height] = [useWidth(scroller), useHeight(scroller)];
  const columns = columnsIn(width);
  const sections = sectionsOf(shown);
  const counts = sections.map(({ name, paths: { length } }) => (closedSections.value.includes(name) ? 0 : length));
  const { tracks, spans, rows, heads } = arranged(counts, columns);
  const chartHeight = chartHeightIn({ width: width / columns, height, rows, heads });
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
            chartHeight={chartHeight}
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
  chartHeight,
  hasNames,
}: {
  section: Section;
  runs: readonly DrawnRun[];
  columns: number;
  span: number;
  chartHeight: number;
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
            <ChartCell key={path} path={path} runs={runs} height={chartHeight} hasNames={hasNames} />
          ))}
        </div>
      )}
    </section>
  );
}

/** A place for a chart, which is made when it comes near. */
const ChartCell = memo(function ChartCell({
  path,
  runs,
  height,
  hasNames,
}: {
  path: string;
  runs: readonly DrawnRun[];
  height: number;
  hasNames: boolean;
}) {
  const cell = useRef<HTMLDivElement>(null);
  const isNear = useIsNear(cell);
  return (
    <div ref={cell} class="chart-cell" style={{ height: `${height + CHART_HEAD}px` }}>
      {isNear && <MetricChart path={path} runs={runs} height={height} hasNames={hasNames} />}
    </div>
  );
});
