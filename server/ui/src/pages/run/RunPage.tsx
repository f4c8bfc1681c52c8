import "./run.css";
import { useLayoutEffect } from "preact/hooks";
import type { RunValues } from "../../api/types";
import { Waiting } from "../../controls/Waiting";
import { LineageView } from "../../lineage/LineageView";
import { RunRiver } from "../../lineage/RunRiver";
import { hrefNow, place } from "../../state/address";
import { useFamily } from "../../state/family";
import { shortcut } from "../../state/keys";
import { useShownRun } from "../../state/shown";
import { type RunTab, shownRun, tab } from "../../state/view";
import { Attributes } from "./Attributes";
import { ConsolePanel } from "./ConsolePanel";
import { Difference } from "./Difference";
import { Files } from "./Files";
import { Overview } from "./Overview";
import { RunCharts } from "./RunCharts";
import { RunFacts } from "./RunFacts";

const tabs: { tab: RunTab; text: string; key: string }[] = [
  { tab: "overview", text: "Overview", key: "o" },
  { tab: "attributes", text: "Attributes", key: "a" },
  { tab: "charts", text: "Charts", key: "h" },
  { tab: "console", text: "Console", key: "t" },
  { tab: "files", text: "Files", key: "f" },
  { tab: "difference", text: "Difference", key: "d" },
  { tab: "lineage", text: "Lineage", key: "l" },
];

/** Everything about one run. */
export function RunPage() {
  const answer = useShownRun();
  if (!shownRun.value) return <NoRun text="The address names no run." />;
  if (answer.error !== null && !answer.value) return <NoRun text={answer.error} />;
  if (!answer.value) return <div class="run-page">{answer.isSlow && <Waiting />}</div>;
  return <Found found={answer.value} trouble={answer.error} />;
}

function NoRun({ text }: { text: string }) {
  const project = place.value.project;
  return (
    <div class="failed">
      <h1 class="title">There is no such run</h1>
      <p class="prose">{text.charAt(0).toUpperCase() + text.slice(1).replace(/; `runfork ls.*/, "")}</p>
      <p class="prose">It may have been deleted, or its folder moved.</p>
      <a class="button" href={hrefNow({ page: "table", project }, { run: "" })}>
        All runs
      </a>
    </div>
  );
}

function Found({ found, trouble }: { found: RunValues; trouble: string | null }) {
  const family = useFamily(found.run.run_id).value;
  useTabKeys();
  return (
    <div class="run-page">
      {trouble !== null && (
        <p class="strip bad-strip" role="alert">
          This run cannot be read any more; what you see was read before: {trouble}
        </p>
      )}
      <header class="run-page-head">
        <RunFacts found={found} family={family} />
        <RunRiver found={found} family={family} />
        <Tabs />
      </header>
      <div class="run-body" id="run-body" role="tabpanel" aria-label={tab.value}>
        <Body found={found} />
      </div>
    </div>
  );
}

function Body({ found }: { found: RunValues }) {
  switch (tab.value) {
    case "attributes":
      return <Attributes found={found} />;
    case "lineage":
      return <LineageView name={found.run.run_id} />;
    case "charts":
      return <RunCharts found={found} />;
    case "files":
      return <Files found={found} />;
    case "difference":
      return <Difference found={found} />;
    case "console":
      return <ConsolePanel found={found} />;
    default:
      return <Overview found={found} />;
  }
}

function Tabs() {
  const move = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const at = tabs.findIndex((one) => one.tab === tab.peek());
    const next = tabs[(at + by + tabs.length) % tabs.length]!;
    tab.value = next.tab;
    document.getElementById(`tab-${next.tab}`)?.focus();
  };
  return (
    <div class="tabs run-tabs" role="tablist" aria-label="Parts of the run" onKeyDown={move}>
      {tabs.map((one) => (
        <button
          key={one.tab}
          id={`tab-${one.tab}`}
          type="button"
          role="tab"
          aria-selected={one.tab === tab.value}
          aria-controls="run-body"
          tabIndex={one.tab === tab.value ? 0 : -1}
          title={`${one.text} (${one.key})`}
          onClick={() => {
            tab.value = one.tab;
          }}
        >
          {one.text}
        </button>
      ))}
    </div>
  );
}

function useTabKeys(): void {
  // Before the effects of the part that is shown: its own keys go first.
  useLayoutEffect(() => {
    const ends = tabs.map((one) =>
      shortcut(one.key, `show ${one.text}`, () => {
        tab.value = one.tab;
      }),
    );
    return () => {
      for (const end of ends) end();
    };
  }, []);
}
