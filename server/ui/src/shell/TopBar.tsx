import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { base, getJson, projectUrl } from "../api/client";
import type { Projects } from "../api/types";
import { Icon, Logo } from "../controls/icons";
import { Popup } from "../controls/Popup";
import { hrefNow, type Page, place } from "../state/address";
import { isHelpShown } from "../state/keys";
import { connection, noteAnswer, togglePause } from "../state/live";
import { plural } from "../text/format";
import { ShareMenu } from "./ShareMenu";
import { ThemeMenu } from "./ThemeMenu";

const tabs: { page: Page; text: string; key: string }[] = [
  { page: "table", text: "Table", key: "1" },
  { page: "charts", text: "Charts", key: "2" },
  { page: "compare", text: "Side by side", key: "3" },
  { page: "lineage", text: "Lineage", key: "4" },
];

/** The bar on top: where one is, where one can go, and whether what is seen is live. */
export function TopBar() {
  const { page, project } = place.value;
  return (
    <header class="top-bar">
      <a class="brand" href={projectsHref()}>
        <Logo />
        <span>runfork</span>
      </a>
      {project && <ProjectSwitch project={project} />}
      {project && (
        <nav class="tabs" aria-label="Pages">
          {tabs.map((tab) => (
            <a
              key={tab.page}
              href={hrefNow({ page: tab.page, project })}
              aria-current={tab.page === page ? "page" : undefined}
            >
              {tab.text} <kbd aria-hidden="true">{tab.key}</kbd>
            </a>
          ))}
        </nav>
      )}
      <div class="top-bar-end">
        {project && <Liveness />}
        <ShareMenu />
        <ThemeMenu />
        <button
          type="button"
          class="icon-button"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts"
          onClick={() => {
            isHelpShown.value = !isHelpShown.value;
          }}
        >
          <kbd>?</kbd>
        </button>
      </div>
    </header>
  );
}

const switcher = signal<Projects | "loading" | null>(null);

function ProjectSwitch({ project }: { project: string }) {
  const button = useRef<HTMLButtonElement>(null);
  const [workspace, name] = project.split("/") as [string, string];
  const open = () => {
    switcher.value = "loading";
    getJson<Projects>("projects")
      .then((found) => {
        if (switcher.peek() === "loading") switcher.value = found;
      })
      .catch((error: unknown) => {
        switcher.value = null;
        noteAnswer(error);
      });
  };
  const close = () => {
    switcher.value = null;
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="crumb"
        aria-haspopup="menu"
        aria-expanded={switcher.value !== null}
        onClick={open}
      >
        {workspace} <span class="dim">/</span> <b>{name}</b> <Icon name="down" size={14} />
      </button>
      {switcher.value !== null && switcher.value !== "loading" && (
        <Popup anchor={button.current} label="Projects" role="menu" className="menu" onClose={close}>
          {switcher.value.projects.map((one) => (
            <a key={one.name} class="menu-item" role="menuitem" href={projectUrl(one.name)} onClick={close}>
              {one.name} <span class="aside">{plural(one.run_count, "run")}</span>
            </a>
          ))}
          <hr />
          <a class="menu-item" role="menuitem" href={projectsHref()} onClick={close}>
            All projects
          </a>
        </Popup>
      )}
    </>
  );
}

/** Return the URL of the list of projects, with nothing of the view of one. */
function projectsHref(): string {
  return base.pathname;
}

const connections = {
  connecting: { text: "connecting", title: "Asking for live updates" },
  live: { text: "live", title: "What is logged is seen within a second. Click or press p to pause" },
  polling: {
    text: "every 2 s",
    title: "Something between here and the server holds back live updates: the page asks every two seconds",
  },
  paused: { text: "paused", title: "Updates are paused. Click or press p to go on" },
  away: { text: "no server", title: "The server does not answer" },
} as const;

function Liveness() {
  const now = connection.value;
  return (
    <button type="button" class="liveness" data-state={now} title={connections[now].title} onClick={togglePause}>
      <svg width="22" height="10" aria-hidden="true">
        <path class={now === "away" ? "bed" : "water"} d="M1 5H12" stroke="currentColor" stroke-width="2" />
        {now === "paused" ? (
          <path class="water" d="M14 1v8M18 1v8" stroke="currentColor" stroke-width="2" />
        ) : (
          <>
            <circle class="ring" cx="13" cy="5" r="2.6" stroke="currentColor" />
            {now !== "away" && <path class="mouth" d="M17.6 2l3 3-3 3" stroke="currentColor" />}
          </>
        )}
      </svg>
      <span role="status">{connections[now].text}</span>
    </button>
  );
}
