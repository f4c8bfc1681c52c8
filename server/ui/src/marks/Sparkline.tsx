import { useMemo } from "preact/hooks";

/** Props of `Sparkline`. */
export type SparklineProps = {
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  width: number;
  height: number;
  colour: string;
};

/** A series as a small line without axes; what is no number breaks it. */
export function Sparkline({ x, y, width, height, colour }: SparklineProps) {
  const path = useMemo(() => sparklinePath(x, y, width, height), [x, y, width, height]);
  return (
    <svg class="sparkline" width={width} height={height} aria-hidden="true">
      <path d={path} stroke={colour} />
    </svg>
  );
}

/** Return the path of a small line; a point alone is a short dash. */
export function sparklinePath(x: ArrayLike<number>, y: ArrayLike<number>, width: number, height: number): string {
  const count = Math.min(x.length, y.length);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < count; at++) {
    if (!Number.isFinite(y[at]!)) continue;
    low = Math.min(low, y[at]!);
    high = Math.max(high, y[at]!);
  }
  const [first, last] = [x[0] ?? 0, x[count - 1] ?? 1];
  const left = (at: number) => 1 + ((x[at]! - first) / (last - first || 1)) * (width - 2);
  // Halves: the difference of the largest numbers that there are is none.
  const span = high / 2 - low / 2;
  const top = (at: number) => (span > 0 ? 2 + ((high / 2 - y[at]! / 2) / span) * (height - 4) : height / 2);
  let path = "";
  let isDown = false;
  for (let at = 0; at < count; at++) {
    if (!Number.isFinite(y[at]!)) {
      isDown = false;
      continue;
    }
    const isAlone = !isDown && !(at + 1 < count && Number.isFinite(y[at + 1]!));
    path += `${isDown ? "L" : "M"}${left(at).toFixed(1)} ${top(at).toFixed(1)}${isAlone ? "h1.5" : ""}`;
    isDown = true;
  }
  return path;
}
