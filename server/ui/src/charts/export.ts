import { apiUrl, postBytes, projectPath, sentence } from "../api/client";
import type { Row } from "../api/types";
import { paintFile } from "../chart/painter";
import type { Sheet } from "../chart/sheet";
import { copied } from "../controls/clipboard";
import { place } from "../state/address";
import { autoCount, drawn, subject } from "../state/drawn";
import { noteAnswer } from "../state/live";
import { listing } from "../state/runs";
import { filter, inherited, mode, smoothing } from "../state/view";
import { formatStep, plural } from "../text/format";
import type { ConnectedChart } from "./connect";

/** Return a file's name for a chart: no character that a file system refuses. */
export function fileName(path: string, ending: string): string {
  const safe = path.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-").replaceAll(/^[.-]+|[.-]+$/g, "");
  return `${safe.slice(0, 100) || "chart"}.${ending}`;
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // the browser has taken it by then; without this each picture stays in memory as long as the page
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function sheetOf(path: string, chart: ConnectedChart): Sheet {
  return chart.mounted.sheet({
    title: path,
    tags: chart.tags.peek().map((tag) => tag.text),
    names: new Map(drawn.peek().map(({ run_id, row }) => [run_id, nameOf(row)])),
    note: provenance(),
  });
}

/** What a run is called on paper: with its experiment. */
function nameOf({ name, experiment }: Row): string {
  return experiment === null || experiment === name ? name : `${experiment}, run ${name}`;
}

/** Where a chart comes from: project, filter, which runs, and how lines are smoothed. */
function provenance(): string {
  const count = autoCount.peek();
  const total = listing.peek()?.total ?? 0;
  const listed = plural(total, mode.peek() === "runs" ? "run" : "experiment");
  const { kind, factor } = smoothing.peek();
  const parts = [
    place.peek().project,
    filter.peek().trim() && `filter: ${filter.peek().trim()}`,
    !subject.peek() && count !== null && (count < total ? `the first ${formatStep(count)} of ${listed}` : listed),
    factor > 0 && `smoothed: ${kind} ${factor}`,
  ];
  return parts.filter(Boolean).join(" · ");
}

async function told(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    noteAnswer(error);
    copied.value = `This could not be saved: ${sentence(error)}`;
  }
}

const PIXELS = 2;

/** Save a chart as a picture: a PNG has two pixels for each of the page. */
export function savePicture(kind: "png" | "svg", path: string, chart: ConnectedChart): Promise<void> {
  return told(async () => save(await paintFile(kind, sheetOf(path, chart), PIXELS), fileName(path, kind)));
}

/** Copy a chart's picture. */
export function copyPicture(path: string, chart: ConnectedChart): Promise<void> {
  return told(async () => {
    const blob = paintFile("png", sheetOf(path, chart), PIXELS);
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    copied.value = "Picture copied";
  });
}

/** Save what a chart draws as CSV: an entry for each bucket. */
export function saveDrawnCsv(path: string, chart: ConnectedChart): Promise<void> {
  return told(async () => {
    const question = chart.question.peek();
    const { project } = place.peek();
    if (!question || !project) return;
    const bytes = await postBytes(projectPath(project, "series/csv"), { ...question, paths: [path] });
    save(new Blob([bytes], { type: "text/csv" }), fileName(path, "csv"));
  });
}

/** Save all points of a chart's runs as CSV, one run below the other. */
export function saveRawCsv(path: string, chart: ConnectedChart): Promise<void> {
  return told(async () => {
    const { project } = place.peek();
    if (!project) return;
    const parts: string[] = [];
    for (const line of chart.lines.peek()) {
      const url = apiUrl(projectPath(project, "series/points"), {
        run: line.run_id,
        path,
        inherited: inherited.peek() === "off" ? "own" : "lineage",
        format: "csv",
      });
      const response = await fetch(url, { credentials: "same-origin" });
      if (!response.ok) throw new Error(`the server answered ${response.status} for ${line.title}`);
      const rows = (await response.text()).split("\n");
      const head = rows.shift() ?? "";
      if (parts.length === 0) parts.push(`run,${head}\n`);
      const run = csvCell(line.run_id);
      for (const row of rows) if (row !== "") parts.push(`${run},${row}\n`);
    }
    save(new Blob(parts, { type: "text/csv" }), fileName(`${path}-points`, "csv"));
  });
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
