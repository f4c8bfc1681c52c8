import { apiUrl } from "./client";
import { type EventsMessage, listenDirectly } from "./stream";

type Hear = (message: EventsMessage) => void;

/**
 * Listen to a project. Browsers allow six connections to a server, so all windows share one stream through a SharedWorker;
 * where there is none, a window listens while it is seen.
 *
 * @returns what ends it
 */
export function listen(project: string, hear: Hear): () => void {
  const url = apiUrl("events", { project }).href;
  if (typeof SharedWorker === "undefined") return listenWhileSeen(url, hear);
  try {
    return listenShared(url, hear);
  } catch {
    return listenWhileSeen(url, hear);
  }
}

function listenShared(url: string, hear: Hear): () => void {
  const worker = new SharedWorker(new URL("./events.worker.ts", import.meta.url), {
    type: "module",
    name: "runfork events",
  });
  let end: (() => void) | undefined;
  worker.onerror = () => {
    end ??= listenWhileSeen(url, hear);
  };
  worker.port.onmessage = (message: MessageEvent<EventsMessage>) => hear(message.data);
  const join = () => worker.port.postMessage({ listen: url });
  const leave = () => worker.port.postMessage({ leave: url });
  join();
  // A window that is closed or goes elsewhere says so; Back may bring it back as it was.
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", join);
  return () => {
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("pageshow", join);
    leave();
    worker.port.close();
    end?.();
  };
}

function listenWhileSeen(url: string, hear: Hear): () => void {
  let end: (() => void) | undefined;
  const follow = () => {
    end?.();
    end = document.hidden ? undefined : listenDirectly(url, hear);
  };
  follow();
  document.addEventListener("visibilitychange", follow);
  return () => {
    document.removeEventListener("visibilitychange", follow);
    end?.();
  };
}
