import { formatStep } from "./format";

/** What tells who a run is; rows of tables and members of families have it. */
export type Identified = {
  name: string;
  experiment: string | null;
  is_head: boolean;
  run_place: number;
  run_count: number;
};

/** Return what heads all that is said of a run: its experiment, by which one thinks of it; of none, its own name. */
export function headingOf(run: Pick<Identified, "name" | "experiment">): string {
  return run.experiment ?? run.name;
}

/** Return which run of its experiment a run is, in the order of their creation. */
export function placeOf({ experiment, is_head, run_place, run_count }: Identified): string {
  if (experiment === null) return "of no experiment";
  if (run_count < 2) return "its only run";
  return `${is_head ? "head, " : ""}run ${formatStep(run_place)} of ${formatStep(run_count)}`;
}

/** Return who a run is in a line: experiment, which run of it, and the run's own name. */
export function identityOf(run: Identified): string {
  return run.experiment === null ? `${run.name}, ${placeOf(run)}` : `${run.experiment}, ${placeOf(run)}: ${run.name}`;
}
