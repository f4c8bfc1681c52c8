import type { Row } from "../../api/types";
import { formatStep } from "../../text/format";

/** Widths of columns, px. */
export type ColumnWidths = { path: number; reference: number; run: number };

const WIDE: ColumnWidths = { path: 264, reference: 236, run: 292 };
const NARROW: ColumnWidths = { path: 168, reference: 168, run: 260 };

/** Return the widths of columns on a page so wide. */
export function widthsOn(pageWidth: number): ColumnWidths {
  return pageWidth < 1000 ? NARROW : WIDE;
}

/** Return what a run is to the reference, in a few words. */
export function relationTo(row: Row, reference: Row | undefined): string {
  if (!reference || row.run_id === reference.run_id) return "reference";
  const parent = row.lineage.find((reach) => reach.run_id === row.fork?.parent);
  const end = row.state && row.state !== "finished" && row.state !== "running" ? `, ${ended(row)}` : "";
  if (reference.fork?.parent === row.run_id) return `parent of it${end}`;
  if (row.fork?.parent === reference.run_id) return `fork of it at ${formatStep(row.fork.step)}${end}`;
  if (reference.lineage.some((reach) => reach.run_id === row.run_id)) return `ancestor of it${end}`;
  if (row.fork) return `fork of ${parent?.name ?? row.fork.parent} at ${formatStep(row.fork.step)}${end}`;
  return ended(row);
}

/** Return which run of its experiment a run is, in the least room; of none, or the only one, the end of its id. */
export function whichOf({ run_id, experiment, is_head, run_place, run_count }: Row): string {
  if (experiment === null || run_count < 2) return idEnd(run_id);
  return is_head ? "head" : `${formatStep(run_place)} of ${formatStep(run_count)}`;
}

/** Return what a column says above the name: what the run is to the reference, and of which experiment, where that is another. */
export function aboveName(row: Row, reference: Row | undefined, title: string): string {
  const isKnown = row !== reference && row.experiment === reference?.experiment;
  const experiment = row.experiment === title || isKnown ? null : row.experiment;
  return [relationTo(row, reference), experiment].filter(Boolean).join(" · ");
}

function ended(row: Row): string {
  const step = row.last_step === null ? "" : ` at ${formatStep(row.last_step)}`;
  return `${row.state ?? "unknown"}${step}`;
}

/** Return the end of a generated run id, by which runs of one name are told apart; nothing for ids of one's own. */
export function idEnd(runId: string): string {
  return /-\d{17}-([a-z0-9]{5})$/.exec(runId)?.[1] ?? "";
}
