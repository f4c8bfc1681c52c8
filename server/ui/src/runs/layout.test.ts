import { expect, test } from "vitest";
import type { Column, Row } from "../api/types";
import { type LayoutParts, layOutColumns, Measured } from "./layout";

const metric = (title: string): Column => ({ title, path: title, aggregate: null, type: "float_series" });
const values = ["val/loss", "train/loss", "lr", "seed", "depth", "batch"].map(metric);
const rowsWith = (numbers: number[]) =>
  numbers.map((number) => ({ values: Object.fromEntries(values.map((one) => [one.title, number])) }) as unknown as Row);

function parts(more: Partial<LayoutParts>): LayoutParts {
  const measured = new Measured();
  measured.add(rowsWith([0.1234, 0.5]), values);
  return { layout: "pane", mode: "experiments", width: 632, values, pinned: [], measured, chosen: {}, ...more };
}

const total = (given: LayoutParts) => layOutColumns(given).reduce((sum, column) => sum + column.width, 0);
const keys = (given: LayoutParts) => layOutColumns(given).map((column) => column.key);

test("beside charts as many columns stand as fit, and what is pinned before all", () => {
  for (const width of [380, 480, 632, 800, 1200])
    expect(total(parts({ width })), `${width}`).toBeLessThanOrEqual(width);
  expect(keys(parts({ width: 380 })).length).toBeLessThan(keys(parts({ width: 800 })).length);
  expect(keys(parts({ width: 632, pinned: ["seed"] })).slice(4)).toEqual(["seed"]);
});

test("a page is filled, by the lineage or by what changed", () => {
  expect(Math.abs(total(parts({ layout: "page", width: 1400 })) - 1390)).toBeLessThan(5);
  expect(Math.abs(total(parts({ layout: "page", width: 1800, mode: "runs" })) - 1790)).toBeLessThan(5);
});

test("a page scrolls to the right before its columns become unreadable", () => {
  const columns = layOutColumns(parts({ layout: "page", width: 700, mode: "runs" }));

  expect(columns.find((column) => column.kind === "lineage")?.width).toBe(220);
  expect(total(parts({ layout: "page", width: 700, mode: "runs" }))).toBeGreaterThan(700);
});

test("pinned columns stand at the left, beside the name", () => {
  const given = parts({ layout: "page", width: 1400, pinned: ["lr"] });

  expect(keys(given).slice(0, 4)).toEqual(["(eye)", "(name)", "lr", "(lineage)"]);
  expect(layOutColumns(given).filter((column) => column.isPinned).length).toBe(3);
});

test("widths that were chosen are kept, whatever they are called", () => {
  const chosen = JSON.parse('{"lr": 200, "constructor": 90}') as Record<string, number>;
  const odd = parts({ layout: "page", chosen, values: [metric("lr"), metric("constructor"), metric("toString")] });

  expect(layOutColumns(odd).find((column) => column.key === "lr")?.width).toBe(200);
  expect(layOutColumns(odd).find((column) => column.key === "constructor")?.width).toBe(90);
  expect(layOutColumns(odd).find((column) => column.key === "toString")?.width).toBe(64);
});

test("columns never become narrower while more rows are seen", () => {
  const measured = new Measured();
  measured.add(rowsWith([123456.5]), values);
  const before = measured.widthOf("lr");
  measured.add(rowsWith([1]), values);

  expect(measured.widthOf("lr")).toBe(before);
});
