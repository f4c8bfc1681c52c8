import type { JSX } from "preact";
import type { RunState } from "../api/types";
import { MouthMark } from "../marks/River";
import { diamondPath } from "../marks/shapes";
import { meanings } from "../text/words";

const lines: { words: string; title: string; drawn: JSX.Element }[] = [
  {
    words: "head, own",
    title: `${meanings.head} ${meanings.own}`,
    drawn: <path class="water" d="M1 6h24" stroke="currentColor" stroke-width="2.5" />,
  },
  {
    words: "kept, inherited",
    title: meanings.inherited,
    drawn: <path class="water" d="M1 6h24" stroke="currentColor" stroke-width="1.2" />,
  },
  { words: "pruned", title: meanings.pruned, drawn: <path class="bed" d="M1 6h24" /> },
  {
    words: "fork",
    title: meanings.fork,
    drawn: (
      <>
        <path class="water" d="M1 6h24" stroke="currentColor" stroke-width="1.2" />
        <path class="diamond" d={diamondPath(13, 6, 2.7)} stroke="currentColor" />
      </>
    ),
  },
];
const states: { words: string; state: RunState }[] = [
  { words: "running", state: "running" },
  { words: "finished", state: "finished" },
  { words: "failed", state: "failed" },
  { words: "lost", state: "lost" },
  { words: "stopped", state: "aborted" },
];

/** What the marks mean. */
export function Legend() {
  return (
    <ul class="legend" aria-label="Marks">
      {lines.map(({ words, title, drawn }) => (
        <li key={words} title={title}>
          <svg width="26" height="12" aria-hidden="true">
            {drawn}
          </svg>
          {words}
        </li>
      ))}
      {states.map(({ words, state }) => (
        <li key={words}>
          <svg width="14" height="12" aria-hidden="true">
            <MouthMark x={6} y={6} r={2.8} state={state} colour="currentColor" />
          </svg>
          {words}
        </li>
      ))}
    </ul>
  );
}
