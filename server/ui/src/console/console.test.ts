import { describe, expect, test } from "vitest";
import type { ConsolePage } from "../api/types";
import { keepPages, PAGE } from "./pages";
import { heightOf, positionAt, ROW, scrollTo } from "./position";
import { countRows, placeOfRow, rowOfLine, toggleExpansion } from "./rows";
import { cutAt, formatElapsed, lineAtTime, nextHit } from "./text";

describe("rows", () => {
  const expansions = [
    { line: 2, updates: 3 },
    { line: 5, updates: 1 },
  ];

  test("are lines, with the states of progress bars below theirs", () => {
    const rows = Array.from({ length: countRows(7, expansions) }, (_, row) => placeOfRow(row, expansions));
    expect(rows.map(({ line, update }) => (update === null ? `${line}` : `${line}.${update}`)).join(" ")).toBe(
      "0 1 2 2.0 2.1 2.2 3 4 5 5.0 6",
    );
  });

  test("of lines are found back", () => {
    for (let line = 0; line < 7; line++)
      expect(placeOfRow(rowOfLine(line, expansions), expansions)).toEqual({ line, update: null });
  });

  test("of a progress bar go as they came", () => {
    const open = toggleExpansion([{ line: 5, updates: 1 }], 2, 3);
    expect(open.map(({ line }) => line)).toEqual([2, 5]);
    expect(toggleExpansion(open, 2, 3)).toEqual([{ line: 5, updates: 1 }]);
  });
});

describe("the scroll bar", () => {
  const VIEW = 600;

  test.each([10, 1000, 1_000_000, 30_000_000])("reaches both ends of %d rows", (rows) => {
    const room = Math.max(0, heightOf(rows) - VIEW);
    const begin = positionAt(0, VIEW, rows, 0);
    expect([begin.first, begin.offset]).toEqual([0, expect.closeTo(0)]);
    const end = positionAt(room, VIEW, rows, 0);
    expect(end.last).toBe(rows);
    if (rows * ROW > VIEW) expect(end.offset + (end.last - end.first) * ROW).toBeCloseTo(VIEW);
    expect(heightOf(rows)).toBeLessThan(17_000_000);
  });

  test.each([1000, 1_000_000])("brings any of %d rows into view", (rows) => {
    for (const row of [0, 1, Math.floor(rows / 3), rows - 1]) {
      const { first, last } = positionAt(scrollTo(row, VIEW, rows), VIEW, rows, 0);
      expect(first).toBeLessThanOrEqual(row);
      expect(last).toBeGreaterThan(row);
    }
  });
});

describe("a search", () => {
  test("marks all places, whatever their case", () => {
    expect(cutAt("Epoch 1, epoch 2", "EPOCH")).toEqual([
      { text: "Epoch", isFound: true },
      { text: " 1, ", isFound: false },
      { text: "epoch", isFound: true },
      { text: " 2", isFound: false },
    ]);
  });

  test("leaves a text alone whose lower case has another length", () => {
    expect(cutAt("İİ done", "done")).toEqual([{ text: "İİ done", isFound: false }]);
  });

  test("goes round at both ends", () => {
    const hits = [3, 8, 20];
    expect([nextHit(hits, 3, false), nextHit(hits, 20, false), nextHit(hits, 3, true), nextHit(hits, 9, true)]).toEqual(
      [8, 3, 20, 8],
    );
    expect(nextHit([], 3, false)).toBeNull();
  });
});

test("time since the beginning has hours, minutes and seconds, tenths in the first minute", () => {
  expect([723.9, 0, -0.2, 360_000, -61].map(formatElapsed)).toEqual([
    "+00:12:03",
    "+00:00:00.0",
    "\u221200:00:00.2",
    "+100:00:00",
    "\u221200:01:01",
  ]);
});

test("the line of a moment is the first one then or later, found with few questions", async () => {
  const asked = new Set<number>();
  const timeOf = async (line: number) => {
    asked.add(line);
    return line * 10;
  };
  const found = await Promise.all(
    [-5, 0, 13, 17, 5_000_004, 99_999_999].map((at) => lineAtTime(1_000_000, at, timeOf)),
  );
  expect(found).toEqual([0, 0, 2, 2, 500_001, 999_999]);
  expect(asked.size).toBeLessThan(150);
});

describe("pages", () => {
  const LINES = 1200;

  function made(total: () => number) {
    const asked: number[] = [];
    const changes: number[] = [];
    const page = async (offset: number, limit: number, signal: AbortSignal): Promise<ConsolePage> => {
      asked.push(offset);
      await Promise.resolve();
      if (signal.aborted) throw new Error("aborted");
      const count = Math.max(0, Math.min(limit, total() - offset));
      const lines = Array.from({ length: count }, (_, at) => ({
        n: offset + at,
        path: "runtime/stdout",
        time: "2026-01-01T00:00:00Z",
        seconds: 0,
        text: `line ${offset + at} of ${total()}`,
        is_error: false,
        updates: 0,
      }));
      return { revision: 1, total: total(), ranks: [0], streams: ["stdout"], lines, open: [] };
    };
    const failures: unknown[] = [];
    const pages = keepPages(
      { page, updates: async () => [] },
      (found) => changes.push(found.total),
      (error) => failures.push(error),
    );
    return { pages, asked, changes, failures };
  }

  async function settled(isDone: () => boolean): Promise<void> {
    const end = Date.now() + 2000;
    while (!isDone() && Date.now() < end) await new Promise((done) => setTimeout(done, 5));
    expect(isDone()).toBe(true);
  }

  test("are fetched where they are seen, and no others", async () => {
    const { pages, asked, failures } = made(() => LINES);
    pages.show(0, 30);
    await settled(() => pages.line(0) !== undefined);
    pages.show(1150, 1199);
    await settled(() => pages.line(1199) !== undefined);
    expect(asked).toEqual([0, 2 * PAGE]);
    expect([pages.total(), pages.line(700), failures]).toEqual([LINES, undefined, []]);
  });

  test("that are passed by are not fetched", async () => {
    const { pages, asked } = made(() => 1_000_000);
    pages.show(0, 30);
    await settled(() => pages.line(0) !== undefined);
    for (let line = 1000; line < 900_000; line += 5000) pages.show(line, line + 30);
    pages.show(999_900, 999_999);
    await settled(() => pages.line(999_999) !== undefined);
    expect(asked.length).toBeLessThan(5);
  });

  test("are asked for again when there may be more, and stay meanwhile", async () => {
    let total = 10;
    const { pages, asked } = made(() => total);
    pages.show(0, 30);
    await settled(() => pages.line(9) !== undefined);
    total = 12;
    pages.refresh();
    expect(pages.line(9)?.text).toBe("line 9 of 10");
    await settled(() => pages.line(11) !== undefined);
    expect([asked.length, pages.line(9)?.text]).toEqual([2, "line 9 of 12"]);
  });
});
