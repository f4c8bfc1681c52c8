import { useRef } from "preact/hooks";
import type { RunFile, RunValues } from "../../api/types";
import { useRows } from "../../controls/virtual";
import { Waiting } from "../../controls/Waiting";
import { place } from "../../state/address";
import { type FileEntry, fileUrl, plainName, useFiles } from "../../state/files";
import { colourOf } from "../../state/theme";
import { chosenFile, fileStep } from "../../state/view";
import { formatBytes, formatStep, plural } from "../../text/format";
import { FilePreview } from "./FilePreview";

const ROW = 28;

/** Files of a run, and the one that is looked at. */
export function Files({ found }: { found: RunValues }) {
  const answer = useFiles(found.run.run_id);
  const entries = answer.value?.entries ?? [];
  if (answer.error !== null) return <p class="bad file-none">{answer.error}</p>;
  if (!answer.value) return answer.isSlow ? <Waiting /> : null;
  if (entries.length === 0)
    return (
      <div class="file-none dim">
        <p>This run has no files.</p>
        <p>
          <code class="mono">run.assign_files({'{"model/card": "card.md"}'})</code> logs one.
        </p>
      </div>
    );
  const chosen = entries.find((entry) => entry.path === chosenFile.value) ?? entries[0]!;
  return (
    <div class="files-tab">
      <FileList entries={entries} total={answer.value.total} chosen={chosen} found={found} />
      <Shown entry={chosen} found={found} />
    </div>
  );
}

type FileListProps = { entries: readonly FileEntry[]; total: number; chosen: FileEntry; found: RunValues };

function FileList({ entries, total, chosen, found }: FileListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { items, size, reveal } = useRows(scroller, { count: entries.length, rowSize: ROW });
  const shown = entries.reduce((sum, entry) => sum + entry.files.length, 0);
  const go = (at: number) => {
    const entry = entries[Math.min(Math.max(at, 0), entries.length - 1)]!;
    chosenFile.value = entry.path;
    reveal(entries.indexOf(entry));
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-at="${entries.indexOf(entry)}"]`)?.focus(),
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    go(entries.indexOf(chosen) + by);
  };
  return (
    <section class="file-list" aria-label="Files">
      <div class="pane-bar">
        <h2>
          Files <span class="count">{formatStep(entries.length)}</span>
        </h2>
        {shown < total && <span class="dim">of the first {plural(shown, "file")}</span>}
      </div>
      <div ref={scroller} class="file-rows" role="listbox" aria-label="Files" onKeyDown={onKeyDown}>
        <div class="tree-rows" style={{ height: `${size}px` }}>
          {items.map(({ index, start }) => {
            const entry = entries[index]!;
            const last = entry.files.at(-1)!;
            return (
              <div
                key={entry.path}
                class={entry === chosen ? "file-row chosen" : "file-row"}
                role="option"
                aria-selected={entry === chosen}
                tabIndex={entry === chosen ? 0 : -1}
                data-at={index}
                style={{ top: `${start}px` }}
                onClick={() => {
                  chosenFile.value = entry.path;
                }}
                onKeyDown={undefined}
              >
                <span class="mono cut" title={entry.path}>
                  {entry.path}
                </span>
                <span class="dim">
                  {entry.files.length > 1 || last.step !== null ? plural(entry.files.length, "step") : ""}
                </span>
                <span class="number">
                  {last.is_there ? formatBytes(last.size_bytes) : <span class="bad">missing</span>}
                </span>
                <Origin file={last} found={found} />
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

function Origin({ file, found }: { file: RunFile; found: RunValues }) {
  const reach = found.run.lineage.find((one) => one.run_id === file.source_run);
  if (file.source_run === found.run.run_id) return <span />;
  return (
    <span
      class="run-name cut"
      style={reach ? { color: colourOf(reach).text } : undefined}
      title={`logged by ${file.source_run}`}
    >
      {reach?.name ?? file.source_run}
    </span>
  );
}

function Shown({ entry, found }: { entry: FileEntry; found: RunValues }) {
  const project = place.value.project!;
  const run = found.run.run_id;
  const wanted = fileStep.value;
  const index = wanted < 0 ? entry.files.length - 1 : nearest(entry.files, wanted);
  const file = entry.files[index]!;
  return (
    <section class="file-shown" aria-label={`File ${entry.path}`}>
      <header>
        <h2 class="mono cut" title={entry.path}>
          {entry.path}
        </h2>
        {file.is_there && (
          <a class="button" href={fileUrl(project, run, file, true)} download={file.name}>
            Download
          </a>
        )}
      </header>
      <p class="dim file-facts">
        <span class="cut" title={plainName(file)}>
          {plainName(file)}
        </span>
        <span>{formatBytes(file.size_bytes)}</span>
        <span>{file.mime_type}</span>
        <span class="mono" title={file.sha256}>
          sha256 {file.sha256.slice(0, 12)}
        </span>
      </p>
      {entry.files.length > 1 && (
        <label class="slider file-steps">
          step
          <input
            type="range"
            min={0}
            max={entry.files.length - 1}
            value={index}
            aria-valuetext={`step ${formatStep(file.step)}`}
            onInput={(event) => {
              fileStep.value = entry.files[Number(event.currentTarget.value)]?.step ?? -1;
            }}
          />
          <output>{formatStep(file.step)}</output>
          <span class="dim">
            {index + 1} of {entry.files.length}
          </span>
        </label>
      )}
      <div class="file-preview">
        <FilePreview project={project} run={run} file={file} />
      </div>
    </section>
  );
}

/** Return the last file at or before a step; the first if there is none. */
function nearest(files: readonly RunFile[], step: number): number {
  return Math.max(
    0,
    files.findLastIndex((file) => (file.step ?? 0) <= step),
  );
}
