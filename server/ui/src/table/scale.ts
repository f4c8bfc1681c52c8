import type { Row } from "../api/types";
import { formatStep } from "../text/format";

/** The steps that all rows are drawn over, and those that the axis names. */
export type StepScale = { domain: [number, number]; ticks: number[] };

const NICE_ENDS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** Return the next round number that is not below `step`: so the scale stands still while runs go on. */
export function roundedUp(step: number): number {
  if (!(step > 0)) return 1;
  const size = 10 ** Math.floor(Math.log10(step));
  const factor = NICE_ENDS.find((nice) => nice * size >= step * (1 - 1e-9));
  return Number(((factor ?? 10) * size).toPrecision(12));
}

/** Return the last step that any of the runs, or of those that they descend from, has logged. */
export function lastStep(rows: Iterable<Row>): number {
  let last = 0;
  for (const row of rows) {
    last = Math.max(last, row.last_step ?? 0, row.fork?.step ?? 0);
    for (const reach of row.lineage) last = Math.max(last, reach.last ?? 0);
  }
  return last;
}

/** Return a scale from 0 to the last step, with as many round ticks as its width has room for. */
export function stepScaleTo(last: number, width: number): StepScale {
  const end = roundedUp(last);
  const room = Math.max(1, Math.floor(width / Math.max(90, 20 + 7 * formatStep(end).length)));
  return { domain: [0, end], ticks: ticksTo(end, room) };
}

function ticksTo(end: number, room: number): number[] {
  const least = end / room;
  const size = 10 ** Math.floor(Math.log10(least));
  const distance = [1, 2, 2.5, 5, 10].map((nice) => nice * size).find((one) => one >= least * (1 - 1e-9)) ?? end;
  const ticks: number[] = [];
  for (let at = 0; at * distance <= end * (1 + 1e-9); at++) ticks.push(Number((at * distance).toPrecision(12)));
  return ticks.length > 1 ? ticks : [0, end];
}
