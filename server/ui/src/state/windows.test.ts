import { beforeEach, describe, expect, it, vi } from "vitest";
import { xWindow } from "./view";
import {
  askedFor,
  epoch,
  extent,
  noteExtent,
  redoZoom,
  setYWindow,
  showAll,
  shownByDefault,
  undoZoom,
  unixSeconds,
  withinAll,
  yWindowOf,
  zoomTo,
} from "./windows";

describe("zoom", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
    vi.advanceTimersByTime(10_000);
    showAll();
    vi.advanceTimersByTime(10_000);
  });

  it("goes back and forth by moves, not by the frames of a drag", () => {
    zoomTo([0, 100]);
    vi.advanceTimersByTime(5000);
    for (let frame = 1; frame < 50; frame++) {
      zoomTo([frame, 100]);
      vi.advanceTimersByTime(16);
    }
    undoZoom();
    expect(xWindow.value).toEqual([0, 100]);
    undoZoom();
    expect(xWindow.value).toBeNull();
    redoZoom();
    redoZoom();
    expect(xWindow.value).toEqual([49, 100]);
    redoZoom();
    expect(xWindow.value).toEqual([49, 100]);
  });

  it("goes back in y as well", () => {
    zoomTo([0, 100]);
    setYWindow("a", [1, 2]);
    vi.advanceTimersByTime(5000);
    showAll();
    expect(yWindowOf("a")).toBeNull();
    undoZoom();
    expect([xWindow.value, yWindowOf("a")]).toEqual([
      [0, 100],
      [1, 2],
    ]);
    undoZoom();
    expect([xWindow.value, yWindowOf("a")]).toEqual([null, null]);
  });

  it("never shows nothing, or what is no number", () => {
    zoomTo([5, 5]);
    zoomTo([7, 3]);
    zoomTo([5, 5.00001]);
    zoomTo([Number.NaN, 3]);
    zoomTo([0, Number.POSITIVE_INFINITY]);
    expect(xWindow.value).toBeNull();
  });

  it("keeps the end in view where it was, as runs go on, and only then", () => {
    const now = epoch.value;
    noteExtent("loss", now, [0, 100]);
    xWindow.value = [60, 100];
    noteExtent("other", now, [0, 400]);
    expect(xWindow.value).toEqual([60, 100]);
    xWindow.value = [350, 400];
    noteExtent("other", now, [0, 420]);
    expect(xWindow.value).toEqual([370, 420]);
    xWindow.value = [10, 20];
    noteExtent("other", now, [0, 440]);
    expect(xWindow.value).toEqual([10, 20]);
    expect(extent.value).toEqual([0, 440]);
  });
});

describe("what a chart shows while nothing is zoomed", () => {
  it("is what all show, but for a metric with steps of its own kind", () => {
    expect(shownByDefault([0, 900], [0, 1000])).toEqual([0, 1000]);
    expect(shownByDefault([1000, 1000], [0, 1000])).toEqual([0, 1000]);
    expect(shownByDefault([0, 12], [0, 1000])).toEqual([0, 12]);
    expect(shownByDefault(null, [0, 1000])).toEqual([0, 1000]);
  });
});

describe("a window that reaches beyond everything", () => {
  it("is cut, or is everything", () => {
    expect(withinAll([-50, 40], [0, 100])).toEqual([0, 40]);
    expect(withinAll([-50, 140], [0, 100])).toBeNull();
    expect(withinAll([200, 300], [0, 100])).toEqual([200, 300]);
  });
});

describe("a window that moves along with runs that go on", () => {
  it("is asked for in steps that hold it, and not far beyond", () => {
    const asked = Array.from({ length: 100 }, (_, step) => askedFor([1000 + step, 1400 + step], 1400 + step, true)!);
    for (const [step, [low, high]] of asked.entries()) {
      expect(low <= 1000 + step && high >= 1400 + step).toBe(true);
      expect(high - low).toBeLessThanOrEqual(600);
    }
    expect(new Set(asked.map(String)).size).toBeLessThanOrEqual(5);
  });

  it("is asked for as it is where it stays", () => {
    expect(askedFor([1000, 1400], 1500, true)).toEqual([1000, 1400]);
    expect(askedFor([1000, 1400], 1400, false)).toEqual([1000, 1400]);
    expect(askedFor(null, 1400, true)).toBeNull();
  });
});

describe("times", () => {
  it("are read to the microsecond", () => {
    expect(unixSeconds("1970-01-01T00:00:01.000001Z")).toBe(1.000001);
    expect(unixSeconds("1970-01-01T00:00:02Z")).toBe(2);
  });
});
