import { useEffect, useRef, useState } from "preact/hooks";
import { getJson, projectUrl, sentence } from "../../api/client";
import type { ProjectSummary, Projects } from "../../api/types";
import { Icon } from "../../controls/icons";
import { MouthMark } from "../../marks/River";
import { go } from "../../state/address";
import { shortcut } from "../../state/keys";
import { formatAge, formatSince, formatStep, formatTime, plural } from "../../text/format";
import { EmptyPage } from "../empty/EmptyPage";
import "./projects.css";

const REFRESH_MS = 4000;
const WRITTEN_NOW_MS = 45_000;

type Found = { projects: Projects | null; error: string | null; at: number };

/** All projects of the data directory, the one that was written to last on top. */
export function ProjectsPage() {
  const { projects, error, at } = useProjects();
  const [search, setSearch] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => shortcut("/", "search projects", () => input.current?.focus()), []);
  if (!projects) return error ? <NoAnswer text={error} /> : <div class="projects-page" />;
  if (projects.projects.length === 0) return <EmptyPage />;
  const wanted = search.trim().toLowerCase();
  const shown = [...projects.projects].filter((one) => one.name.toLowerCase().includes(wanted)).sort(latestFirst);
  return (
    <div class="projects-page">
      <div class="projects">
        <header>
          <h1 class="title">Projects</h1>
          <p class="mono dim">{projects.directory}</p>
          <div class="field">
            <Icon name="search" size={14} />
            <input
              ref={input}
              aria-label="Search projects"
              placeholder="search"
              value={search}
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
            <span class="count" role="status">
              {formatStep(shown.length)} of {formatStep(projects.projects.length)}
            </span>
            <kbd aria-hidden="true">/</kbd>
          </div>
        </header>
        {error && (
          <p class="bad" role="alert">
            {error}; what you see is from {formatSince(at)}
          </p>
        )}
        <table>
          <thead>
            <tr>
              <th scope="col">Project</th>
              <th scope="col" class="number">
                runs
              </th>
              <th scope="col" class="number">
                last written to
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <ProjectRow key={one.name} project={one} now={at} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p class="dim nothing">No project is called like that.</p>}
      </div>
    </div>
  );
}

function latestFirst(one: ProjectSummary, other: ProjectSummary): number {
  return (other.modified ?? "").localeCompare(one.modified ?? "") || one.name.localeCompare(other.name);
}

function ProjectRow({ project, now }: { project: ProjectSummary; now: number }) {
  const [workspace, name] = splitName(project.name);
  const { modified } = project;
  const isNow = modified !== null && now - new Date(modified).getTime() < WRITTEN_NOW_MS;
  return (
    <tr>
      <td>
        <a href={projectUrl(project.name)} title={project.name}>
          <span class="dim">{workspace} / </span>
          <b>{name}</b>
        </a>
      </td>
      <td class="number">{formatStep(project.run_count)}</td>
      <td class="number" title={modified ? formatTime(modified) : `${plural(project.run_count, "run")}`}>
        {isNow && (
          <svg class="written-now" width="20" height="12" role="img" aria-label="written to now">
            <MouthMark x={6} y={6} r={2.8} state="running" colour="currentColor" />
          </svg>
        )}
        {modified ? formatAge(modified, now) : "–"}
      </td>
    </tr>
  );
}

function splitName(name: string): [string, string] {
  const at = name.indexOf("/");
  return [name.slice(0, at), name.slice(at + 1)];
}

function NoAnswer({ text }: { text: string }) {
  return (
    <div class="failed" role="alert">
      <h1 class="title">Projects cannot be listed</h1>
      <p class="prose">
        {text}. This page tries again every few seconds. Runs go on writing to their journals; nothing is lost.
      </p>
    </div>
  );
}

/** Return the projects, asked for again while the page is seen. */
function useProjects(): Found {
  const [found, setFound] = useState<Found>({ projects: null, error: null, at: Date.now() });
  useEffect(() => {
    const abort = new AbortController();
    let wasEmpty = false;
    const ask = async () => {
      try {
        const projects = await getJson<Projects>("projects", {}, abort.signal);
        const [only, ...others] = projects.projects;
        if (wasEmpty && only && others.length === 0) go({ page: "charts", project: only.name }); // it was waited for
        wasEmpty = projects.projects.length === 0;
        setFound({ projects, error: null, at: Date.now() });
      } catch (error) {
        if (!abort.signal.aborted) setFound((before) => ({ ...before, error: sentence(error) }));
      }
    };
    void ask();
    const timer = setInterval(() => {
      if (!document.hidden) void ask();
    }, REFRESH_MS);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, []);
  return found;
}
