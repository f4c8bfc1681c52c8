import { expect, test } from "vitest";
import { readCsvHead } from "./csv";

test.each([
  [
    "a,b\r\n1,2\r\n",
    [
      ["a", "b"],
      ["1", "2"],
    ],
  ],
  [
    'a,b\n"x, ""y""\nz",2',
    [
      ["a", "b"],
      ['x, "y"\nz', "2"],
    ],
  ],
  [
    "a\tb,c\td\n1\t2\t3",
    [
      ["a", "b,c", "d"],
      ["1", "2", "3"],
    ],
  ],
  ["", []],
  [",\n", [["", ""]]],
])("%j is read as rows of cells", (text, rows) => {
  expect(readCsvHead(text, 10)).toEqual({ rows, isCut: false });
});

test("only the first rows are read", () => {
  const text = Array.from({ length: 1000 }, (_, at) => `${at},x`).join("\n");
  const { rows, isCut } = readCsvHead(text, 3);
  expect([rows.length, isCut]).toEqual([3, true]);
});
