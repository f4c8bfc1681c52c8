import { useMemo, useState } from "preact/hooks";
import type { RunFile } from "../../api/types";
import { useAnswer } from "../../state/answer";
import { fetchTextHead, fileUrl, previewOf, type TextHead } from "../../state/files";
import { readCsvHead } from "../../text/csv";
import { formatBytes } from "../../text/format";

const MOST_CSV_ROWS = 200;
/** An image or a page beyond that would fill the memory of the browser; all else is fetched in parts. */
const MOST_SHOWN_BYTES = 64_000_000;

/** Props of `FilePreview`. */
export type FilePreviewProps = { project: string; run: string; file: RunFile };

/** A file, as far as a browser can show it; what is in it can do nothing. */
export function FilePreview({ project, run, file }: FilePreviewProps) {
  const url = fileUrl(project, run, file);
  const label = `${file.path}${file.step === null ? "" : ` at step ${file.step}`}`;
  if (!file.is_there)
    return (
      <p class="bad file-missing">
        The contents are not in the run's folder: they were not copied with it, or deleted. Copy the folder's files to
        bring them back.
      </p>
    );
  if (file.size_bytes === 0) return <p class="dim">The file is empty.</p>;
  const preview = previewOf(file);
  if (file.size_bytes > MOST_SHOWN_BYTES && (preview === "image" || preview === "html"))
    return <p class="dim">It is too large to be shown here. Download it to open it.</p>;
  switch (preview) {
    case "image":
    case "audio":
    case "video":
      return <Media key={`${url} ${file.sha256}`} kind={preview} url={url} label={label} file={file} />;
    case "html":
      return (
        <>
          <p class="dim">Scripts in it do not run.</p>
          <iframe class="file-frame" sandbox="" src={url} title={label} />
        </>
      );
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

type MediaProps = { kind: "image" | "audio" | "video"; url: string; label: string; file: RunFile };

/** What the browser itself shows or plays; where it cannot, it says so. */
function Media({ kind, url, label, file }: MediaProps) {
  const [hasFailed, setFailed] = useState(false);
  if (hasFailed)
    return (
      <p class="bad">
        The browser cannot {kind === "image" ? "show" : "play"} this {file.mime_type}: it is damaged, or of a kind that
        it does not know. Download it to open it.
      </p>
    );
  const common = { src: url, onError: () => setFailed(true) };
  if (kind === "image") return <img {...common} class="file-image" alt={label} />;
  const plays = { ...common, class: "file-media", controls: true, preload: "metadata", "aria-label": label } as const;
  return kind === "audio" ? <audio {...plays} /> : <video {...plays} />;
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
  if (head.text.includes("\0")) return <p class="dim">It is no text. Download it to open it.</p>;
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
