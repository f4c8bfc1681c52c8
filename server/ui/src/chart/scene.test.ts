import { describe, expect, it } from "vitest";
import { markedPlaces } from "./paintMarks";
import { partsOf, showsPoints } from "./scene";
import { makeLine } from "./testLines";

describe("parts of a line", () => {
  it("join where one run took over from another", () => {
    const line = makeLine([0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0], {
      roles: [
        { run_id: "root", from_x: 0, to_x: 1, role: "inherited" },
        { run_id: "middle", from_x: 2, to_x: 3, role: "inherited" },
        { run_id: "head", from_x: 4, to_x: 5, role: "own" },
      ],
    });
    expect(partsOf(line)).toEqual([
      { from: 0, to: 2, isOwn: false, generation: 2 },
      { from: 1, to: 4, isOwn: false, generation: 1 },
      { from: 3, to: 6, isOwn: true, generation: 0 },
    ]);
  });
  it("leave out runs without entries, and are one where nothing is told", () => {
    const roles = [
      { run_id: "root", from_x: 0, to_x: 0.5, role: "inherited" as const },
      { run_id: "head", from_x: 1, to_x: 5, role: "own" as const },
    ];
    expect(partsOf(makeLine([1, 2], [0, 0], { roles }))).toEqual([{ from: 0, to: 2, isOwn: true, generation: 0 }]);
    expect(partsOf(makeLine([1, 2], [0, 0], { roles: [] }))).toHaveLength(1);
    expect(partsOf(makeLine([], []))).toEqual([]);
  });
});

describe("points", () => {
  it("are drawn each where they are 5 px apart", () => {
    const line = makeLine(
      Array.from({ length: 50 }, (_, at) => at),
      Array(50).fill(0),
    );
    expect(showsPoints({ x: line.x, isRaw: true }, [0, 49], 49 * 5)).toBe(true);
    expect(showsPoints({ x: line.x, isRaw: true }, [0, 49], 49 * 4)).toBe(false);
    expect(showsPoints({ x: line.x, isRaw: false }, [0, 49], 1000)).toBe(false);
    expect(showsPoints({ x: Float64Array.from([7]), isRaw: true }, [0, 49], 100)).toBe(true);
  });
});

describe("points that are no numbers", () => {
  it("are marked at both ends of a stretch", () => {
    expect(markedPlaces([10, 12, 15, 20, 100])).toEqual([
      { at: 10, to: 20 },
      { at: 100, to: null },
    ]);
    expect(markedPlaces([])).toEqual([]);
  });
});
