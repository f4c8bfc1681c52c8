import { expect, test } from "vitest";
import { arranged, chartHeightIn, columnsIn } from "./arranged";

test("small sections that follow each other share a row", () => {
  expect(arranged([1, 1, 2, 5], 2)).toEqual({ tracks: 2, spans: [1, 1, 2, 2], rows: 5, heads: 3 });
  expect(arranged([1, 2, 1, 1, 1], 3)).toMatchObject({ tracks: 6, spans: [2, 4, 2, 2, 2] });
});

test("the charts of a row share all of its width", () => {
  expect(arranged([1, 2, 1], 2).spans).toEqual([2, 2, 2]);
  expect(arranged([1, 1], 4)).toMatchObject({ tracks: 12, spans: [6, 6] });
  expect(arranged([1, 2], 4).spans).toEqual([4, 8]);
});

test("closed sections and those of many charts have rows of their own", () => {
  expect(arranged([1, 0, 1], 2)).toEqual({ tracks: 2, spans: [2, 2, 2], rows: 2, heads: 3 });
  expect(arranged([1, 9, 1, 1], 3).spans).toEqual([6, 6, 3, 3]);
  expect(arranged([1, 1], 1)).toMatchObject({ tracks: 1, spans: [1, 1] });
  expect(arranged([], 2).spans).toEqual([]);
});

test("few charts are higher, and many as high as always", () => {
  expect(chartHeightIn({ width: 355, height: 640, rows: 1, heads: 1 })).toBe(284);
  expect(chartHeightIn({ width: 900, height: 640, rows: 1, heads: 1 })).toBe(340);
  expect(chartHeightIn({ width: 355, height: 640, rows: 2, heads: 2 })).toBe(240);
  expect(chartHeightIn({ width: 355, height: 640, rows: 9, heads: 2 })).toBe(196);
});

test("as many charts stand beside each other as are wide enough", () => {
  expect([300, 700, 740, 5000].map(columnsIn)).toEqual([1, 1, 2, 4]);
});
