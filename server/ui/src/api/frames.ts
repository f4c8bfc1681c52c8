import type { Axis } from "./types";

/** Part of a line that one run logged. */
export type Role = { run_id: string; from_x: number; to_x: number; role: "own" | "inherited" };
/** A fork on a line. */
export type ForkMark = { parent: string; child: string; step: number; x: number; y: number | null };
/** Points that are no numbers, at one x. */
export type NonFinite = { x: number; kind: "nan" | "inf" | "-inf"; count: number };
/** A tail that a fork pruned. */
export type PrunedTail = { run_id: string; x: Float64Array; y: Float64Array };

/** One line of a chart; arrays have an entry for each bucket with a point, by increasing x. */
export type Line = {
  run_id: string;
  path: string;
  /** Another one whenever anything of the line is otherwise. */
  tag: string;
  is_clock_axis: boolean;
  points: number;
  is_raw: boolean;
  x: Float64Array;
  y: Float64Array;
  raw: Float64Array | null;
  min: Float64Array;
  max: Float64Array;
  mean: Float64Array;
  count: Float64Array;
  roles: Role[];
  forks: ForkMark[];
  pruned: PrunedTail[];
  whiskers: number[];
  nonfinite: NonFinite[];
  nan: number;
  inf: number;
  ninf: number;
  /** First and last point of the whole series; y is NaN where it is no finite number. */
  first: { x: number; y: number } | null;
  last: { x: number; y: number } | null;
};

/** What `series/buckets` answers. */
export type Frame = {
  revision: number;
  x: { kind: Axis; low: number; high: number; count: number; extent: [number, number] };
  lines: Line[];
};

type Offsets = { [name: string]: number };
type HeaderSeries = Omit<Line, "x" | "y" | "raw" | "min" | "max" | "mean" | "count" | "pruned"> & {
  length: number;
  arrays: Offsets;
  pruned: { run_id: string; length: number; arrays: Offsets }[];
};
type KnownSeries = Pick<Line, "run_id" | "path" | "tag">;
type Header = { revision: number; x: Frame["x"]; series: (HeaderSeries | KnownSeries)[] };

/**
 * Read a binary frame; its arrays are views of the buffer, nothing is copied.
 *
 * @param known lines that the server was told are known, by tag
 */
export function readFrame(buffer: ArrayBuffer, known: ReadonlyMap<string, Line> = new Map()): Frame {
  const size = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size))) as Header;
  const start = 4 + size;
  const column = (offset: number | undefined, length: number): Float64Array | null =>
    offset === undefined ? null : new Float64Array(buffer, start + 8 * offset, length);
  const required = (arrays: Offsets, name: string, length: number): Float64Array => {
    const found = column(arrays[name], length);
    if (!found) throw new Error(`the frame lacks the array ${name}`);
    return found;
  };
  const lines = header.series.map((series): Line => {
    if (!("arrays" in series)) {
      const found = known.get(series.tag);
      if (!found) throw new Error(`the frame lacks the line of ${series.run_id}`);
      return found;
    }
    const { length, arrays, pruned, ...rest } = series;
    const y = required(arrays, "y", length);
    return {
      ...rest,
      first: rest.first && { x: rest.first.x, y: rest.first.y ?? Number.NaN },
      last: rest.last && { x: rest.last.x, y: rest.last.y ?? Number.NaN },
      x: required(arrays, "x", length),
      y,
      raw: column(arrays.raw, length),
      min: column(arrays.min, length) ?? y,
      max: column(arrays.max, length) ?? y,
      mean: column(arrays.mean, length) ?? y,
      count: required(arrays, "count", length),
      pruned: pruned.map((tail) => ({
        run_id: tail.run_id,
        x: required(tail.arrays, "x", tail.length),
        y: required(tail.arrays, "y", tail.length),
      })),
    };
  });
  return { revision: header.revision, x: header.x, lines };
}
