import type { ProjectEvent } from "./types";

/** What the server tells, or that its stream ended. */
export type EventsMessage =
  | { kind: "project"; event: ProjectEvent }
  | { kind: "progress"; done: number; total: number }
  | { kind: "beat" }
  | { kind: "failed" };

/** Listen on a connection of one's own. */
export function listenDirectly(url: string, hear: (message: EventsMessage) => void): () => void {
  const source = new EventSource(url);
  source.addEventListener("project", (event) =>
    hear({ kind: "project", event: JSON.parse((event as MessageEvent<string>).data) as ProjectEvent }),
  );
  source.addEventListener("progress", (event) =>
    hear({
      kind: "progress",
      ...(JSON.parse((event as MessageEvent<string>).data) as { done: number; total: number }),
    }),
  );
  source.addEventListener("beat", () => hear({ kind: "beat" }));
  source.onopen = () => hear({ kind: "beat" });
  source.onerror = () => hear({ kind: "failed" });
  return () => source.close();
}
