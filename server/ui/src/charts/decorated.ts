import type { ReadonlySignal } from "@preact/signals";
import type { Axis } from "../api/types";
import { type PrunedBest, prunedBestOf } from "../chart/best";
import type { ChartLine } from "../chart/scene";
import type { DrawnRun } from "../state/drawn";
import type { Goal } from "../state/goals";
import type { Answer } from "../state/series";
import { colourOf, theme } from "../state/theme";
import { mode } from "../state/view";
import { formatNumber, formatStep, formatX } from "../text/format";

/** By run, what was pruned and better than all that is kept. */
type Bests = ReadonlyMap<string, PrunedBest>;

/** Return where what was pruned was better than all that is kept: of whole lines, as a window does not know all. */
export function bestsOf(whole: Answer | null, goal: Goal): Bests {
  const found = whole?.lines.map((line) => [line.run_id, prunedBestOf(line, goal)] as const) ?? [];
  return new Map(found.flatMap(([id, best]) => (best ? [[id, best]] : [])));
}

type Undecorated = {
  shown: ReadonlySignal<Answer | null>;
  runs: ReadonlySignal<readonly DrawnRun[]>;
  own: ReadonlySignal<Axis>;
  bests: ReadonlySignal<Bests>;
};

/** Lines change where an answer or a run's name, colour or state does: not with every look at the list of runs. */
export function decorator({ shown, runs, own, bests }: Undecorated): () => readonly ChartLine[] {
  let before: { answer: Answer | null; key: string; bests: Bests; lines: readonly ChartLine[] } | null = null;
  return () => {
    const told = runs.value.map(({ run_id, title, colour, row }) => [
      run_id,
      title,
      colour.line,
      row.state,
      row.lineage.map((reach) => [reach.run_id, reach.name, reach.number]),
    ]);
    const key = JSON.stringify([own.value, mode.value, theme.value, told]);
    const now = { answer: shown.value, key, bests: bests.value };
    if (before?.answer === now.answer && before.key === key && before.bests === now.bests) return before.lines;
    before = { ...now, lines: decorated(now.answer, runs.value, own.value, now.bests) };
    return before.lines;
  };
}

function decorated(answer: Answer | null, runs: readonly DrawnRun[], own: Axis, bests: Bests): ChartLine[] {
  if (!answer || answer.question.x !== own) return [];
  const byRun = new Map(answer.lines.map((line) => [line.run_id, line]));
  return runs.flatMap((run) => {
    const line = byRun.get(run.run_id);
    if (!line) return [];
    const reaches = new Map(run.row.lineage.map((reach) => [reach.run_id, reach]));
    const nameOf = (id: string) => reaches.get(id)?.name ?? id;
    const forkTexts = line.forks.map(
      (fork) => `${nameOf(fork.child)} forked from ${nameOf(fork.parent)} at step ${formatStep(fork.step)}`,
    );
    const best = line.pruned.length > 0 ? bests.get(run.run_id) : undefined;
    const bestText =
      best &&
      `The best of ${run.title} was pruned: ${formatNumber(best.y)} at ${formatX(best.x, own)}, by ${nameOf(best.run_id)}. Kept: ${formatNumber(best.kept)}`;
    const told = {
      title: run.title,
      colour: run.colour,
      state: run.row.state,
      forkTexts,
      best: best && bestText ? { x: best.x, y: best.y, text: bestText } : null,
    };
    if (mode.value !== "runs") return [{ ...line, ...told }];
    const forkColours = line.forks.map((fork) => {
      const reach = reaches.get(fork.child);
      return reach ? colourOf(reach).line : run.colour.line;
    });
    return [{ ...line, ...told, forkColours }];
  });
}
