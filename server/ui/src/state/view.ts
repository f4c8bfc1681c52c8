import { computed } from "@preact/signals";
import type { Axis, Mode, Smoothing, Sort } from "../api/types";
import { asFlag, asList, asNumber, asText, type Codec, oneOf, parameter } from "./address";

/** Experiments lists heads, Runs every run. */
export const mode = parameter<Mode>("mode", "experiments", oneOf("experiments", "runs"));
/** How much of the history is drawn. */
export type Inherited = "off" | "on" | "pruned";
/** Own points only, the joined line, or that with what forks pruned behind it. */
export const inherited = parameter<Inherited>("inherited", "pruned", oneOf("off", "on", "pruned"));
/** The filter, in the query language; what the table shows is the last one that could be read. */
export const filter = parameter<string>("filter", "", asText, "replace");
/** Whether archived runs are listed. */
export const archived = parameter<boolean>("archived", false, asFlag);

const asSort: Codec<Sort[]> = {
  read: (text) =>
    asList
      .read(text)
      ?.filter(Boolean)
      .map((part) => ({ column: part.replace(/^-/, ""), descending: part.startsWith("-") })),
  write: (sorts) => asList.write(sorts.map((sort) => (sort.descending ? "-" : "") + sort.column)),
};
/** Order of rows; empty is newest first, the column "lineage" puts families together. */
export const sort = parameter<Sort[]>("sort", [], asSort);
/** Columns that were chosen; empty lets the server choose. */
export const columns = parameter<string[]>("columns", [], asList);
/** Columns that stay where they are when the table scrolls, and that stand beside charts. */
export const pinned = parameter<string[]>("pinned", [], asList);
/** Experiments (by head) whose runs are listed below them. */
export const expanded = parameter<string[]>("open", [], asList);
/** Runs that are drawn: ids, or `auto:5` for the first five rows, kept up to date. */
export const eyes = parameter<string[]>("eyes", ["auto:5"], asList);

/** Which charts: space is and, `!` negates, else a regular expression. */
export const chartSearch = parameter<string>("charts", "", asText, "replace");
/** What x is. */
export const axis = parameter<Axis>("x", "step", oneOf("step", "relative", "time"));
/** Whether y is logarithmic: everywhere, nowhere, or where it suits. */
export const scale = parameter<"auto" | "linear" | "log">("y", "auto", oneOf("auto", "linear", "log"));
/** Whether y leaves out the lowest and the highest percent. */
export const ignoresOutliers = parameter<boolean>("outliers", false, asFlag);
/** What the line is: the last point of each bucket, or their mean. */
export const lineValue = parameter<"last" | "mean">("line", "last", oneOf("last", "mean"));

/** The window of x that all charts show; null is everything. */
export type Window = [number, number] | null;
const asWindow: Codec<Window> = {
  read: (text) => {
    const [low, high] = text.split("~").map(Number);
    return low !== undefined && high !== undefined && low < high ? [low, high] : null;
  },
  write: (range) => (range ? range.map((end) => Number(end.toPrecision(12))).join("~") : ""),
};
/** The window of x, in units of `axis`. */
export const xWindow = parameter<Window>("range", null, asWindow, "replace");

/** The window of charts whose points have no steps (what runfork measures itself), while the others show steps: seconds. */
export const clockWindow = parameter<Window>("clock", null, asWindow, "replace");
/** Windows of y that were drawn as boxes: `path=low~high`. */
export const yWindows = parameter<string[]>("yranges", [], asList, "replace");

const asSmoothing: Codec<Smoothing> = {
  read: (text) => {
    const [kind, factor] = text.split(":");
    const known = (["ema", "sma", "centred", "gaussian"] as const).find((one) => one === kind);
    const number = Number(factor);
    return known && number >= 0 && number < 1 ? { kind: known, factor: number } : undefined;
  },
  write: (value) => `${value.kind}:${value.factor}`,
};
/** How lines are smoothed; a factor of 0 leaves them as they are. */
export const smoothing = parameter<Smoothing>("smooth", { kind: "ema", factor: 0 }, asSmoothing, "replace");
/** Smoothing as the server is asked for it. */
export const smoothingAsked = computed(() => (smoothing.value.factor > 0 ? smoothing.value : null));
/** Sections of charts that are closed. */
export const closedSections = parameter<string[]>("closed", [], asList);
/** The chart that fills the page; empty if none does. */
export const fullChart = parameter<string>("full", "", asText);
/** Paths of charts that were put out of sight. */
export const hiddenCharts = parameter<string[]>("hidden", [], asList);
/** Paths of charts with a scale of their own: `path=log` or `path=linear`. */
export const chartScales = parameter<string[]>("scales", [], asList);

/** Return the scale that was chosen for a metric: its own, else that of all. */
export function chosenScale(path: string): "auto" | "linear" | "log" {
  const own = chartScales.value.find((one) => one.startsWith(`${path}=`))?.slice(path.length + 1);
  return own === "log" || own === "linear" ? own : scale.value;
}
/** Give a metric a scale of its own. */
export function chooseScale(path: string, word: "linear" | "log"): void {
  chartScales.value = [...chartScales.peek().filter((one) => !one.startsWith(`${path}=`)), `${path}=${word}`];
}

/** Runs that stand side by side; empty takes those that are drawn. */
export const compared = parameter<string[]>("with", [], asList);
/** The run that others are compared with; empty is the first. */
export const reference = parameter<string>("reference", "", asText);
/** Whether only attributes that differ are listed. */
export const onlyDifferences = parameter<boolean>("differences", true, asFlag);
/** Whether what runfork itself notes is listed, too: `sys/`, `runtime/`, `source_code/`. */
export const showsSystem = parameter<boolean>("system", false, asFlag);
/** Which attributes are listed. */
export const attributeSearch = parameter<string>("attributes", "", asText, "replace");

/** The run that the page is about. */
export const shownRun = parameter<string>("run", "", asText);
/** The part of the run's page. */
export const tab = parameter<RunTab>(
  "tab",
  "overview",
  oneOf("overview", "attributes", "charts", "console", "files", "difference", "lineage"),
);
/** Parts of a run's page. */
export type RunTab = "overview" | "attributes" | "charts" | "console" | "files" | "difference" | "lineage";
/** Namespaces of the run's tree that are open where they would be closed, or closed where they would be open. */
export const toggledNamespaces = parameter<string[]>("tree", [], asList, "replace");
/** The attribute of the run that is looked at; empty is none. */
export const chosenAttribute = parameter<string>("attribute", "", asText, "replace");
/** The run that the run's page tells differences from; empty is its parent. */
export const otherRun = parameter<string>("against", "", asText);
/** The file of the run that is looked at; empty is none. */
export const chosenFile = parameter<string>("file", "", asText);
/** The step of a file series that is looked at; -1 is the last. */
export const fileStep = parameter<number>("filestep", -1, asNumber, "replace");
/** The experiment or run whose lineage is drawn; empty lists all families. */
export const shownFamily = parameter<string>("family", "", asText);
/** The metric that is drawn in each lane of the lineage; empty is the most interesting one. */
export const pinnedMetric = parameter<string>("metric", "", asText);
/** Whether the pinned metric is drawn on a logarithmic scale, or where its values suit that. */
export const lineageScale = parameter<"auto" | "linear" | "log">("lineagey", "auto", oneOf("auto", "linear", "log"));
/** Whether what no head keeps is left out of the lineage. */
export const hidesPruned = parameter<boolean>("hidepruned", false, asFlag);
/** The window of steps that the lineage shows; null is everything. */
export const lineageWindow = parameter<Window>("steps", null, asWindow, "replace");
/** Chains of the lineage that are unfolded, by their first run. */
export const unfolded = parameter<string[]>("unfold", [], asList);
/** Runs of the lineage that are selected. */
export const selectedRuns = parameter<string[]>("selected", [], asList);
/** The moment as of which the lineage is drawn, Unix seconds; 0 is now. */
export const asOf = parameter<number>("asof", 0, asNumber, "replace");
/** Which streams of the console are shown. */
export const stream = parameter<"both" | "stdout" | "stderr">("stream", "both", oneOf("both", "stdout", "stderr"));
/** What is looked for in the console. */
export const consoleSearch = parameter<string>("find", "", asText, "replace");
/** The line at which the console stands; -1 follows the end. */
export const consoleLine = parameter<number>("at", -1, asNumber, "replace");
/** Whose output is shown, of a run of many processes; -1 is everyone's. */
export const consoleRank = parameter<number>("rank", -1, asNumber);
/** How times stand beside lines of the console. */
export const consoleTime = parameter<"relative" | "absolute" | "off">(
  "times",
  "relative",
  oneOf("relative", "absolute", "off"),
  "replace",
);
/** Whether long lines of the console wrap. */
export const consoleWraps = parameter<boolean>("wrap", false, asFlag, "replace");
