import { apiUrl, getJson, projectPath } from "../api/client";
import type { RunFile } from "../api/types";
import { place } from "./address";
import { type Answer, useAnswer } from "./answer";

/** Files at one path: one file, or a file series by step. */
export type FileEntry = { path: string; files: RunFile[] };

/** What a run has of files. */
export type RunFiles = { total: number; entries: FileEntry[] };

const PAGE_FILES = 5000;

/** Files of a run, kept up to date. */
export function useFiles(run: string): Answer<RunFiles> {
  const project = place.value.project;
  const question = project ? `files\n${project}\n${run}` : null;
  return useAnswer(
    question,
    async (signal) => {
      const path = projectPath(project!, "files");
      const found = await getJson<{ total: number; files: RunFile[] }>(path, { run, limit: PAGE_FILES }, signal);
      return { total: found.total, entries: groupFiles(found.files) };
    },
    null,
  );
}

/** Put files of one path together, by step. */
export function groupFiles(files: readonly RunFile[]): FileEntry[] {
  const entries = new Map<string, RunFile[]>();
  for (const file of files) {
    const found = entries.get(file.path);
    if (found) found.push(file);
    else entries.set(file.path, [file]);
  }
  return [...entries].map(([path, found]) => ({
    path,
    files: found.sort((one, other) => (one.step ?? 0) - (other.step ?? 0)),
  }));
}

/** Return a file's name; characters that are not seen, or that turn what follows around, are. */
export function plainName({ name }: RunFile): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
}

/** Return the URL of a file's contents. */
export function fileUrl(project: string, run: string, file: RunFile, isDownload = false): string {
  const parameters = { run, path: file.path, step: file.step, download: isDownload ? 1 : null };
  return apiUrl(projectPath(project, "files/content"), parameters).href;
}

/** The beginning of a file's text. */
export type TextHead = { text: string; isCut: boolean };
const HEAD_BYTES = 256 * 1024;

/** Fetch the beginning of a file as text. */
export async function fetchTextHead(url: string, sizeBytes: number, signal: AbortSignal): Promise<TextHead> {
  const isCut = sizeBytes > HEAD_BYTES;
  const headers: Record<string, string> = isCut ? { Range: `bytes=0-${HEAD_BYTES - 1}` } : {};
  const response = await fetch(url, { credentials: "same-origin", headers, signal });
  if (!response.ok) {
    const problem = (await response.json().catch(() => null)) as { detail?: string } | null;
    throw new Error(problem?.detail ?? `HTTP ${response.status}`);
  }
  return { text: (await response.text()).slice(0, HEAD_BYTES), isCut };
}

/** How a file can be looked at. */
export type Preview = "image" | "text" | "json" | "csv" | "html" | "audio" | "video" | "pdf" | "none";

const TEXT_NAMES =
  /\.(txt|log|md|rst|py|ipynb|toml|ya?ml|ini|cfg|conf|json|jsonl|ndjson|csv|tsv|xml|sh|diff|patch|js|ts|css|c|h|cpp|rs|go|java|r|jl|tex|lock|env|gitignore)$/i;

/** Return how a file can be looked at, by its type, else by its name. */
export function previewOf({ mime_type: type, name }: RunFile): Preview {
  const [kind] = type.toLowerCase().split(";") as [string];
  if (kind === "text/html" || kind === "application/xhtml+xml") return "html";
  if (kind === "text/csv" || kind === "text/tab-separated-values" || /\.[ct]sv$/i.test(name)) return "csv";
  if (kind === "application/json" || /\.json$/i.test(name)) return "json";
  if (kind === "application/pdf") return "pdf";
  for (const one of ["image", "audio", "video"] as const) if (kind.startsWith(`${one}/`)) return one;
  return kind.startsWith("text/") || kind.endsWith("+json") || kind.endsWith("/xml") || TEXT_NAMES.test(name)
    ? "text"
    : "none";
}
