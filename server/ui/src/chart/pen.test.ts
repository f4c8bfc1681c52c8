import { describe, expect, it } from "vitest";
import { SvgPen } from "./pen";
import { sceneOf } from "./scene";
import { legendOf, paintSheet } from "./sheet";
import { makeLine } from "./testLines";
import { makePalette } from "./testPalette";
import { linearTicks, stepTicks } from "./ticks";
import type { View } from "./view";

const view: View = {
  width: 400,
  height: 220,
  plot: { left: 40, top: 30, width: 260, height: 160 },
  x: [0, 10],
  y: [0, 1],
  isLog: false,
};

function svgOf(title: string, name: string): Document {
  const line = makeLine([0, 5, 10], [0, 0.5, 1], {
    title: name,
    whiskers: [1],
    min: Float64Array.from([0, 0.1, 1]),
    max: Float64Array.from([0, 0.9, 1]),
    forks: [{ parent: "a", child: "b", step: 5, x: 5, y: 0.5 }],
    nonfinite: [{ x: 7, kind: "nan", count: 1 }],
    pruned: [{ run_id: "a", x: Float64Array.from([5, 9]), y: Float64Array.from([0.5, 0.2]) }],
  });
  const names = [
    { id: "b", text: name, colour: "#332211", x: 312, y: 40, width: 40, leader: null, isInside: false, isBold: false },
  ];
  const words = { names: new Map([["run-1", `${name}, run 1`]]), note: "demo/digits" };
  const legend = legendOf([line], words, { width: 400, top: 220, measure: (text) => 6 * text.length });
  const pen = new SvgPen();
  paintSheet(pen, {
    title,
    tags: [],
    xName: "step",
    legend,
    scene: sceneOf([line], makePalette(), false),
    view,
    look: { hovered: null, names },
    xTicks: stepTicks(view.x, 4),
    yTicks: linearTicks(view.y, 4),
  });
  return new DOMParser().parseFromString(pen.finish(400, 220, title), "image/svg+xml");
}

describe("SVG", () => {
  it("has what the chart has, from the same drawing", () => {
    const found = svgOf("train/loss", "heron");
    const texts = [...found.querySelectorAll("text")].map((one) => one.textContent);
    expect(texts).toContain("train/loss");
    expect(texts).toContain("heron");
    expect(texts).toContain("0.5");
    expect(texts).toEqual(expect.arrayContaining(["step", "heron, run 1", "demo/digits"]));
    const paths = [...found.querySelectorAll("path")].map((one) => one.getAttribute("d"));
    expect(paths).toContain("M40 190L170 110L300 30");
    expect(found.querySelectorAll("[stroke-dasharray]").length).toBe(1);
  });
  it("carries hostile text as text", () => {
    const hostile = '</text><script>alert("1")</script>&\u0000\ud800';
    const found = svgOf(hostile, hostile);
    expect(found.querySelector("script")).toBeNull();
    expect([...found.querySelectorAll("text")].some((one) => one.textContent?.includes('<script>alert("1")'))).toBe(
      true,
    );
  });
});

describe("the legend of a picture", () => {
  const lay = (count: number) =>
    legendOf(
      Array.from({ length: count }, (_, at) => makeLine([0], [1], { run_id: `r${at}`, title: `heron ${at}` })),
      { names: new Map(), note: "" },
      { width: 200, top: 100, measure: (text) => 6 * text.length },
    );
  it("stands in rows, each within the picture", () => {
    const { items, height } = lay(5);
    expect(items.map((item) => item.y)).toEqual([109, 109, 127, 127, 145]);
    expect(Math.max(...items.map((item) => item.x))).toBeLessThan(120);
    expect(height).toBeGreaterThanOrEqual(3 * 18);
  });
  it("says how many lines it has no room for", () => {
    const { items, rest, height } = lay(100);
    expect([items.length, rest]).toEqual([24, "and 76 more lines"]);
    expect(100 + height).toBeGreaterThan(items.at(-1)!.y + 36);
  });
});
