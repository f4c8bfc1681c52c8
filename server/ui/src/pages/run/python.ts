import type { AttributeType } from "../../api/types";

/** What a query needs to find a run. */
export type RunPlace = { project: string; runId: string; directory: string | null };

/** Return a text as Python writes it. */
export function pythonText(text: string): string {
  const escaped = text.replace(/[\\"\p{Cc}\u2028\u2029\p{Cs}]/gu, (character) => {
    if (character === "\\" || character === '"') return `\\${character}`;
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

/** Return the Python that fetches an attribute of a run. */
export function pythonFor({ project, runId, directory }: RunPlace, path: string, type: AttributeType): string {
  const place = directory === null ? "" : `    directory=${pythonText(directory)},\n`;
  const options = [`project=${pythonText(project)}`, `runs=[${pythonText(runId)}]`, `attributes=[${pythonText(path)}]`];
  const call = (name: string) => `runfork.${name}(\n${options.map((one) => `    ${one},\n`).join("")}${place})`;
  if (type === "float_series") return `import runfork\n\n${call("fetch_metrics")}\n`;
  if (type.endsWith("_series")) return `import runfork\n\n${call("fetch_series")}\n`;
  const table = call("fetch_runs_table");
  if (type !== "file") return `import runfork\n\n${table}.loc[${pythonText(runId)}, ${pythonText(path)}]\n`;
  const inDirectory = directory === null ? "" : `, directory=${pythonText(directory)}`;
  return `import runfork\n\nfiles = ${table}\nrunfork.download_files(files=files, destination="files"${inDirectory})\n`;
}
