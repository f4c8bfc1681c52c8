import { getJson, projectPath } from "../../api/client";
import type { AttributeType, Content } from "../../api/types";
import { useAnswer } from "../../state/answer";
import { formatNumber, formatStep, formatTime } from "../../text/format";

const TEXTS = 50;

type TextPoint = { step: number; time: string; value: string };

/** Props of `TextSeries`. */
export type SeriesProps = { project: string; run: string; path: string; count: number };

/** The last texts of a string series. */
export function TextSeries({ project, run, path, count }: SeriesProps) {
  const offset = Math.max(0, count - TEXTS);
  const answer = useAnswer<{ total: number; points: TextPoint[] }>(
    `texts\n${project}\n${run}\n${path}\n${offset}`,
    (signal) => getJson(projectPath(project, "series/texts"), { run, path, offset, limit: TEXTS }, signal),
    null,
  );
  const points = answer.value?.points ?? [];
  if (answer.error !== null) return <p class="bad">{answer.error}</p>;
  return (
    <dl class="facts text-series">
      {[...points].reverse().map((point) => (
        <div key={point.step} title={formatTime(point.time)}>
          <dt>{formatStep(point.step)}</dt>
          <dd class="mono">{point.value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Counts = { type: string; edges: number[]; values: number[] };

/** Return what a histogram series holds last, if it is one. */
export function histogramOf(type: AttributeType, value: Content): Counts | null {
  if (type !== "histogram_series" || typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const found = value as Partial<Counts>;
  return Array.isArray(found.edges) && Array.isArray(found.values) ? (found as Counts) : null;
}

const [WIDTH, HEIGHT] = [320, 96];

/** A histogram as bars. */
export function HistogramBars({ counts, colour }: { counts: Counts; colour: string }) {
  const values = counts.values.map(Number);
  const most = Math.max(...values.filter(Number.isFinite), 0) || 1;
  const [first, last] = [counts.edges[0] ?? 0, counts.edges.at(-1) ?? 1];
  const x = (edge: number) => ((edge - first) / (last - first || 1)) * WIDTH;
  return (
    <svg class="histogram" width={WIDTH} height={HEIGHT + 18} role="img" aria-label={`${values.length} bins`}>
      {values.map((value, at) => {
        const left = x(counts.edges[at] ?? 0);
        const height = Number.isFinite(value) ? (value / most) * HEIGHT : 0;
        const width = Math.max(x(counts.edges[at + 1] ?? 0) - left - 1, 1);
        return <rect key={at} x={left} y={HEIGHT - height} width={width} height={height} fill={colour} />;
      })}
      <text x={0} y={HEIGHT + 14}>
        {formatNumber(first)}
      </text>
      <text x={WIDTH} y={HEIGHT + 14} text-anchor="end">
        {formatNumber(last)}
      </text>
    </svg>
  );
}
