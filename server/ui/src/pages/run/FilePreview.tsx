import { useMemo } from "preact/hooks";
import type { RunFile } from "../../api/types";
import { useAnswer } from "../../state/answer";
import { fetchTextHead, fileUrl, previewOf, type TextHead } from "../../state/files";
import { readCsvHead } from "../../text/csv";
import { formatBytes } from "../../text/format";

const MOST_CSV_ROWS = 200;

/** Props of `FilePreview`. */
export type FilePreviewProps = { project: string; run: string; file: RunFile };

/** A file, as far as a browser can show it; what is in it can do nothing. */
export function FilePreview({ project, run, file }: FilePreviewProps) {
  const url = fileUrl(project, run, file);
  const label = `${file.path}${file.step === null ? "" : ` at step ${file.step}`}`;
  if (!file.is_there)
    return (
      <p class="bad file-missing">
        The contents are not in the run's folder: they were not copied with it, or deleted. What is known of them stands
        here; copy the folder's files to bring them back.
      </p>
    );
  switch (previewOf(file)) {
    case "image":
      return <img class="file-image" src={url} alt={label} />;
    case "html":
      return <iframe class="file-frame" sandbox="" src={url} title={label} />;
    case "audio":
      // biome-ignore lint/a11y/useMediaCaption: what was logged has none
      return <audio class="file-media" controls preload="metadata" src={url} aria-label={label} />;
    case "video":
      // biome-ignore lint/a11y/useMediaCaption: what was logged has none
      return <video class="file-media" controls preload="metadata" src={url} aria-label={label} />;
    case "pdf":
      return (
        <p>
          <a href={url} target="_blank" rel="noreferrer">
            Open the PDF
          </a>
        </p>
      );
    case "none":
      return <p class="dim">No preview of {file.mime_type || "files of this kind"}. Download it to open it.</p>;
    default:
      return <TextPreview url={url} file={file} />;
  }
}

function TextPreview({ url, file }: { url: string; file: RunFile }) {
  const answer = useAnswer<TextHead>(
    `${url}\n${file.sha256}`,
    (signal) => fetchTextHead(url, file.size_bytes, signal),
    [],
  );
  const head = answer.value;
  if (answer.error !== null) return <p class="bad">{answer.error}</p>;
  if (!head) return answer.isSlow ? <p class="dim">fetching {formatBytes(file.size_bytes)}</p> : null;
  return (
    <>
      {previewOf(file) === "csv" ? <CsvTable head={head} /> : <pre class="file-text mono">{shownText(head, file)}</pre>}
      {head.isCut && (
        <p class="dim">
          The first {formatBytes(head.text.length)} of {formatBytes(file.size_bytes)}.
        </p>
      )}
    </>
  );
}

function shownText(head: TextHead, file: RunFile): string {
  if (previewOf(file) !== "json" || head.isCut) return head.text;
  try {
    return JSON.stringify(JSON.parse(head.text), null, 2);
  } catch {
    return head.text; // it only says that it is JSON
  }
}

function CsvTable({ head }: { head: TextHead }) {
  const { rows, isCut } = useMemo(() => readCsvHead(head.text, MOST_CSV_ROWS), [head]);
  const [names, ...values] = rows;
  if (!names) return <p class="dim">The file is empty.</p>;
  return (
    <div class="file-table">
      <table>
        <thead>
          <tr>
            {names.map((name, at) => (
              <th key={at} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {values.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, at) => (
                <td key={at} class={/^[-+.\d]/.test(cell) ? "number" : undefined}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {isCut && <p class="dim">The first {values.length} rows.</p>}
    </div>
  );
}
