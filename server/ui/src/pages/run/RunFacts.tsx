import type { Family, FamilyRun, Row, RunValues } from "../../api/types";
import { IconButton } from "../../controls/Button";
import { copy } from "../../controls/clipboard";
import { BestFacts } from "../../lineage/BestFacts";
import { StateMark } from "../../marks/River";
import { hrefNow, place } from "../../state/address";
import { chooseMetrics } from "../../state/outcome";
import { parentOf } from "../../state/shown";
import { chosenHues, colourOf } from "../../state/theme";
import { pinnedMetric } from "../../state/view";
import { formatDuration, formatStep, formatTime, isNumber, toNumber } from "../../text/format";
import { headingOf, identityOf, placeOf } from "../../text/identity";
import { meanings } from "../../text/words";
import { RunButtons } from "./RunButtons";

/** Who a run is, and in one sentence what became of it. */
export function RunFacts({ found, family }: { found: RunValues; family: Family | null }) {
  const { run, attributes } = found;
  const seconds = attributes["sys/running_time_seconds"]?.value;
  const host = textOf(found, "sys/hostname");
  const metric = chooseMetrics(found, pinnedMetric.value)[0] ?? null;
  return (
    <div class="run-facts">
      <div class="run-title">
        <h1 class="title run-name" style={{ color: colourOf(run).text }} title={identityOf(run)}>
          {headingOf(run)}
        </h1>
        <span class="run-place">
          <Membership run={run} />
        </span>
        {run.experiment !== null && run.run_id !== run.name && (
          <span class="run-own run-name" style={{ color: colourOf(run).text }}>
            {run.name}
          </span>
        )}
        {(run.experiment !== null || run.run_id !== run.name) && (
          <span class="run-id mono dim" title={run.run_id}>
            {run.run_id}
          </span>
        )}
        <IconButton icon="copy" label="Copy run id" isSmall onClick={() => void copy(run.run_id, "Run id")} />
        <ColourChoice runId={run.run_id} />
        <RunButtons found={found} />
      </div>
      <div class="run-meta">
        <StateMark state={run.state} />
        {run.is_archived && <span>archived</span>}
        <ForkOf run={run} />
        <Steps run={run} member={family?.runs.find((one) => one.run_id === run.run_id)} />
        {isNumber(seconds) && (
          <span>
            {run.state === "running" ? "has run" : "ran"} {formatDuration(toNumber(seconds))}
            {host && ` on ${host}`}
          </span>
        )}
        <span>{formatTime(run.created)}</span>
        <Tags found={found} />
      </div>
      {metric !== null && (
        <div class="run-meta run-best">
          {family && <BestFacts runId={run.run_id} family={family} metric={metric} line="this run's line" />}
        </div>
      )}
      {run.state === "failed" && <Failure traceback={textOf(found, "sys/exception")} />}
    </div>
  );
}

const HUES = "pink red orange gold lime green teal cyan azure blue violet magenta".split(" ");

/** Another colour than the run has by itself, for this browser. */
function ColourChoice({ runId }: { runId: string }) {
  const { [runId]: hue, ...others } = chosenHues.value;
  return (
    <select
      class="select"
      aria-label="Colour"
      title="Colour of this run, in this browser"
      value={hue ?? ""}
      onChange={({ currentTarget: { value } }) => {
        chosenHues.value = value ? { ...others, [runId]: Number(value) } : others;
      }}
    >
      <option value="">own colour</option>
      {HUES.map((name, at) => (
        <option key={name} value={at * 30}>
          {name}
        </option>
      ))}
    </select>
  );
}

function textOf({ attributes }: RunValues, path: string): string {
  const value = attributes[path]?.value;
  return typeof value === "string" ? value : "";
}

function Membership({ run }: { run: Row }) {
  if (run.experiment === null) return <>{placeOf(run)}</>;
  const project = place.value.project;
  return (
    <a
      href={hrefNow({ page: "lineage", project }, { family: run.experiment })}
      title={run.is_head ? meanings.head : `All runs of ${run.experiment}`}
    >
      {placeOf(run)}
    </a>
  );
}

/** Which steps a run logged itself, and which it inherited. */
function Steps({ run, member }: { run: Row; member: FamilyRun | undefined }) {
  if (!member) return null;
  const own = member.own && member.first_step !== null ? rangeText(member.first_step, member.own[1]) : null;
  const inherited = run.lineage.slice(0, -1).flatMap((reach) => reach.kept ?? []);
  if (!run.fork) return <span>{own ?? (run.state === "running" ? "no steps yet" : "no steps")}</span>;
  const before = inherited.length > 0 && `, ${rangeText(Math.min(...inherited), Math.max(...inherited))} inherited`;
  return (
    <span>
      {own ? `${own} its own` : "no steps of its own"}
      {before}
    </span>
  );
}

function rangeText(first: number, last: number): string {
  return first === last ? `step ${formatStep(first)}` : `steps ${formatStep(first)} – ${formatStep(last)}`;
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
          href={hrefNow({ page: "run", project: place.value.project }, { run: run.fork.parent })}
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
