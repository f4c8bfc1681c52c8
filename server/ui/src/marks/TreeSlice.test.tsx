import { render } from "preact";
import { expect, test } from "vitest";
import { rowScale } from "./shapes";
import { TreeSlice } from "./TreeSlice";
import { layOutTree, type TreeRun } from "./tree";

function run(run_id: string, parent: string | null, fork_step: number | null): TreeRun {
  const first = fork_step ?? 0;
  const shared = { number: 1, state: "finished", isPending: false, created: "", isTip: true } as const;
  return { ...shared, run_id, parent, fork_step, own: [first, 1000] };
}

test("a row that hundreds of curves pass is a few elements", () => {
  const x = rowScale([0, 1000], 400);
  const children = Array.from({ length: 300 }, (_, at) => run(`c${at}`, "root", 990 - 3 * at));
  const lanes = layOutTree([run("root", null, null), ...children], x, 13);
  const counts = lanes.map((lane) => {
    const host = document.createElement("div");
    const colour = () => "#000000";
    render(<TreeSlice lane={lane} x={x} low={0} width={400} height={28} colour={colour} />, host);
    return host.querySelectorAll("path, line, circle").length;
  });

  expect(counts[0]).toBeLessThan(100); // diamonds that do not hide in one another
  expect(Math.max(...counts.slice(1))).toBeLessThan(30);
});
