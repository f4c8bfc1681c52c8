import { expect, test } from "vitest";
import { arranged } from "./arranged";

test("small sections that follow each other share a row", () => {
  expect(arranged([1, 1, 2, 5], 2)).toEqual({ tracks: 2, spans: [1, 1, 2, 2] });
  expect(arranged([1, 2, 1, 1, 1], 3)).toEqual({ tracks: 6, spans: [2, 4, 2, 2, 2] });
});

test("the charts of a row share all of its width", () => {
  expect(arranged([1, 2, 1], 2).spans).toEqual([2, 2, 2]);
  expect(arranged([1, 1], 4)).toEqual({ tracks: 12, spans: [6, 6] });
  expect(arranged([1, 2], 4).spans).toEqual([4, 8]);
});

test("closed sections and those of many charts have rows of their own", () => {
  expect(arranged([1, 0, 1], 2).spans).toEqual([2, 2, 2]);
  expect(arranged([1, 9, 1, 1], 3).spans).toEqual([6, 6, 3, 3]);
  expect(arranged([1, 1], 1)).toEqual({ tracks: 1, spans: [1, 1] });
  expect(arranged([], 2).spans).toEqual([]);
});
