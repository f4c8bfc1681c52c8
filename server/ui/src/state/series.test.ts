import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { BucketsQuery } from "../api/types";
import { go } from "./address";
import { changedRuns, connection, revision } from "./live";
import { keepSeries, type Question, type Subscription, subscribe } from "./series";

const whole: Question = {
  run_ids: ["a"],
  x: "step",
  range: null,
  buckets: 100,
  inherited: "lineage",
  pruned: false,
  line: "last",
  smoothing: null,
};

/** Write a frame as the server does: one line of two points for each path and run. */
function frameOf({ paths, run_ids, range, known }: BucketsQuery): ArrayBuffer {
  const numbers: number[] = [];
  const add = (values: number[]) => numbers.push(...values) - values.length;
  const series = paths.flatMap((path) =>
    run_ids.map((run_id) => {
      const tag = `${run_id} ${path} ${range} ${run_id === "grows" ? asked.length : ""}`;
      if (known?.includes(tag)) return { run_id, path, tag };
      return {
        run_id,
        path,
        tag,
        length: 2,
        arrays: { x: add(range ?? [0, 9]), y: add([1, 2]), count: add([1, 1]) },
        roles: [],
        forks: [],
        pruned: [],
        whiskers: [],
        nonfinite: [],
        first: { x: 0, y: null },
        last: { x: 9, y: 2 },
      };
    }),
  );
  const header = new TextEncoder().encode(JSON.stringify({ revision: 1, x: {}, series }));
  const size = Math.ceil((header.length + 4) / 8) * 8;
  const bytes = new Uint8Array(size + 8 * numbers.length).fill(32);
  new DataView(bytes.buffer).setUint32(0, size - 4, true);
  bytes.set(header, 4);
  bytes.set(new Uint8Array(Float64Array.from(numbers).buffer), size);
  return bytes.buffer;
}

const asked: BucketsQuery[] = [];
const aborted: BucketsQuery[] = [];
let refuses = false;

beforeAll(() => {
  vi.useFakeTimers(); // one clock for all: what was asked for when is remembered
  go({ page: "charts", project: "local/digits" });
  keepSeries();
});
beforeEach(() => {
  asked.length = 0;
  aborted.length = 0;
  refuses = false;
  connection.value = "live";
  vi.stubGlobal("fetch", async (_: URL, { body, signal }: { body: string; signal: AbortSignal }) => {
    const query = JSON.parse(body) as BucketsQuery;
    asked.push(query);
    await new Promise((resolve, reject) => {
      setTimeout(resolve, 50);
      signal.addEventListener("abort", () => {
        aborted.push(query);
        reject(new DOMException("aborted", "AbortError"));
      });
    });
    return refuses
      ? new Response(JSON.stringify({ title: "No", status: 400, detail: "there is no such thing" }), {
          status: 400,
          headers: { "Content-Type": "application/problem+json" },
        })
      : new Response(frameOf(query));
  });
});

const open: Subscription[] = [];
function chart(path: string, question = whole): Subscription {
  const one = subscribe(path, () => new Set(question.run_ids));
  open.push(one);
  one.ask(question);
  return one;
}
afterEach(async () => {
  for (const one of open.splice(0)) one.end();
  await vi.advanceTimersByTimeAsync(1000);
  vi.unstubAllGlobals();
});
afterAll(() => {
  vi.useRealTimers();
});

describe("lines of charts", () => {
  it("are asked for together where charts ask the same", async () => {
    const charts = ["p/a", "p/b", "p/c"].map((path) => chart(path));
    await vi.advanceTimersByTimeAsync(200);
    expect(asked.map((one) => one.paths)).toEqual([["p/a", "p/b", "p/c"]]);
    expect(charts.map((one) => one.state.value.fine?.lines.map((line) => line.path))).toEqual([
      ["p/a"],
      ["p/b"],
      ["p/c"],
    ]);
    expect(charts[0]!.state.value.fine!.lines[0]!.first!.y).toBeNaN();
  });

  it("stay while finer ones are on their way, and a window that was left is asked for no more", async () => {
    const one = chart("q/a");
    await vi.advanceTimersByTimeAsync(200);
    one.ask({ ...whole, range: [2, 4] });
    await vi.advanceTimersByTimeAsync(100);
    one.ask({ ...whole, range: [3, 4] });
    expect(one.state.value.whole?.question.range).toBeNull();
    expect(one.state.value.isLoading).toBe(true);
    await vi.advanceTimersByTimeAsync(300);
    expect(aborted.map((query) => query.range)).toEqual([[2, 4]]);
    expect(one.state.value.fine?.question.range).toEqual([3, 4]);
    expect(one.state.value.isLoading).toBe(false);
  });

  it("are asked for again when their runs have changed, four times a second at most, and others are not", async () => {
    chart("r/a");
    chart("r/b", { ...whole, run_ids: ["b"] });
    await vi.advanceTimersByTimeAsync(2000);
    asked.length = 0;
    for (let moment = 0; moment < 20; moment++) {
      changedRuns.value = new Set(["a"]);
      revision.value += 1;
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThanOrEqual(5);
    expect(new Set(asked.flatMap((query) => query.paths))).toEqual(new Set(["r/a"]));
  });

  it("are not sent again while they are the same", async () => {
    const one = chart("k/a", { ...whole, run_ids: ["a", "grows"] });
    await vi.advanceTimersByTimeAsync(2000);
    const [still, grown] = one.state.value.fine!.lines;
    changedRuns.value = new Set(["grows"]);
    revision.value += 1;
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked[1]!.known).toEqual([still!.tag, grown!.tag]);
    expect(one.state.value.fine!.lines[0]).toBe(still);
    expect(one.state.value.fine!.lines[1]).not.toBe(grown);
    one.ask({ ...whole, run_ids: ["a"] });
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked[2]!.known).toEqual([]);
  });

  it("say in the server's words what is wrong, and are asked for again with what is new", async () => {
    refuses = true;
    const one = chart("s/a");
    await vi.advanceTimersByTimeAsync(200);
    expect(one.state.value.error).toBe("there is no such thing");
    expect(asked).toHaveLength(1);
    refuses = false;
    changedRuns.value = null;
    revision.value += 1;
    await vi.advanceTimersByTimeAsync(2000);
    expect(one.state.value.error).toBeNull();
    expect(one.state.value.fine?.lines).toHaveLength(1);
  });

  it("that were seen before are there at once", async () => {
    const one = chart("t/a");
    await vi.advanceTimersByTimeAsync(200);
    one.end();
    open.length = 0;
    const again = chart("t/a");
    expect(again.state.value.fine?.lines).toHaveLength(1);
  });
});
