import type { ProjectEvent } from "./types";

/** What the server tells, or that its stream ended. */
export type EventsMessage =
  | { kind: "project"; event: ProjectEvent }
  | { kind: "progress"; project: string; done: number; total: number }
  | { kind: "beat" }
  | { kind: "failed" };

const AGAIN_MS = 3000;
const LOOK_MS = 10_000;
const ASLEEP_MS = 120_000;

/**
 * Listen to projects on a connection of one's own, for as long as it takes: browsers give up where a proxy answers, which has
 * lost its server for a moment.
 *
 * @returns what ends it
 */
export function listenDirectly(url: string, hear: (message: EventsMessage) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource;
  const open = () => {
    source = new EventSource(url);
    source.addEventListener("project", (event) => hear({ kind: "project", event: dataOf(event) as ProjectEvent }));
    source.addEventListener("progress", (event) =>
      hear({ kind: "progress", ...(dataOf(event) as { project: string; done: number; total: number }) }),
    );
    source.addEventListener("beat", () => hear({ kind: "beat" }));
    source.onopen = () => hear({ kind: "beat" });
    source.onerror = () => {
      hear({ kind: "failed" });
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
    };
  };
  open();
  // A machine that slept may have a connection whose other end is gone, which nobody says.
  let looked = Date.now();
  const watch = setInterval(() => {
    const slept = Date.now() - looked > ASLEEP_MS;
    looked = Date.now();
    if (!slept) return;
    clearTimeout(timer);
    source.close();
    open();
  }, LOOK_MS);
  return () => {
    clearInterval(watch);
    clearTimeout(timer);
    source.close();
  };
}

function dataOf(event: Event): unknown {
  return JSON.parse((event as MessageEvent<string>).data);
}
