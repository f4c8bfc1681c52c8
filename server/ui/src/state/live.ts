import { batch, effect, signal } from "@preact/signals";
import { getJson, ProblemError, projectPath, sentence, UnreachableError } from "../api/client";
import { listen } from "../api/events";
import type { EventsMessage } from "../api/stream";
import type { ProjectStatus } from "../api/types";
import { place } from "./address";

/** How the page hears of what is new: by events, by asking every two seconds, not at all (paused), or no server answers. */
export type Connection = "connecting" | "live" | "polling" | "paused" | "away";

/** How the page hears of what is new. */
export const connection = signal<Connection>("connecting");
/** How the project stands; null until the server has answered. */
export const status = signal<ProjectStatus | null>(null);
/** Why the project cannot be read, in a sentence. */
export const statusError = signal<string | null>(null);
/** Grows whenever the project's runs, values or points differ from before. What is drawn depends on it. */
export const revision = signal(0);
/** Runs that changed with the latest revision; null is any. */
export const changedRuns = signal<Set<string> | null>(null);
/** When the server answered last. */
export const answeredAt = signal(Date.now());
/** When the next try is made while no server answers, by `performance.now()`: clocks are set, and must not make one wait. */
export const nextTry = signal(0);
/** Why no server answers, where that is known. */
export const awayBecause = signal("");
/** Whether the reader stopped updates. */
export const isPaused = signal(false);

const POLL_MS = 2000;
const SILENCE_MS = 25_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;

/** Note that the server answered, or did not; whoever asks the server says so. */
export function noteAnswer(error?: unknown): void {
  if (error instanceof UnreachableError) {
    awayBecause.value = error.why;
    if (connection.value !== "away") startRetries();
    return;
  }
  answeredAt.value = Date.now();
}

async function readStatus(project: string): Promise<void> {
  try {
    const found = await getJson<ProjectStatus>(projectPath(project));
    if (place.peek().project !== project) return;
    batch(() => {
      answeredAt.value = Date.now();
      statusError.value = null;
      status.value = found;
      advance(found.revision, null);
    });
  } catch (error) {
    if (error instanceof ProblemError) statusError.value = sentence(error);
    throw error;
  }
}

function advance(to: number, runs: string[] | null): void {
  if (isPaused.peek() || to === revision.peek()) return;
  batch(() => {
    changedRuns.value = runs && new Set(runs);
    revision.value = to;
  });
}

let retryTimer: ReturnType<typeof setTimeout> | undefined;
let retryDelay = FIRST_RETRY_MS;

function startRetries(): void {
  release(); // its stream would be asked for every second
  connection.value = "away";
  retryDelay = FIRST_RETRY_MS;
  scheduleRetry();
}

function scheduleRetry(): void {
  clearTimeout(retryTimer);
  nextTry.value = performance.now() + retryDelay;
  retryTimer = setTimeout(tryNow, retryDelay);
  retryDelay = Math.min(2 * retryDelay, LAST_RETRY_MS);
}

/** Ask the server whether it is back. */
export async function tryNow(): Promise<void> {
  const project = place.peek().project;
  if (!project) return;
  try {
    await readStatus(project);
    if (connection.peek() === "away") connect(project);
  } catch (error) {
    noteAnswer(error);
    if (error instanceof UnreachableError) scheduleRetry();
    else connect(project);
  }
}

let disconnect: (() => void) | undefined;
let pollTimer: ReturnType<typeof setInterval> | undefined;
let watchTimer: ReturnType<typeof setInterval> | undefined;
let heardAt = 0;

function connect(project: string): void {
  release();
  heardAt = performance.now();
  connection.value = isPaused.peek() ? "paused" : "connecting";
  disconnect = listen(project, (message) => hear(project, message));
  watchTimer = setInterval(() => {
    if (performance.now() - heardAt > SILENCE_MS && connection.peek() !== "polling") startPolling(project);
  }, 1000);
}

function release(): void {
  disconnect?.();
  clearInterval(pollTimer);
  clearInterval(watchTimer);
  clearTimeout(retryTimer);
  pollTimer = undefined;
}

/** Proxies that hold back streams deliver nothing: then the page asks. */
function startPolling(project: string): void {
  if (pollTimer !== undefined) return;
  connection.value = isPaused.peek() ? "paused" : "polling";
  pollTimer = setInterval(() => readStatus(project).catch(noteAnswer), POLL_MS);
}

function hear(project: string, message: EventsMessage): void {
  if (message.kind === "progress" && message.project !== project) return;
  if (message.kind === "failed") {
    readStatus(project)
      .then(() => startPolling(project))
      .catch(noteAnswer);
    return;
  }
  heardAt = performance.now();
  batch(() => {
    answeredAt.value = Date.now();
    if (connection.peek() !== "paused") connection.value = "live";
    clearInterval(pollTimer);
    pollTimer = undefined;
    if (message.kind === "project" && message.event.project === project) {
      const { is_reading, troubles } = message.event;
      const run_count = is_reading ? (status.peek()?.run_count ?? 0) : message.event.run_count;
      if (status.peek()) status.value = { ...status.peek()!, run_count, troubles, is_reading };
      advance(message.event.revision, message.event.run_ids);
      if (!status.peek() || status.peek()!.run_count === 0) void readStatus(project).catch(noteAnswer);
    }
    if (message.kind === "progress" && status.peek())
      status.value = { ...status.peek()!, is_reading: message.done < message.total, progress: message };
  });
}

/** Stop or go on with updates. */
export function togglePause(): void {
  isPaused.value = !isPaused.value;
  const project = place.peek().project;
  if (!project) return;
  if (isPaused.value) connection.value = "paused";
  else void tryNow().then(() => connect(project));
}

/** Follow the project that is shown, from now on. */
export function keepLive(): void {
  let followed: string | null = null;
  effect(() => {
    const project = place.value.project;
    if (project === followed) return;
    followed = project;
    release();
    batch(() => {
      status.value = null;
      statusError.value = null;
      revision.value = 0;
    });
    if (!project) return;
    connection.value = "connecting"; // a server that was away is tried for this one, too
    readStatus(project)
      .then(() => connect(project))
      .catch((error: unknown) => {
        noteAnswer(error);
        if (error instanceof ProblemError) connect(project);
      });
  });
}
