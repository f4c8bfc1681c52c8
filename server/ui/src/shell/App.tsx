import { useEffect } from "preact/hooks";
import { Button } from "../controls/Button";
import { copied } from "../controls/clipboard";
import { ChartsPage } from "../pages/charts/ChartsPage";
import { ComparePage } from "../pages/compare/ComparePage";
import { EmptyPage } from "../pages/empty/EmptyPage";
import { LineagePage } from "../pages/lineage/LineagePage";
import { ProjectsPage } from "../pages/projects/ProjectsPage";
import { RunPage } from "../pages/run/RunPage";
import { TablePage } from "../pages/table/TablePage";
import { go, type Page, place } from "../state/address";
import { isHelpShown, shortcut } from "../state/keys";
import { status, statusError, togglePause } from "../state/live";
import { shownRun } from "../state/view";
import { Help } from "./Help";
import { AwayStrip, ReadingStrip, TroubleStrip } from "./Strips";
import { TopBar } from "./TopBar";

const bodies: Record<Page, () => preact.JSX.Element> = {
  projects: ProjectsPage,
  table: TablePage,
  charts: ChartsPage,
  compare: ComparePage,
  lineage: LineagePage,
  run: RunPage,
};

/** The whole page: the bar, what must be told, and the page that the URL names. */
export function App() {
  useShellKeys();
  useTitle();
  const { page, project } = place.value;
  const isEmpty = project !== null && status.value?.run_count === 0 && !status.value.is_reading;
  const Body = isEmpty ? EmptyPage : bodies[page];
  return (
    <div class="shell">
      <TopBar />
      <AwayStrip />
      <ReadingStrip />
      <TroubleStrip />
      <main class="body">{statusError.value && !status.value ? <Failed text={statusError.value} /> : <Body />}</main>
      {isHelpShown.value && <Help />}
      <output class="toast" data-shown={copied.value !== null}>
        {copied.value}
      </output>
    </div>
  );
}

function Failed({ text }: { text: string }) {
  return (
    <div class="failed">
      <h1 class="title">This project cannot be read</h1>
      <p class="prose">{text}</p>
      <Button onClick={() => go({ page: "projects", project: null })}>All projects</Button>
    </div>
  );
}

const tabs: Page[] = ["table", "charts", "compare", "lineage"];

function useShellKeys(): void {
  useEffect(() => {
    const ends = [
      ...tabs.map((page, at) =>
        shortcut(String(at + 1), `go to ${tabName(page)}`, () => {
          if (place.peek().project) go({ page, project: place.peek().project });
        }),
      ),
      shortcut("?", "show or hide this list", () => {
        isHelpShown.value = !isHelpShown.peek();
      }),
      shortcut("p", "pause or go on with live updates", togglePause),
      shortcut("Escape", "close what is open", () => {
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, []);
}

/** Return what a page is called. */
export function tabName(page: Page): string {
  return {
    projects: "Projects",
    table: "Table",
    charts: "Charts",
    compare: "Side by side",
    lineage: "Lineage",
    run: "Run",
  }[page];
}

function useTitle(): void {
  const { page, project } = place.value;
  const run = shownRun.value;
  useEffect(() => {
    const parts = [page === "run" ? run : project ? tabName(page) : "Projects", project?.split("/")[1], "runfork"];
    document.title = parts.filter(Boolean).join(" · ");
  }, [page, project, run]);
}
