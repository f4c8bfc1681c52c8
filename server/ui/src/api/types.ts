/** Shapes of the HTTP API, as `/api/v1/openapi.json` describes them. */

/** A number, or the string that stands for one that JSON lacks. */
export type JsonNumber = number | "NaN" | "Infinity" | "-Infinity";
/** First and last step, both inclusive. */
export type StepRange = [number, number];
/** States of a run, as readers work them out. */
export type RunState = "running" | "finished" | "failed" | "aborted" | "preempted" | "lost" | null;
/** Types of attributes. */
export type AttributeType =
  | "float"
  | "int"
  | "bool"
  | "string"
  | "datetime"
  | "string_set"
  | "file"
  | "none"
  | "float_series"
  | "string_series"
  | "histogram_series"
  | "file_series";

/** Where a run left its parent. */
export type Fork = { parent: string; step: number; is_pending: boolean };
/** What a cell holds: a number, a text, a truth, members of a set, a file; of series the last. */
export type Content = JsonNumber | string | boolean | string[] | FileContent | null | { [name: string]: unknown };
/** A logged file. */
export type FileContent = { name: string; size_bytes: number; mime_type: string; sha256: string };
/** A value with its type. */
export type TypedValue = { type: AttributeType; value: Content };
/** One config that a fork changed. */
export type Change = { path: string; before: TypedValue | null; after: TypedValue | null };

/** What one run of a lineage contributes, root first. */
export type Reach = {
  run_id: string;
  name: string;
  number: number;
  experiment: string | null;
  state: RunState;
  fork_step: number | null;
  last: number | null;
  kept: StepRange | null;
  pruned: StepRange | null;
};

/** One run in a list; in Experiments mode the head of one. */
export type Row = {
  run_id: string;
  name: string;
  number: number;
  experiment: string | null;
  is_head: boolean;
  is_archived: boolean;
  state: RunState;
  created: string;
  fork: Fork | null;
  run_count: number;
  /** Which of the runs of its experiment it is by creation, from 1. */
  run_place: number;
  last_step: number | null;
  values: { [title: string]: Content };
  lineage: Reach[];
  changes?: Change[];
};

/** A column of the table. */
export type Column = { title: string; path: string; aggregate: string | null; type: AttributeType | null };
/** Order of rows. */
export type Sort = { column: string; descending: boolean };
/** Experiments lists heads only, Runs every run. */
export type Mode = "experiments" | "runs";

/** What `runs/search` is asked. */
export type RunsSearch = {
  mode: Mode;
  filter: string | null;
  sort: Sort[];
  columns: string[] | null;
  limit: number;
  offset: number;
  archived: boolean;
  run_ids?: string[] | null;
  lineage: boolean;
  changes: boolean;
};
/** One page of runs. */
export type RunsPage = {
  revision: number;
  total: number;
  run_count: number;
  experiment_count: number;
  /** What the filter names and no run has, in sentences. */
  notes: string[];
  columns: Column[];
  rows: Row[];
};

/** The server and its data directory. */
export type Info = { name: string; version: string; directory: string; time: string; features: string[] };
/** A project in the list of projects. */
export type ProjectSummary = { name: string; run_count: number; modified: string | null };
/** All projects of the data directory. */
export type Projects = { directory: string; projects: ProjectSummary[] };
/** How a project stands. */
export type ProjectStatus = {
  name: string;
  directory: string;
  revision: number;
  run_count: number;
  experiment_count: number;
  is_reading: boolean;
  progress: { done: number; total: number } | null;
  troubles: string[];
};

/** A path with a type that it has, and in how many runs. */
export type Definition = { path: string; type: AttributeType; run_count: number };
/** Attributes that match. */
export type AttributesPage = { revision: number; total: number; attributes: Definition[] };

/** Statistics of a series. */
export type Statistics = { [name: string]: JsonNumber | null };
/** One attribute of a run. */
export type Attribute = {
  type: AttributeType;
  value: Content;
  source_run: string;
  time: string;
  statistics: Statistics | null;
};
/** A run with all its attributes. */
export type RunValues = { revision: number; run: Row; attributes: { [path: string]: Attribute } };

/** A checkpoint that one can fork from. */
export type Mark = {
  run_id: string;
  step: number;
  mark_id: string;
  time: string;
  epoch: number | null;
  checkpoint: string | null;
};
/** One run of a family. */
export type FamilyRun = Omit<Row, "values" | "lineage"> & {
  first_step: number | null;
  own: StepRange | null;
  kept: StepRange | null;
  pruned: StepRange | null;
  is_in_lineage: boolean;
  is_pending: boolean;
  changes: Change[];
  marks: Mark[];
  ended: string | null;
};
/** All runs that descend from one root. */
export type Family = {
  revision: number;
  experiment: string | null;
  focus: string;
  lineage: string[];
  runs: FamilyRun[];
};
/** What to type to fork from a step. */
export type ResumeCode = {
  framework: "lightning" | "trainer" | "accelerate" | "keras" | "own";
  /** The run that wrote the step: the parent of the fork. */
  run_id: string;
  name: string;
  mark_id: string | null;
  step: number;
  checkpoint: string | null;
  code: string;
  note: string;
  /** Why one cannot fork from there; null where one can. */
  trouble: string | null;
  /** Steps of the nearest checkpoints on both sides. */
  before: number | null;
  after: number | null;
};

/** One attribute across several runs. */
export type DifferenceRow = {
  path: string;
  aggregate: string | null;
  type: AttributeType | null;
  group: "configs" | "series" | "system" | "text";
  values: Content[];
  differs: boolean;
  delta: (number | null)[];
  percent: (number | null)[];
  goal: "min" | "max" | null;
};
/** Several runs side by side. */
export type Differences = {
  revision: number;
  run_ids: string[];
  reference: string;
  total: number;
  differing: number;
  /** Paths of all attributes, and of those that differ. */
  attribute_count: number;
  differing_count: number;
  rows: DifferenceRow[];
};

/** What x is: steps, seconds since the root's start, or Unix seconds. */
export type Axis = "step" | "relative" | "time";
/** How a line is smoothed. */
export type Smoothing = { kind: "ema" | "sma" | "centred" | "gaussian"; factor: number };
/** What is asked of `series/buckets`. */
export type BucketsQuery = {
  run_ids: string[];
  paths: string[];
  x: Axis;
  range: [number, number] | null;
  buckets: number;
  inherited: "lineage" | "own";
  pruned: boolean;
  line: "last" | "mean";
  smoothing: Smoothing | null;
  /** Whether ranges stay where they are while lines grow. */
  grid?: "fitted" | "steady";
  /** Tags of lines that are known. */
  known?: string[];
};
/** One exact point. */
export type Point = {
  run_id: string;
  source_run: string;
  step: number;
  value: JsonNumber;
  time: string;
  relative: number | null;
};

/** The least and the greatest value that runs show of a metric. */
export type Extremes = { least: Point | null; greatest: Point | null; goal: "min" | "max" | null };

/** One line of console output. */
export type ConsoleLine = {
  n: number;
  path: string;
  time: string;
  seconds: number;
  text: string;
  is_error: boolean;
  updates: number;
  styles?: TextStyles;
};
/** How characters look where they do not look as usual; a colour is a number of a terminal's palette or "#rrggbb". */
export type TextStyle = {
  foreground?: number | string;
  background?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
  strike?: boolean;
};
/** Which characters (Unicode code points: from, up to) of a text have which style. */
export type TextStyles = readonly (readonly [number, number, TextStyle])[];
/** A progress bar that is still drawn, and no line yet. */
export type OpenBar = Pick<ConsoleLine, "path" | "time" | "seconds" | "text" | "is_error" | "updates">;
/** A page of console output. */
export type ConsolePage = {
  revision: number;
  total: number;
  ranks: number[];
  streams: string[];
  lines: ConsoleLine[];
  open: OpenBar[];
};
/** A file of a run. */
export type RunFile = {
  path: string;
  step: number | null;
  name: string;
  size_bytes: number;
  mime_type: string;
  sha256: string;
  source_run: string;
  is_there: boolean;
};

/** An error as RFC 9457 has it. */
export type Problem = { type: string; title: string; status: number; detail: string; position?: number };
/** What an event tells of a project. */
export type ProjectEvent = {
  project: string;
  revision: number;
  run_count: number;
  run_ids: string[] | null;
  /** Whether the journals are read for the first time: runs are not counted yet. */
  is_reading: boolean;
  troubles: string[];
};
