import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { ForkMark, Line, PrunedTail } from "../../api/frames";
import type { Row, RunValues } from "../../api/types";
import { suitsLog } from "../../chart/range";
import { linearTicks, logTicks, stepTicks } from "../../chart/ticks";
import { useWidth } from "../../controls/width";
import { extentOf, valueScale } from "../../lineage/scales";
import { diamondPath, marks } from "../../marks/shapes";
import type { Outcome as FoundOutcome } from "../../state/outcome";
import { parentOf } from "../../state/shown";
import { colourOf } from "../../state/theme";
import { chosenScale } from "../../state/view";
import { formatNumber, formatStep, splitPath } from "../../text/format";
import { meanings } from "../../text/words";
import { NonFiniteLink } from "./NonFiniteLink";

const HEIGHT = 176;
const LEFT = 44;
const BOTTOM = 20;
const TOP = 10;
const NAME_GAP = 14;
const LETTER_WIDTH = 6.6;

/** The pinned metric of a run, with what its parent went on to behind it. */
export function Outcome({ found, outcome }: { found: RunValues; outcome: FoundOutcome | null }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const pinned = outcome?.pinned;
  const chosen = chosenScale(pinned?.own.path ?? "");
  const isLog = pinned ? (chosen === "auto" ? suitsLog([pinned.own], false) : chosen === "log") : false;
  const [namespace, name] = splitPath(pinned?.own.path ?? "");
  return (
    <section class="outcome" ref={box} aria-label={pinned ? `${pinned.own.path} of this run` : "Metric"}>
      {pinned && (
        <h3 class="mono">
          <span class="dim">{namespace}</span>
          {name}
          <span class="outcome-tags">
            {isLog && (
              <span class="dim" title={meanings.log}>
                log
              </span>
            )}
            <NonFiniteLink line={pinned.own} />
          </span>
        </h3>
      )}
      {pinned && width > 120 && <SmallChart own={pinned.own} run={found.run} width={width} isLog={isLog} />}
    </section>
  );
}

type SmallChartProps = { own: Line; run: Row; width: number; isLog: boolean };

function SmallChart({ own, run, width, isLog }: SmallChartProps) {
  const colour = colourOf(run);
  const parent = parentOf(run);
  const ghost = own.pruned.filter((tail) => tail.run_id === run.fork?.parent);
  const [xLow, xHigh] = extent([own.x, ...ghost.map((tail) => tail.x)]);
  const values = extentOf([own, ...ghost]) ?? { low: 0, high: 1, leastPositive: 1 };
  const { y, isLog: hasLog } = valueScale(values, isLog, TOP, HEIGHT - BOTTOM - 6);
  const [yLow, yHigh] = [hasLog ? values.leastPositive : values.low, values.high];
  const right = width - NAME_GAP - LETTER_WIDTH * cut(run.name).length;
  const x = (value: number) => LEFT + ((value - xLow) / (xHigh - xLow || 1)) * (right - LEFT);
  const [inherited, ownPart] = splitAt(own, own.forks.at(-1)?.x ?? Number.NEGATIVE_INFINITY);
  const fork = own.forks.at(-1);
  const end = own.last && Number.isFinite(own.last.y) ? own.last : null;
  const tail = ghost[0];
  const ticksOf = hasLog ? logTicks : linearTicks;
  const yTicks = yHigh > yLow ? ticksOf([yLow, yHigh], 3) : { at: [yLow], texts: [formatNumber(yLow)] };
  const xTicks = xHigh > xLow ? stepTicks([xLow, xHigh], 4) : { at: [xLow], texts: [formatStep(xLow)] };
  return (
    <svg width={width} height={HEIGHT} role="img" aria-label={describe(own)}>
      {yTicks.at.map((tick, at) => (
        <g key={tick}>
          <path class="grid" d={`M${LEFT} ${Math.round(y(tick)) + 0.5}H${right}`} />
          <text x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
            {yTicks.texts[at]}
          </text>
        </g>
      ))}
      {xTicks.at.map((tick, at) => (
        <text key={tick} x={x(tick)} y={HEIGHT - 4} text-anchor="middle">
          {xTicks.texts[at]}
        </text>
      ))}
      {ghost.map((one) => (
        <path key={one.run_id} class="bed" d={linePath(...fromFork(one, fork), x, y)} />
      ))}
      <path
        class="water inherited"
        stroke={parent ? colourOf(parent).line : colour.line}
        stroke-width={marks.inherited.chart}
        d={linePath(inherited.x, inherited.y, x, y)}
      />
      <path
        class="water own"
        stroke={colour.line}
        stroke-width={marks.own.chart}
        d={linePath(ownPart.x, ownPart.y, x, y)}
      />
      {own.x.length === 1 && end && <circle cx={x(end.x)} cy={y(end.y)} r={2} fill={colour.line} />}
      {fork && fork.y !== null && (
        <path class="diamond" stroke={colour.line} d={diamondPath(x(fork.x), y(fork.y), marks.diamond.chart)} />
      )}
      {tail && tail.x.length > 0 && fork && (
        <GhostName
          x={x(tail.x.at(-1)!)}
          y={y(lastFinite(tail.y))}
          right={right}
          own={y(valueNear(own, tail.x.at(-1)!))}
        >
          parent, pruned beyond {formatStep(fork.step)}
        </GhostName>
      )}
      {end && (
        <>
          <path class="leader" stroke={colour.line} d={`M${x(end.x) + 3} ${y(end.y)}H${right + 6}`} />
          <text class="run-name halo" fill={colour.text} style={{ fill: colour.text }} x={right + 10} y={y(end.y) + 4}>
            {cut(run.name)}
          </text>
        </>
      )}
    </svg>
  );
}

type GhostNameProps = { x: number; y: number; right: number; own: number; children: ComponentChildren };

/** What the tail is: beside its end where there is room, else in the corner from which the lines are away. */
function GhostName({ x, y, right, own, children }: GhostNameProps) {
  const hasRoom = x + 160 < right && Math.abs(y - own) > 14;
  const corner = own > (HEIGHT - BOTTOM) / 2 ? TOP + 10 : HEIGHT - BOTTOM - 14;
  return (
    <text
      class="run-name halo"
      x={hasRoom ? x + 6 : right}
      y={hasRoom ? y + 4 : corner}
      text-anchor={hasRoom ? "start" : "end"}
    >
      {children}
    </text>
  );
}

function valueNear({ x, y }: Line, at: number): number {
  let found = y[0] ?? 0;
  for (let index = 0; index < x.length && x[index]! <= at; index++) if (Number.isFinite(y[index]!)) found = y[index]!;
  return found;
}

function cut(name: string): string {
  return name.length > 14 ? `${name.slice(0, 13)}…` : name;
}

function describe(line: Line): string {
  return line.last ? `${line.path}, last ${formatNumber(line.last.y)} at step ${formatStep(line.last.x)}` : line.path;
}

function lastFinite(values: Float64Array): number {
  for (let at = values.length - 1; at >= 0; at--) if (Number.isFinite(values[at]!)) return values[at]!;
  return 0;
}

type Part = { x: ArrayLike<number>; y: ArrayLike<number> };

/** Cut a line at a fork; the point at the fork belongs to both, so that they meet. */
function splitAt({ x, y }: Line, at: number): [Part, Part] {
  let count = 0;
  while (count < x.length && x[count]! <= at) count += 1;
  const from = Math.max(0, count - 1);
  return [
    { x: x.subarray(0, count), y: y.subarray(0, count) },
    { x: x.subarray(from), y: y.subarray(from) },
  ];
}

/** A tail begins where the fork left it. */
function fromFork(tail: PrunedTail, fork: ForkMark | undefined): [number[], number[]] {
  const begin = fork && fork.y !== null ? { x: [fork.x], y: [fork.y] } : { x: [], y: [] };
  return [
    [...begin.x, ...tail.x],
    [...begin.y, ...tail.y],
  ];
}

function extent(columns: ArrayLike<number>[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const column of columns)
    for (let at = 0; at < column.length; at++) {
      const value = column[at]!;
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  return low <= high ? [low, high] : [0, 1];
}

function linePath(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  let isDown = false;
  for (let at = 0; at < xs.length; at++) {
    if (!Number.isFinite(ys[at]!)) {
      isDown = false;
      continue;
    }
    path += `${isDown ? "L" : "M"}${x(xs[at]!).toFixed(1)} ${y(ys[at]!).toFixed(1)}`;
    isDown = true;
  }
  return path;
}
