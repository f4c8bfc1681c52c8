import type { Attribute, Change, RunValues } from "../../api/types";
import { Button, IconButton } from "../../controls/Button";
import { copy } from "../../controls/clipboard";
import { place } from "../../state/address";
import { useDataDirectory } from "../../state/info";
import { changesByPath } from "../../state/shown";
import { sparkline } from "../../state/sparklines";
import { colourOf } from "../../state/theme";
import { chosenAttribute, chosenFile, tab } from "../../state/view";
import {
  formatContent,
  formatExactly,
  formatNumber,
  formatStep,
  formatTime,
  isNumber,
  toNumber,
} from "../../text/format";
import { meanings } from "../../text/words";
import { exactText } from "./AttributeTree";
import { isSeries, typeName } from "./attributeTree";
import { NonFiniteLink } from "./NonFiniteLink";
import { pythonFor } from "./python";
import { HistogramSeries, histogramOf, TextSeries } from "./SeriesDetail";
import { SeriesSparkline } from "./SeriesSparkline";

/** All that is known of the attribute that was chosen. */
export function AttributeDetail({ found }: { found: RunValues }) {
  const path = chosenAttribute.value;
  const attribute = found.attributes[path];
  const project = place.value.project!;
  const directory = useDataDirectory();
  if (!path || !attribute)
    return (
      <aside class="attribute-detail empty dim">
        <p>Choose an attribute to see all of it, its statistics, and the Python that fetches it.</p>
        <p>
          <kbd>c</kbd> copies its path, <kbd>v</kbd> its value, <kbd>y</kbd> the Python.
        </p>
      </aside>
    );
  const { run } = found;
  const python = pythonFor({ project, runId: run.run_id, directory }, path, attribute.type);
  return (
    <aside class="attribute-detail" aria-label={`Attribute ${path}`}>
      <header>
        <h2 class="mono" title={path}>
          {path}
        </h2>
        <IconButton icon="copy" label="Copy path" isSmall onClick={() => void copy(path, "Path")} />
        <IconButton
          icon="close"
          label="Close"
          isSmall
          onClick={() => {
            chosenAttribute.value = "";
          }}
        />
      </header>
      <Held path={path} attribute={attribute} found={found} />
      <dl class="facts">
        <dt>type</dt>
        <dd>{typeName(attribute.type)}</dd>
        <dt>logged by</dt>
        <dd>
          <Source source={attribute.source_run} found={found} />
        </dd>
        <dt>at</dt>
        <dd>{formatTime(attribute.time)}</dd>
        <Before change={changesByPath(run).get(path)} />
      </dl>
      <StatisticsList attribute={attribute} />
      {attribute.type === "string_series" && (
        <TextSeries project={project} run={run.run_id} path={path} count={toNumber(attribute.statistics?.count ?? 0)} />
      )}
      <div class="python">
        <pre class="mono">{python}</pre>
        <Button icon="copy" onClick={() => void copy(python, "Python")}>
          Copy Python
        </Button>
      </div>
    </aside>
  );
}

function Held({ path, attribute, found }: { path: string; attribute: Attribute; found: RunValues }) {
  const { type, value } = attribute;
  const project = place.value.project!;
  if (type === "file" || type === "file_series")
    return (
      <p>
        {formatContent(value, type)}{" "}
        <button
          type="button"
          class="link"
          onClick={() => {
            tab.value = "files";
            chosenFile.value = path;
          }}
        >
          Look at it
        </button>
      </p>
    );
  const counts = histogramOf(type, value);
  if (counts)
    return (
      <HistogramSeries
        key={path}
        project={project}
        run={found.run.run_id}
        path={path}
        last={counts}
        colour={colourOf(found.run).line}
      />
    );
  const line = type === "float_series" ? sparkline(project, found.run, path).value : null;
  const text = isNumber(value) && type !== "string" ? formatExactly(toNumber(value)) : exactText(attribute);
  return (
    <>
      {type === "float_series" && (
        <SeriesSparkline project={project} run={found.run} path={path} width={320} height={64} />
      )}
      <div class="held">
        <pre class={typeof value === "string" ? "mono text" : "mono"}>{text || "(empty)"}</pre>
        <IconButton icon="copy" label="Copy value" isSmall onClick={() => void copy(exactText(attribute), "Value")} />
      </div>
      {isSeries(type) && <p class="dim">the last of the series</p>}
      {line && <NonFiniteLink line={line} />}
    </>
  );
}

function Source({ source, found }: { source: string; found: RunValues }) {
  const reach = found.run.lineage.find((one) => one.run_id === source);
  const isOwn = source === found.run.run_id;
  return (
    <>
      <span class="run-name" style={reach ? { color: colourOf(reach).text } : undefined} title={source}>
        {reach?.name ?? source}
      </span>
      {!isOwn && (
        <span class="dim" title={meanings.inherited}>
          {" "}
          (inherited)
        </span>
      )}
    </>
  );
}

function Before({ change }: { change: Change | undefined }) {
  if (!change) return null;
  return (
    <>
      <dt>in the parent</dt>
      <dd class="before">{change.before ? formatContent(change.before.value, change.before.type) : "not there"}</dd>
    </>
  );
}

const STEPS = ["first_step", "last_step", "count"];

function StatisticsList({ attribute }: { attribute: Attribute }) {
  if (!attribute.statistics) return null;
  return (
    <dl class="facts numbers">
      {Object.entries(attribute.statistics).map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd>
            {value === null
              ? "–"
              : STEPS.includes(name)
                ? formatStep(toNumber(value))
                : formatNumber(toNumber(value), 6)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
