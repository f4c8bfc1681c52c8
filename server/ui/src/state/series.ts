import { effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { ProblemError, postBytes, projectPath, sentence } from "../api/client";
import { type Line, readFrame } from "../api/frames";
import type { BucketsQuery } from "../api/types";
import type { Span } from "../chart/view";
import { place, shownProject } from "./address";
import { changedRuns, connection, isPaused, noteAnswer, revision } from "./live";

/** What a chart asks for, but for its metric. */
export type Question = Omit<BucketsQuery, "paths" | "known">;
/** Lines of one metric, as they were answered. */
export type Answer = { question: Question; lines: Line[]; revision: number };
/** What a chart has. */
export type SeriesState = {
  /** Lines for the window that was asked for last; null before the first answer. */
  fine: Answer | null;
  /** Lines of everything: what is drawn beyond the window while finer ones are on their way. */
  whole: Answer | null;
  /** What the server says against it, in a sentence. */
  error: string | null;
  isLoading: boolean;
};

/** A chart that wants lines. */
export type Subscription = {
  state: ReadonlySignal<SeriesState>;
  /** Ask for something else; nothing happens where it is the same. */
  ask: (question: Question) => void;
  end: () => void;
};

/** A request that is under way, and who waits for its answer. */
type Flight = { key: string; abort: AbortController; waiting: Watcher[] };

type Watcher = {
  path: string;
  question: Question | null;
  key: string;
  /** Runs whose points may be among the lines. */
  runs: () => ReadonlySet<string>;
  answered: string;
  flight: Flight | null;
  isStale: boolean;
  hasFailed: boolean;
  state: Signal<SeriesState>;
};

// One answer for several charts, but none that keeps the first of them waiting.
const LINES_AT_ONCE = 60;
const PATHS_AT_ONCE = 12;
const MOST_REQUESTS = 3;
/** Charts in view are brought up to date at most this often. */
export const REFRESH_MS = 250;
const BUSY_SHARE = 3;
const SETTLE_MS = 90;
const KEPT_ANSWERS = 48;

const watchers = new Set<Watcher>();
const kept = new Map<string, { whole: Answer | null; fine: Answer | null }>();
let running = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let timerAt = Number.POSITIVE_INFINITY;
let refreshedAt = 0;
let lastDuration = 0;

/** Begin to ask for lines of a metric; `runs` are all whose points may be among them. */
export function subscribe(path: string, runs: () => ReadonlySet<string>): Subscription {
  const state = signal<SeriesState>({ fine: null, whole: null, error: null, isLoading: false });
  const watcher: Watcher = {
    path,
    question: null,
    key: "",
    runs,
    answered: "",
    flight: null,
    isStale: false,
    hasFailed: false,
    state,
  };
  watchers.add(watcher);
  return {
    state,
    ask: (question) => ask(watcher, question),
    end: () => {
      watchers.delete(watcher);
      abandon(watcher.flight);
      keep(watcher);
    },
  };
}

function keptKey(path: string, { range: _, buckets: __, ...rest }: Question): string {
  return JSON.stringify([place.peek().project, path, rest]);
}

function keep(watcher: Watcher): void {
  const { fine, whole } = watcher.state.peek();
  const answer = fine ?? whole;
  if (!answer) return;
  const key = keptKey(watcher.path, answer.question);
  kept.delete(key);
  kept.set(key, { whole, fine });
  const [oldest] = kept.keys();
  if (kept.size > KEPT_ANSWERS && oldest !== undefined) kept.delete(oldest);
}

function ask(watcher: Watcher, question: Question): void {
  const key = JSON.stringify(question);
  if (watcher.key === key) return;
  const isFirst = watcher.question === null;
  const before = watcher.question;
  watcher.question = question;
  watcher.key = key;
  watcher.hasFailed = false;
  const isOtherAxis = before !== null && before.x !== question.x;
  const found = isFirst || isOtherAxis ? kept.get(keptKey(watcher.path, question)) : undefined;
  if (found) {
    watcher.state.value = { ...found, error: null, isLoading: true };
    watcher.isStale = true;
  } else if (isOtherAxis) watcher.state.value = { fine: null, whole: null, error: null, isLoading: true };
  else watcher.state.value = { ...watcher.state.peek(), isLoading: true };
  abandon(watcher.flight);
  const isZoom = before !== null && sameButRange(before, question);
  schedule(isZoom ? SETTLE_MS : 0);
}

/** Give a request up that nobody waits for any more: another window is asked for, or its charts are gone. */
function abandon(flight: Flight | null): void {
  const isWaited = flight?.waiting.some((one) => watchers.has(one) && one.key === flight.key);
  if (flight && !isWaited) flight.abort.abort();
}

function sameButRange(one: Question, other: Question): boolean {
  return JSON.stringify({ ...one, range: null }) === JSON.stringify({ ...other, range: null });
}

/** Ask soon; whoever asks within that time is answered together. */
function schedule(delay: number): void {
  const at = performance.now() + delay;
  // A zoom that goes on is waited for; what is asked at once does not wait for it.
  if (timer !== undefined && timerAt <= at && delay === 0) return;
  clearTimeout(timer);
  timerAt = at;
  timer = setTimeout(() => {
    timer = undefined;
    timerAt = Number.POSITIVE_INFINITY;
    send();
  }, delay);
}

function isWanted(watcher: Watcher): boolean {
  if (!watcher.question || watcher.hasFailed || watcher.flight?.key === watcher.key) return false;
  return watcher.isStale || watcher.answered !== watcher.key;
}

function send(): void {
  if (connection.peek() === "away") return;
  while (running < MOST_REQUESTS) {
    const [first] = [...watchers].filter(isWanted);
    if (!first) return;
    const most = Math.max(
      1,
      Math.min(PATHS_AT_ONCE, Math.floor(LINES_AT_ONCE / Math.max(1, first.question!.run_ids.length))),
    );
    const group = [...watchers].filter((one) => isWanted(one) && one.key === first.key).slice(0, most);
    void fetchGroup(group, first.question!, first.key);
  }
}

async function fetchGroup(waiting: Watcher[], question: Question, key: string): Promise<void> {
  const { project } = place.peek();
  if (!project) return;
  const flight: Flight = { key, abort: new AbortController(), waiting };
  for (const watcher of waiting) {
    watcher.flight = flight;
    watcher.isStale = false;
  }
  running += 1;
  const began = performance.now();
  try {
    const paths = [...new Set(waiting.map((watcher) => watcher.path))];
    const known = linesOf(waiting.filter((watcher) => watcher.answered === key));
    const body: BucketsQuery = { ...question, paths, known: [...known.keys()] };
    const frame = readFrame(await postBytes(projectPath(project, "series/buckets"), body, flight.abort.signal), known);
    lastDuration = performance.now() - began;
    noteAnswer();
    land(flight);
    for (const watcher of waiting) take(watcher, question, key, frame.lines, frame.revision);
  } catch (error) {
    land(flight);
    if (!flight.abort.signal.aborted) {
      noteAnswer(error);
      for (const watcher of waiting) fail(watcher, key, error);
    }
  } finally {
    running -= 1;
    schedule(0);
  }
}

/** Return the lines that charts have, by tag: of those that are the same still, the server sends no more than that. */
function linesOf(some: readonly Watcher[]): Map<string, Line> {
  return new Map(some.flatMap((one) => one.state.peek().fine?.lines ?? []).map((line) => [line.tag, line]));
}

function land(flight: Flight): void {
  for (const watcher of flight.waiting) if (watcher.flight === flight) watcher.flight = null;
}

function take(watcher: Watcher, question: Question, key: string, all: Line[], atRevision: number): void {
  const wanted = watcher.question;
  if (!wanted || !watchers.has(watcher)) return;
  // An answer to the question before is better than the one before that, as long as it is about the same axis.
  if (key !== watcher.key && wanted.x !== question.x) return;
  const lines = all.filter((line) => line.path === watcher.path);
  const answer: Answer = { question, lines, revision: atRevision };
  const before = watcher.state.peek();
  watcher.state.value = {
    fine: answer,
    whole: question.range === null ? answer : before.whole,
    error: null,
    isLoading: key !== watcher.key,
  };
  if (key === watcher.key) watcher.answered = key;
}

function fail(watcher: Watcher, key: string, error: unknown): void {
  if (key !== watcher.key) return;
  watcher.hasFailed = error instanceof ProblemError;
  watcher.isStale = true;
  const before = watcher.state.peek();
  watcher.state.value = { ...before, error: watcher.hasFailed ? sentence(error) : null, isLoading: !watcher.hasFailed };
}

/** Return whether lines of an answer cover a span. */
export function covers(answer: Answer, [low, high]: Span): boolean {
  const { range } = answer.question;
  return range === null || (range[0] <= low && range[1] >= high);
}

/** Keep lines up to date with the project, from now on; returns what ends it. */
export function keepSeries(): () => void {
  let refresh: ReturnType<typeof setTimeout> | undefined;
  let pending: Set<string> | "all" | null = null;
  const bringUpToDate = () => {
    refresh = undefined;
    if (document.hidden) return; // nobody sees it; what is pending is asked for once somebody does
    refreshedAt = performance.now();
    for (const watcher of watchers) {
      if (pending === "all" || (pending && intersects(pending, watcher.runs()))) watcher.isStale = true;
      if (pending) watcher.hasFailed = false;
    }
    pending = null;
    schedule(0);
  };
  const catchUp = () => {
    if (pending && !document.hidden) bringUpToDate();
  };
  document.addEventListener("visibilitychange", catchUp);
  const endLive = effect(() => {
    if (revision.value === 0) return;
    const changed = changedRuns.peek();
    if (changed === null || pending === "all") pending = "all";
    else pending = new Set([...(pending ?? []), ...changed]);
    const pause = Math.max(REFRESH_MS, BUSY_SHARE * lastDuration);
    refresh ??= setTimeout(bringUpToDate, Math.max(0, refreshedAt + pause - performance.now()));
  });
  const endConnection = effect(() => {
    if (connection.value !== "away" && !isPaused.value) schedule(0);
  });
  const endProject = effect(() => {
    void shownProject.value;
    kept.clear();
  });
  return () => {
    clearTimeout(refresh);
    document.removeEventListener("visibilitychange", catchUp);
    endLive();
    endConnection();
    endProject();
  };
}

function intersects(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const one of some) if (others.has(one)) return true;
  return false;
}
