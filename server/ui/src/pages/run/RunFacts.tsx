import type { Row, RunValues } from "../../api/types";
import { IconButton } from "../../controls/Button";
import { copy } from "../../controls/clipboard";
import { StateMark } from "../../marks/River";
import { href, place } from "../../state/address";
import { parentOf } from "../../state/shown";
import { colourOf } from "../../state/theme";
import { formatDuration, formatStep, formatTime, isNumber, toNumber } from "../../text/format";
import { meanings } from "../../text/words";
import { RunButtons } from "./RunButtons";

/** Who a run is, and in one sentence what became of it. */
export function RunFacts({ found }: { found: RunValues }) {
  const { run, attributes } = found;
  const own = run.lineage.at(-1)?.kept;
  const seconds = attributes["sys/running_time_seconds"]?.value;
  const host = textOf(found, "sys/hostname");
  return (
    <div class="run-facts">
      <div class="run-title">
        <h1 class="title run-name" style={{ color: colourOf(run).text }} title={run.run_id}>
          {run.name}
        </h1>
        {run.run_id !== run.name && (
          <span class="run-id mono dim" title={run.run_id}>
            {run.run_id}
          </span>
        )}
        <IconButton icon="copy" label="Copy run id" isSmall onClick={() => void copy(run.run_id, "Run id")} />
        <RunButtons found={found} />
      </div>
      <div class="run-meta">
        <StateMark state={run.state} />
        {run.is_archived && <span>archived</span>}
        <Membership run={run} />
        <ForkOf run={run} />
        {own && run.fork && own[1] > own[0] && <span>own steps to {formatStep(own[1])}</span>}
        {own && !run.fork && (
          <span>
            {own[0] === own[1] ? "step " : `steps ${formatStep(own[0])} – `}
            {formatStep(own[1])}
          </span>
        )}
        {isNumber(seconds) && (
          <span>
            {run.state === "running" ? "has run" : "ran"} {formatDuration(toNumber(seconds))}
            {host && ` on ${host}`}
          </span>
        )}
        <span>{formatTime(run.created)}</span>
        <Tags found={found} />
      </div>
      {run.state === "failed" && <Failure traceback={textOf(found, "sys/exception")} />}
    </div>
  );
}

function textOf({ attributes }: RunValues, path: string): string {
  const value = attributes[path]?.value;
  return typeof value === "string" ? value : "";
}

function Membership({ run }: { run: Row }) {
  if (run.experiment === null) return <span>of no experiment</span>;
  const project = place.value.project;
  return (
    <span class="run-fact">
      <span title={run.is_head ? meanings.head : undefined}>{run.is_head ? "head of " : "run of "}</span>
      <a class="run-name" href={href({ page: "lineage", project }, { family: run.run_id })} title={run.experiment}>
        {run.experiment}
      </a>
    </span>
  );
}

function ForkOf({ run }: { run: Row }) {
  if (!run.fork) return null;
  const parent = parentOf(run);
  const name = parent?.name ?? run.fork.parent;
  return (
    <span class="run-fact">
      fork of{" "}
      {parent ? (
        <a
          class="run-name"
          style={{ color: colourOf(parent).text }}
          href={href({ page: "run", project: place.value.project }, { run: run.fork.parent })}
          title={run.fork.parent}
        >
          {name}
        </a>
      ) : (
        <span class="run-name">{name}</span>
      )}{" "}
      at step <b>{formatStep(run.fork.step)}</b>
      {run.fork.is_pending && ", which is not here yet"}
    </span>
  );
}

/** The exception in a line; its traceback opens. */
function Failure({ traceback }: { traceback: string }) {
  if (!traceback) return null;
  const lines = traceback.trimEnd().split("\n");
  const last = lines.findLast((line) => /^\S/.test(line)) ?? lines.at(-1)!;
  if (lines.length === 1) return <p class="run-failure bad mono">{last}</p>;
  return (
    <details class="run-failure">
      <summary class="bad mono" title={last}>
        {last}
      </summary>
      <pre class="mono">{traceback}</pre>
    </details>
  );
}

function Tags({ found }: { found: RunValues }) {
  const tags = ["sys/tags", "sys/group_tags"].flatMap((path) => {
    const value = found.attributes[path]?.value;
    return Array.isArray(value) ? value : [];
  });
  if (tags.length === 0) return null;
  return (
    <span class="run-tags" title={tags.join("\n")}>
      {tags.map((tag) => (
        <span key={tag} class="run-tag">
          {tag}
        </span>
      ))}
    </span>
  );
}
