import { useRef, useState } from "preact/hooks";
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

/** Return a histogram in a few words. */
export function histogramText({ edges, values }: Counts): string {
  return `${values.length} bins, ${formatNumber(edges[0] ?? 0)} – ${formatNumber(edges.at(-1) ?? 0)}`;
}

type Found = { steps: number[]; step: number | null; value: Content };

/** Props of `HistogramSeries`. */
export type HistogramSeriesProps = { project: string; run: string; path: string; last: Counts; colour: string };

/** A histogram at a step: the last one until another step is chosen. */
export function HistogramSeries({ project, run, path, last, colour }: HistogramSeriesProps) {
  const [chosen, setChosen] = useState<number | null>(null);
  const latest = useRef<Found | null>(null);
  const answer = useAnswer<Found>(
    `histogram\n${project}\n${run}\n${path}\n${chosen}`,
    (signal) => getJson(projectPath(project, "series/values"), { run, path, step: chosen }, signal),
    null,
  );
  latest.current = answer.value ?? latest.current;
  const { steps, step, value } = latest.current ?? { steps: [], step: null, value: null };
  const at = chosen ?? step;
  return (
    <>
      <HistogramBars counts={histogramOf("histogram_series", value) ?? last} colour={colour} />
      {steps.length > 1 && (
        <label class="slider file-steps">
          step
          <input
            type="range"
            min={0}
            max={steps.length - 1}
            value={at === null ? steps.length - 1 : steps.indexOf(at)}
            aria-valuetext={`step ${formatStep(at)}`}
            onInput={(event) => setChosen(steps[Number(event.currentTarget.value)] ?? null)}
          />
          <output>{formatStep(at)}</output>
        </label>
      )}
      {answer.error !== null && <p class="bad">{answer.error}</p>}
    </>
  );
}

const [WIDTH, HEIGHT] = [320, 96];

/** A histogram as bars. */
function HistogramBars({ counts, colour }: { counts: Counts; colour: string }) {
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
