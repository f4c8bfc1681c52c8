import { apiUrl } from "./client";
import { type EventsMessage, listenDirectly } from "./stream";

/**
 * Listen to a project. Browsers allow six connections to a server, so all windows share one stream through a SharedWorker
 * where there is one.
 *
 * @returns what ends it
 */
export function listen(project: string, hear: (message: EventsMessage) => void): () => void {
  const url = apiUrl("events", { project }).href;
  if (typeof SharedWorker === "undefined") return listenDirectly(url, hear);
  try {
    return listenShared(url, hear);
  } catch {
    return listenDirectly(url, hear);
  }
}

function listenShared(url: string, hear: (message: EventsMessage) => void): () => void {
  const worker = new SharedWorker(new URL("./events.worker.ts", import.meta.url), {
    type: "module",
    name: "runfork events",
  });
  let end: (() => void) | undefined;
  worker.onerror = () => {
    end ??= listenDirectly(url, hear);
  };
  worker.port.onmessage = (message: MessageEvent<EventsMessage>) => hear(message.data);
  worker.port.postMessage({ listen: url });
  return () => {
    worker.port.postMessage({ leave: url });
    worker.port.close();
    end?.();
  };
}
