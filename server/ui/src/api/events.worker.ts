import { type EventsMessage, listenDirectly } from "./stream";

type Request = { listen: string } | { leave: string };
type Stream = { end: () => void; ports: Set<MessagePort>; latest: EventsMessage | null };

const streams = new Map<string, Stream>();

function join(url: string, port: MessagePort): void {
  let stream = streams.get(url);
  if (!stream) {
    const opened: Stream = { end: () => undefined, ports: new Set(), latest: null };
    opened.end = listenDirectly(url, (message) => {
      if (message.kind !== "progress") opened.latest = message;
      for (const one of opened.ports) one.postMessage(message);
    });
    streams.set(url, opened);
    stream = opened;
  }
  stream.ports.add(port);
  if (stream.latest) port.postMessage(stream.latest);
}

function leave(url: string, port: MessagePort): void {
  const stream = streams.get(url);
  stream?.ports.delete(port);
  if (!stream || stream.ports.size > 0) return;
  stream.end();
  streams.delete(url);
}

self.addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0];
  if (!port) return;
  const joined = new Set<string>();
  port.onmessage = (message: MessageEvent<Request>) => {
    if ("listen" in message.data) {
      joined.add(message.data.listen);
      join(message.data.listen, port);
    } else {
      joined.delete(message.data.leave);
      leave(message.data.leave, port);
    }
  };
  port.start();
});
