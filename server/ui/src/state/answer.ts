import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { ProblemError, sentence } from "../api/client";
import { changedRuns, connection, noteAnswer, revision, status } from "./live";

/** What is known of the answer to a question. */
export type Answer<T> = {
  /** The last answer; it stays while a newer one is awaited, and while no server answers. */
  value: T | null;
  /** Why there is none, or no newer one, in the server's words; null if nothing is wrong. */
  error: string | null;
  /** Whether one has waited long enough to be told so. */
  isSlow: boolean;
};

const NOTHING = { value: null, error: null, isSlow: false };
const QUIET_MS = 150;
const SHORTEST_PAUSE_MS = 250;
// What is asked again and again may take a fifth of the time, so that a large answer does not fill the page's only thread.
const PAUSE_FACTOR = 4;
const PATIENCE_MS = 3000;

/**
 * Ask a question, and ask it again, quietly, whenever the project's runs changed in a way that may change its answer: at most
 * four times a second, and less often where the answer takes long.
 *
 * @param question what is asked, as a text that is another where the question is another; null asks nothing
 * @param ask asks it
 * @param about ids of the runs that the answer depends on; null is any
 * @returns what is known of the answer; of another question's answer nothing is kept
 */
export function useAnswer<T>(
  question: string | null,
  ask: (signal: AbortSignal) => Promise<T>,
  about: readonly string[] | null = null,
): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { question: string | null }>({ ...NOTHING, question });
  const isReady = useReadiness(question);
  const latest = useRef({ ask, about });
  latest.current = { ask, about };
  useEffect(() => {
    if (question === null || !isReady) return;
    return keepAsking<T>(
      (signal) => latest.current.ask(signal),
      () => latest.current.about,
      (change) =>
        setAnswer((before) => ({ ...(before.question === question ? before : NOTHING), ...change, question })),
    );
  }, [question, isReady]);
  return answer.question === question ? answer : NOTHING;
}

/**
 * Return whether a question can be asked: while journals are read for the first time, the server may not know yet what it is
 * about. Where that takes long, it is asked all the same.
 */
function useReadiness(question: string | null): boolean {
  const [isPatient, setPatient] = useState(true);
  const ready = useRef<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setPatient(false), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isPatient || (status.value !== null && !status.value.is_reading)) ready.current = question;
  return ready.current === question;
}

/** Ask at once, then whenever the answer may be another; return what ends it. */
export function keepAsking<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  about: () => readonly string[] | null,
  tell: (change: Partial<Answer<T>>) => void,
): () => void {
  const abort = new AbortController();
  const slow = setTimeout(() => tell({ isSlow: true }), QUIET_MS);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  let isStale = false;
  let isUnanswered = false;
  const run = async () => {
    timer = undefined;
    if (isAsking) return;
    if (connection.peek() === "away") {
      isUnanswered = true; // asked when the server is back
      tell({ isSlow: true });
      return;
    }
    isAsking = true;
    isStale = false;
    const began = performance.now();
    try {
      const value = await ask(abort.signal);
      if (abort.signal.aborted) return;
      clearTimeout(slow);
      isUnanswered = false;
      noteAnswer();
      tell({ value, error: null, isSlow: false });
    } catch (error) {
      if (abort.signal.aborted) return;
      clearTimeout(slow);
      noteAnswer(error);
      if (error instanceof ProblemError && status.peek()?.is_reading) tell({ isSlow: true });
      else if (error instanceof ProblemError) tell({ error: sentence(error), isSlow: false });
      else {
        isUnanswered = true;
        tell({ isSlow: true });
      }
    } finally {
      isAsking = false;
    }
    const pause = Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * (performance.now() - began));
    timer = setTimeout(() => {
      timer = undefined;
      if (isStale) void run();
    }, pause);
  };
  void run();
  let seen = revision.peek();
  const endRetry = effect(() => {
    if (connection.value !== "away" && isUnanswered && !isAsking) void run();
  });
  const end = effect(() => {
    const now = revision.value;
    if (now === seen) return;
    const wasUnknown = seen === 0;
    seen = now;
    const changed = changedRuns.peek();
    const runs = about();
    if (wasUnknown || (changed && runs && !runs.some((one) => changed.has(one)))) return;
    isStale = true;
    if (!isAsking && timer === undefined) void run();
  });
  return () => {
    end();
    endRetry();
    abort.abort();
    clearTimeout(slow);
    clearTimeout(timer);
  };
}

/** Return a number that grows when runs changed, and when a server that was away is back; null is any run. */
export function useChangeCount(about: readonly string[] | null): number {
  const [count, setCount] = useState(0);
  const runs = useRef(about);
  runs.current = about;
  useEffect(() => {
    let seen = revision.peek();
    let wasAway = connection.peek() === "away";
    return effect(() => {
      const isAway = connection.value === "away";
      const now = revision.value;
      const changed = changedRuns.peek();
      const isOurs = !changed || !runs.current || runs.current.some((one) => changed.has(one));
      if ((now !== seen && seen !== 0 && isOurs) || (wasAway && !isAway)) setCount((before) => before + 1);
      seen = now;
      wasAway = isAway;
    });
  }, []);
  return count;
}
