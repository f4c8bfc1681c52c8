import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { IconButton } from "../controls/Button";
import { useWidth } from "../controls/width";
import type { DrawnRun } from "../state/drawn";
import { connection } from "../state/live";
import { fullChart } from "../state/view";
import { splitPath } from "../text/format";
import { ChartMenu } from "./ChartMenu";
import { type ConnectedChart, connectChart } from "./connect";
import "../chart/chart.css";
import "./charts.css";

/** Props of `MetricChart`. */
export type MetricChartProps = {
  /** The metric. */
  path: string;
  /** Whose lines: in this order, the last in front. One run draws its lineage as the view says (`inherited`). */
  runs: readonly DrawnRun[];
  /** Height of the plot with its ticks, px; 0 fills what the chart stands in. */
  height?: number;
  /** Whether names stand at line ends; a chart of one run needs none. */
  hasNames?: boolean;
  /** Whether the chart has a title and its buttons. */
  hasHead?: boolean;
};

/** Height of a chart in the grid. */
export const CHART_HEIGHT = 196;

/**
 * The chart of one metric. It asks for its lines, keeps them up to date, and follows the view that all charts share: x, window,
 * smoothing, scale, hovered run, cursor. It is as wide as what it stands in.
 *
 * To show a run's metric small: `<MetricChart path="train/loss" runs={[run]} height={120} hasNames={false} hasHead={false} />`.
 * Its page must have called `keepCharts()` once.
 */
export function MetricChart({ path, runs, height = CHART_HEIGHT, hasNames = true, hasHead = true }: MetricChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const subject = useSignal(runs);
  subject.value = runs;
  const width = useSignal(0);
  const chart = useSignal<ConnectedChart | null>(null);
  const isMenuOpen = useSignal(false);
  const menuButton = useRef<HTMLSpanElement>(null);
  width.value = useWidth(host);
  useEffect(() => {
    if (!host.current) return;
    const connected = connectChart(host.current, { path, runs: subject, width, hasNames });
    chart.value = connected;
    return () => {
      chart.value = null;
      connected.end();
    };
  }, [path, hasNames, subject, width, chart]);
  const isFull = fullChart.value === path;
  return (
    <figure class="chart" data-chart={path} data-full={isFull}>
      {hasHead && (
        <figcaption class="chart-head">
          <Title path={path} isAlone={isFull} />
          <Tags chart={chart.value} />
          <span class="chart-tools">
            <IconButton
              icon={isFull ? "close" : "expand"}
              label={isFull ? `Leave full screen` : `Show ${path} alone`}
              isSmall
              onClick={() => {
                fullChart.value = isFull ? "" : path;
              }}
            />
            <span ref={menuButton}>
              <IconButton
                icon="more"
                label={`More for ${path}`}
                isSmall
                aria-haspopup="menu"
                aria-expanded={isMenuOpen.value}
                onClick={() => {
                  isMenuOpen.value = !isMenuOpen.value;
                }}
              />
            </span>
          </span>
        </figcaption>
      )}
      {isMenuOpen.value && chart.value && (
        <ChartMenu
          path={path}
          chart={chart.value}
          anchor={menuButton.current}
          onClose={() => {
            isMenuOpen.value = false;
          }}
        />
      )}
      <div class="chart-body">
        <div ref={host} class="chart-plot" style={height > 0 ? { height: `${height}px` } : { height: "100%" }} />
        <Notice chart={chart.value} hasRuns={runs.length > 0} />
      </div>
    </figure>
  );
}

function Title({ path, isAlone }: { path: string; isAlone: boolean }) {
  const [space, name] = splitPath(path);
  const Heading = isAlone ? "h2" : "h3";
  return (
    <Heading class="chart-title mono" title={path}>
      <span class="dim chart-space">{space}</span>
      <span class="chart-name">{name}</span>
    </Heading>
  );
}

function Tags({ chart }: { chart: ConnectedChart | null }) {
  return (
    <span class="chart-tags">
      {chart?.tags.value.map((tag) => (
        <span key={tag.text} class={tag.isBad ? "bad" : "dim"} title={tag.title}>
          {tag.x === undefined ? (
            tag.text
          ) : (
            <button type="button" class="link bad" onClick={() => chart.mounted.zoomAround(tag.x!)}>
              {tag.text}
            </button>
          )}
        </span>
      ))}
    </span>
  );
}

/** What is said where there are no lines, or where something is wrong with them. */
function Notice({ chart, hasRuns }: { chart: ConnectedChart | null; hasRuns: boolean }) {
  if (!chart) return null;
  const { error, fine, whole, isLoading } = chart.state.value;
  if (error)
    return (
      <p class="chart-notice bad" role="alert">
        {error}
      </p>
    );
  const isEmpty = !fine && !whole;
  if (isEmpty && connection.value === "away")
    return (
      <p class="chart-notice">
        Not fetched before the server went away.
        <span class="chart-bed" aria-hidden="true" />
        It is drawn when the server answers.
      </p>
    );
  if (!hasRuns) return <p class="chart-notice">No run is drawn.</p>;
  if (isEmpty && isLoading) return <div class="chart-loading" role="progressbar" aria-label="Loading" />;
  if (!isEmpty && chart.lines.value.every((line) => line.x.length === 0 && line.nonfinite.length === 0) && !isLoading)
    return (
      <p class="chart-notice">No points {fine?.question.range ? "in this window" : "in the runs that are drawn"}.</p>
    );
  return null;
}
