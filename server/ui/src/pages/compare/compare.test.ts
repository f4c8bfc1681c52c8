import { describe, expect, test } from "vitest";
import type { Content, DifferenceRow, Row } from "../../api/types";
import { goalOf } from "../../text/metrics";
import { aboveName, idEnd, relationTo, whichOf } from "./columns";
import { comparisonCsv } from "./csv";
import { groupRows, isSame, isText } from "./groups";
import { filterFor } from "./RunChoice";

function row(path: string, values: Content[], rest: Partial<DifferenceRow> = {}): DifferenceRow {
  const differs = values.some((value) => !isSame(value, values[0]));
  const nothing = values.map(() => null);
  return {
    path,
    aggregate: null,
    type: "float",
    group: "configs",
    values,
    differs,
    delta: nothing,
    percent: nothing,
    goal: null,
    ...rest,
  };
}

function metric(path: string, aggregate: string, values: number[]): DifferenceRow {
  return row(path, values, { aggregate, type: "float_series", group: "series" });
}

const listed = (rows: DifferenceRow[], onlyDifferences = true) =>
  groupRows(rows, (path, declared) => declared ?? goalOf(path), onlyDifferences).map(
    ({ title, count, rows: found }) =>
      `${title} ${count}: ${found.map((one) => `${one.path}${one.aggregate ? ` ${one.aggregate}` : ""}`).join(", ")}`,
  );

describe("groups", () => {
  test("take rows by what they are, and leave out what holds none", () => {
    const long = "x".repeat(60);
    expect(
      listed([
        row("lr", [1, 2]),
        row("sys/state", ["finished", "lost"], { type: "string", group: "system" }),
        row("runtime/details/gpu", ["a", "b"], { type: "string", group: "system" }),
        row("prompt", [long, `${long}y`], { type: "string" }),
        metric("val/loss", "last", [1, 2]),
      ]),
    ).toEqual([
      "configs 1: lr",
      "series, along the lineage 1: val/loss last",
      "lineage and state 1: sys/state",
      "text, by difference 1: prompt",
      "environment 1: runtime/details/gpu",
    ]);
  });

  test("show of a metric the last value and, where it is known which that is, the best", () => {
    const all = (path: string) => ["last", "max", "min"].map((aggregate) => metric(path, aggregate, [1, 2]));
    expect(listed([...all("epoch"), ...all("val/acc"), ...all("val/loss")])).toEqual([
      "series, along the lineage 3: val/loss last, val/loss min, val/acc last, val/acc max, epoch last",
    ]);
  });

  test("show what alone differs of a metric whose last values are equal", () => {
    expect(listed([metric("epoch", "max", [3, 4])])).toEqual(["series, along the lineage 1: epoch max"]);
    expect(listed([metric("epoch", "last", [1, 1]), metric("epoch", "max", [3, 4])], false)).toEqual([
      "series, along the lineage 1: epoch last, epoch max",
    ]);
  });
});

test("lists and files are the same where they hold the same", () => {
  expect([isSame(["a"], ["a"]), isSame(["a"], ["b"]), isSame(null, ["a"]), isSame("NaN", "NaN")]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

test("only texts are told apart word by word", () => {
  expect([isText(row("a", [1, 2])), isText(row("a", ["x", "y"], { type: "string" }))]).toEqual([false, false]);
});

test("CSV quotes what needs it", () => {
  const text = comparisonCsv([row("a,b", ['say "hi"', null, 1.5, "two\nlines"])], ["r1", "r2", "r3", "r4"]);
  expect(text).toBe('attribute,statistic,r1,r2,r3,r4\r\n"a,b",,"say ""hi""",,1.5,"two\nlines"');
});

test("the filter that finds a run takes what is typed as it is", () => {
  expect(filterFor("  ")).toBeNull();
  expect(filterFor('a b.c"!')).toBe(
    'run MATCHES "(?i)a\\\\x20b\\\\.c\\"\\\\x21" OR experiment MATCHES "(?i)a\\\\x20b\\\\.c\\"\\\\x21"',
  );
});

describe("what a run is to the reference", () => {
  const made = (run_id: string, parent: string | null, lineage: string[]): Row =>
    ({
      run_id,
      name: run_id,
      state: run_id === "root" ? "lost" : "finished",
      fork: parent ? { parent, step: 5, is_pending: false } : null,
      last_step: 125,
      lineage: lineage.map((one) => ({ run_id: one, name: one })),
    }) as unknown as Row;
  const root = made("root", null, ["root"]);
  const child = made("child", "root", ["root", "child"]);
  const grandchild = made("grandchild", "child", ["root", "child", "grandchild"]);

  test.each([
    [child, child, "reference"],
    [root, child, "parent of it, lost at 125"],
    [root, grandchild, "ancestor of it, lost at 125"],
    [grandchild, child, "fork of it at 5"],
    [grandchild, root, "fork of child at 5"],
    [root, undefined, "reference"],
  ])("%#", (one, reference, expected) => {
    expect(relationTo(one, reference)).toBe(expected);
  });

  test("a column says which run of its experiment it has, and the experiment where it is not the reference's", () => {
    const of = (row: Row, experiment: string | null, run_place: number, is_head = false): Row => ({
      ...row,
      experiment,
      run_place,
      is_head,
      run_count: 3,
    });
    const reference = of(root, "gull", 1);

    expect([reference, of(child, "gull", 3, true), of(child, null, 1)].map(whichOf)).toEqual(["1 of 3", "head", ""]);
    expect(aboveName(reference, reference, "root")).toBe("reference · gull");
    expect(aboveName(of(child, "gull", 3, true), reference, "child")).toBe("fork of it at 5");
    expect(aboveName(of(child, "tern", 3, true), reference, "child")).toBe("fork of it at 5 · tern");
    expect(aboveName(of(child, "tern", 3, true), reference, "tern")).toBe("fork of it at 5");
  });

  test("ids have ends only where runfork made them", () => {
    expect([idEnd("calm-valley-20261126194456438-h43q3"), idEnd("my-own-run")]).toEqual(["h43q3", ""]);
  });
});
