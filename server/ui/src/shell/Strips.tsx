import { useEffect, useState } from "preact/hooks";
import { Button } from "../controls/Button";
import { answeredAt, awayBecause, connection, nextTry, status, tryNow } from "../state/live";
import { formatBytes, formatSince } from "../text/format";

/** The server does not answer: since when, what is safe, and what happens next. */
export function AwayStrip() {
  const [now, setNow] = useState(performance.now());
  const isAway = connection.value === "away";
  useEffect(() => {
    if (!isAway) return;
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, [isAway]);
  if (!isAway) return null;
  const seconds = Math.max(0, Math.ceil((nextTry.value - now) / 1000));
  return (
    <div class="strip bad-strip" role="alert">
      <p>
        <b>
          The server has not answered since {formatSince(answeredAt.value)}
          {awayBecause.value}.
        </b>{" "}
        What you see is from then. Runs go on writing to their journals; nothing is lost.
      </p>
      <span class="strip-end dim">{seconds > 0 ? `next try in ${seconds} s` : "trying"}</span>
      <Button onClick={() => void tryNow()}>Try now</Button>
    </div>
  );
}

/** Journals are being read: how far. */
export function ReadingStrip() {
  const found = status.value;
  if (!found?.is_reading || !found.progress || found.progress.total === 0) return null;
  const { done, total } = found.progress;
  return (
    <div class="strip reading-strip" role="status">
      <progress value={done} max={total} aria-label="Journals read" />
      <p>
        Reading the journals: {formatBytes(done)} of {formatBytes(total)}. What was read is shown.
      </p>
    </div>
  );
}

/** Journals that could not be read. */
export function TroubleStrip() {
  const [closed, setClosed] = useState("");
  const troubles = status.value?.troubles ?? [];
  const text = troubles.join(" ");
  if (!text || text === closed) return null;
  return (
    <div class="strip bad-strip" role="status">
      <p>{text}</p>
      <span class="strip-end" />
      <Button kind="quiet" onClick={() => setClosed(text)}>
        Hide
      </Button>
    </div>
  );
}
