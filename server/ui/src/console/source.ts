import type { ConsolePage } from "../api/types";

/** One state of a progress bar. */
export type ConsoleUpdate = { time: string; text: string };

/** Where lines come from. Another source is another text: another run, stream or rank. */
export type ConsoleSource = {
  /** Some lines, and how many there are. */
  page: (offset: number, limit: number, signal: AbortSignal) => Promise<ConsolePage>;
  /** The states that a line went through. */
  updates: (line: number) => Promise<ConsoleUpdate[]>;
};
