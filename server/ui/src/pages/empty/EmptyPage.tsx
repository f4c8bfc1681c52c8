import { useEffect, useState } from "preact/hooks";
import { getJson, projectUrl } from "../../api/client";
import type { Projects } from "../../api/types";
import { Button } from "../../controls/Button";
import { copy } from "../../controls/clipboard";
import { place } from "../../state/address";
import { noteAnswer } from "../../state/live";
import { remembered } from "../../state/remembered";
import { Code } from "./Code";
import { snippets } from "./snippets";
import { UnbuiltRiver } from "./UnbuiltRiver";
import "./empty.css";

const chosen = remembered<string>("framework", snippets[0]!.name);

/** A project without runs: how to make the first one. The page is the project's as soon as there is one. */
export function EmptyPage() {
  const { project } = place.value;
  const { directory, projects } = useProjects(project);
  const names = projects.map((one) => one.name);
  return (
    <div class="empty-page">
      <UnbuiltRiver />
      <div class="empty-columns">
        <section>
          {project && names.length > 0 && !names.includes(project) && (
            <p class="prose">
              There is no project <span class="mono strong">{project}</span> yet; there are:
              {names.slice(0, MOST_NAMED).map((name) => (
                <>
                  {" "}
                  <a class="mono" href={projectUrl(name)}>
                    {name}
                  </a>
                </>
              ))}
              {names.length > MOST_NAMED && " …"}
            </p>
          )}
          <h1 class="title">{project ? "No runs yet" : "No projects yet"}</h1>
          <p class="prose">
            This page watches <span class="mono strong">{directory}</span>. The first run appears within a second of its
            first <span class="mono strong">log_metrics</span>; there is nothing to reload.
          </p>
          <p class="prose">
            No script at hand? <span class="mono strong">runfork demo</span> trains a small model, kills it, resumes it
            and forks it, in under two minutes.
          </p>
          <div class="empty-buttons">
            <CopyCode />
            <Button icon="prompt" onClick={() => void copy("runfork demo", "The command")}>
              Copy <span class="mono">runfork demo</span>
            </Button>
          </div>
          {directory && <Elsewhere directory={directory} project={project} />}
        </section>
        <Snippets />
      </div>
    </div>
  );
}

function CopyCode() {
  const one = snippets.find((snippet) => snippet.name === chosen.value) ?? snippets[0]!;
  return (
    <Button kind="primary" icon="copy" onClick={() => void copy(one.code, "The code")}>
      Copy the code
    </Button>
  );
}

const MOST_NAMED = 9;

/** Return the data directory and its projects, as soon as the server has said them. */
function useProjects(project: string | null): Projects {
  const [found, setFound] = useState<Projects>({ directory: "", projects: [] });
  useEffect(() => {
    const abort = new AbortController();
    getJson<Projects>("projects", {}, abort.signal)
      .then((now) => {
        noteAnswer();
        setFound(now);
      })
      .catch((error: unknown) => !abort.signal.aborted && noteAnswer(error));
    return () => abort.abort();
  }, [project]);
  return found;
}

/** What a script that runs in another folder has to be told. */
function Elsewhere({ directory, project }: { directory: string; project: string | null }) {
  const quoted = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const line = `export RUNFORK_DIR=${quoted(directory)}${project ? ` RUNFORK_PROJECT=${quoted(project)}` : ""}`;
  return (
    <p class="elsewhere">
      A script in another folder logs here after{" "}
      <button type="button" class="link mono" title="Copy" onClick={() => void copy(line, "The line")}>
        {line}
      </button>
    </p>
  );
}

function Snippets() {
  const one = snippets.find((snippet) => snippet.name === chosen.value) ?? snippets[0]!;
  const move = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const at = (snippets.indexOf(one) + by + snippets.length) % snippets.length;
    chosen.value = snippets[at]!.name;
    (event.currentTarget as HTMLElement).querySelectorAll("button")[at]?.focus();
  };
  return (
    <section class="snippets">
      <div class="tabs" role="tablist" aria-label="Code for the first run" onKeyDown={move}>
        {snippets.map((snippet) => (
          <button
            key={snippet.name}
            type="button"
            role="tab"
            id={`tab-${snippet.name}`}
            aria-controls="snippet"
            aria-selected={snippet === one}
            tabIndex={snippet === one ? 0 : -1}
            onClick={() => {
              chosen.value = snippet.name;
            }}
          >
            {snippet.name}
          </button>
        ))}
      </div>
      <div id="snippet" role="tabpanel" aria-labelledby={`tab-${one.name}`}>
        <Code code={one.code} />
        {one.install && (
          <p class="dim">
            Needs <span class="mono">{`pip install "runfork[${one.install}]"`}</span>
          </p>
        )}
      </div>
    </section>
  );
}
