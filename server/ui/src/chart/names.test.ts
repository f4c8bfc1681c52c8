import { describe, expect, it } from "vitest";
import { fitted, NAME_HEIGHT, placeNames, pushApart } from "./names";
import { makeLine } from "./testLines";
import type { View } from "./view";

const view: View = {
  width: 400,
  height: 200,
  plot: { left: 40, top: 10, width: 260, height: 170 },
  x: [0, 100],
  y: [0, 1],
  isLog: false,
};
const rules = { hovered: null, measure: (text: string) => 7 * text.length, taken: [] };
const line = (run_id: string, last: number, y: number) =>
  makeLine([0, last], [0.5, y], { run_id, title: run_id, last: { x: last, y } });

describe("names at line ends", () => {
  it("stand in the gutter, pushed apart in the order of the ends", () => {
    const names = placeNames([line("heron", 100, 0.5), line("gull", 100, 0.51), line("lark", 100, 0.49)], view, rules);
    expect(names.map((name) => name.id)).toEqual(["gull", "heron", "lark"]);
    expect(names[1]!.y - names[0]!.y).toBeCloseTo(NAME_HEIGHT);
    expect(names.every((name) => name.x > 300 && name.leader)).toBe(true);
  });
  it("stand beside ends in the plot, and not on each other", () => {
    const names = placeNames([line("heron", 50, 0.5), line("gull", 50, 0.5)], view, rules);
    expect(names.map((name) => name.isInside)).toEqual([true, true]);
    expect(Math.abs(names[0]!.y - names[1]!.y)).toBeGreaterThan(10);
  });
  it("cover no line: they are moved, with a leader, or left out; the hovered one stays", () => {
    const across = (y: number) => makeLine([0, 100], [y, y], { run_id: `across${y}`, title: "" });
    const crossed = placeNames([line("heron", 50, 0.5), across(0.5)], view, rules).find((name) => name.id === "heron")!;
    expect(Math.abs(crossed.y - 95)).toBeGreaterThan(6);
    const nearby = [0.4, 0.45, 0.5, 0.55, 0.6].map(across);
    const moved = placeNames([line("heron", 50, 0.5), ...nearby], view, rules).find((name) => name.id === "heron")!;
    expect(moved.leader).not.toBeNull();
    const few = Array.from({ length: 11 }, (_, at) => across(0.28 + at / 22));
    const sentOut = placeNames([line("heron", 50, 0.5), ...few], view, rules).find((name) => name.id === "heron")!;
    expect(sentOut).toMatchObject({ isInside: false, leader: [174, 95, 304, 95, 309, expect.any(Number)] });
    const everywhere = Array.from({ length: 40 }, (_, at) => across(at / 40));
    const crowded = [line("heron", 50, 0.5), ...everywhere];
    expect(placeNames(crowded, view, rules).some((name) => name.id === "heron")).toBe(false);
    const hovered = placeNames(crowded, view, { ...rules, hovered: "heron" });
    expect(hovered.find((name) => name.id === "heron")?.isBold).toBe(true);
  });
  it("are where a line leaves the window, and not where it is not seen", () => {
    const zoomed: View = { ...view, x: [0, 10] };
    const [name] = placeNames([line("heron", 100, 1)], zoomed, rules);
    expect(name!.leader![1]).toBeCloseTo(10 + 170 * 0.45, 0);
    expect(placeNames([line("heron", 5, 0.5)], { ...view, x: [20, 100] }, rules)).toEqual([]);
  });
  it("take the height of the gutter where many end at one place", () => {
    const many = Array.from({ length: 30 }, (_, at) => line(`run${at}`, 100, 0.5));
    const names = placeNames(many, view, { ...rules, hovered: "run20" });
    expect(names).toHaveLength(13);
    expect(names.some((name) => name.id === "run20")).toBe(true);
  });
  it("are not where a line ends in no number", () => {
    const broken = makeLine([0, 100], [Number.NaN, Number.NaN], { last: { x: 100, y: Number.NaN } });
    const cut = makeLine([0, 50, 100], [0.2, 0.4, Number.NaN], { last: { x: 100, y: Number.NaN } });
    expect(placeNames([broken], view, rules)).toEqual([]);
    expect(placeNames([cut], view, rules)[0]!.isInside).toBe(true);
  });
  it("are as many as there is room for, the hovered one among them", () => {
    const many = Array.from({ length: 100 }, (_, at) => line(`run${at}`, 100, at / 100));
    const names = placeNames(many, view, { ...rules, hovered: "run77" });
    expect(names).toHaveLength(13);
    expect(names.find((name) => name.id === "run77")?.isBold).toBe(true);
  });
  it("are cut to the room that they have", () => {
    expect(fitted("a-very-long-name-of-a-run", 70, (text) => 7 * text.length)).toBe("a-very-lo…");
    expect(fitted("🦜🦜🦜🦜", 16, (text) => 8 * Array.from(text).length)).toBe("🦜…");
  });
});

describe("pushing apart", () => {
  it("keeps order, distance and bounds, and moves no more than it must", () => {
    expect(pushApart([0, 50, 100], 14, 0, 100)).toEqual([0, 50, 100]);
    expect(pushApart([50, 50], 14, 0, 100)).toEqual([43, 57]);
    const crowded = pushApart([95, 97, 98, 99], 14, 0, 100);
    expect(crowded).toEqual([58, 72, 86, 100]);
  });
});
