import { connection } from "../state/live";

/** That an answer is awaited; where no server answers, that it comes when one does. */
export function Waiting() {
  if (connection.value !== "away") return <div class="hairline-wait" role="status" />;
  return (
    <p class="file-none" role="status">
      The server does not answer; this page comes when it does.
    </p>
  );
}
