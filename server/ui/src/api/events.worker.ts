import { type EventsMessage, listenDirectly } from "./stream";

type Request = { listen: string } | { leave: string };

// Each page with the project that it watches, and the address of its stream; one stream for all of them.
const pages = new Map<MessagePort, string>();
let listened = "";
// What was told last of each project and of the stream, for a page that comes later.
const latest = new Map<string, EventsMessage>();
let end: () => void = () => undefined;

function listenToAll(): void {
  const wanted = [...new Set(pages.values())].sort();
  if (wanted.join() === listened) return;
  listened = wanted.join();
  end();
  latest.clear();
  end = wanted.length > 0 ? listenDirectly(together(wanted), tell) : () => undefined;
}

function together(urls: string[]): string {
  const url = new URL(urls[0]!);
  for (const other of urls.slice(1))
    for (const project of new URL(other).searchParams.getAll("project")) url.searchParams.append("project", project);
  return url.href;
}

function tell(message: EventsMessage): void {
  if (message.kind === "project") latest.set(message.event.project, message);
  else if (message.kind !== "progress") latest.set("", message);
  for (const page of pages.keys()) page.postMessage(message);
}

self.addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0];
  if (!port) return;
  port.onmessage = (message: MessageEvent<Request>) => {
    if ("listen" in message.data) pages.set(port, message.data.listen);
    else pages.delete(port);
    listenToAll();
    if (pages.has(port)) for (const known of latest.values()) port.postMessage(known);
  };
  port.start();
});
