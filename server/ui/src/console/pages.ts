import type { ConsoleLine, ConsolePage } from "../api/types";
import type { ConsoleSource } from "./source";

/** Lines that are fetched at once. */
export const PAGE = 500;
const MOST_PAGES = 40;
const SETTLE_MS = 40;

/** Lines of a source, as far as they were fetched. */
export type Pages = {
  /** How many lines there are; null before that is known. */
  total: () => number | null;
  /** A line; undefined where it was not fetched. */
  line: (line: number) => ConsoleLine | undefined;
  /** Say which lines are seen, so that they are fetched. */
  show: (first: number, last: number) => void;
  /** Ask again, once, for what is seen: there may be more. */
  refresh: () => void;
  /** Whether all lines of a stretch were fetched. */
  has: (first: number, last: number) => boolean;
  /** Fetch lines and wait for them. */
  fetch: (first: number, last: number) => Promise<void>;
  end: () => void;
};

type Kept = { lines: ConsoleLine[]; isFresh: boolean };

/**
 * Keep pages of a source.
 *
 * @param onChange what was asked for has come
 * @param onFailure asking failed
 */
export function keepPages(
  source: ConsoleSource,
  onChange: (page: ConsolePage) => void,
  onFailure: (error: unknown) => void,
): Pages {
  const kept = new Map<number, Kept>();
  const asked = new Map<number, AbortController>();
  let version = 0;
  let total: number | null = null;
  let seen: number[] = [0];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isEnded = false;

  async function ask(page: number): Promise<void> {
    const abort = new AbortController();
    const asOf = version;
    asked.set(page, abort);
    try {
      const found = await source.page(page * PAGE, PAGE, abort.signal);
      if (abort.signal.aborted || isEnded) return;
      asked.delete(page);
      take(page, found, asOf === version);
    } catch (error) {
      if (abort.signal.aborted || isEnded) return;
      onFailure(error);
    } finally {
      if (asked.get(page) === abort) asked.delete(page);
    }
  }

  function take(page: number, found: ConsolePage, isFresh: boolean): void {
    kept.delete(page);
    kept.set(page, { lines: found.lines, isFresh });
    total = found.total;
    for (const one of kept.keys()) if (one * PAGE >= total) kept.delete(one);
    for (const one of kept.keys()) {
      if (kept.size <= MOST_PAGES) break;
      if (!seen.includes(one)) kept.delete(one);
    }
    onChange(found);
  }

  function askForSeen(): void {
    timer = undefined;
    for (const [page, abort] of asked) {
      if (seen.includes(page)) continue;
      abort.abort();
      asked.delete(page);
    }
    for (const page of seen) if (!asked.has(page) && !kept.get(page)?.isFresh) void ask(page);
  }

  function pagesOf(first: number, last: number): number[] {
    const pages: number[] = [];
    const end = Math.max(first, Math.min(last, (total ?? 1) - 1));
    for (let page = Math.floor(first / PAGE); page <= Math.floor(end / PAGE); page++) pages.push(page);
    return pages;
  }

  return {
    total: () => total,
    line: (line) => kept.get(Math.floor(line / PAGE))?.lines[line % PAGE],
    show(first, last) {
      seen = pagesOf(first, last);
      const isMissing = seen.some((page) => !kept.get(page)?.isFresh);
      if (isMissing && timer === undefined) timer = setTimeout(askForSeen, total === null ? 0 : SETTLE_MS);
    },
    refresh() {
      version += 1;
      for (const page of kept.values()) page.isFresh = false;
      timer ??= setTimeout(askForSeen, 0);
    },
    has: (first, last) => pagesOf(first, last).every((page) => kept.has(page)),
    async fetch(first, last) {
      const missing = pagesOf(first, last).filter((page) => !kept.has(page));
      await Promise.all(missing.map(ask));
    },
    end() {
      isEnded = true;
      clearTimeout(timer);
      for (const abort of asked.values()) abort.abort();
    },
  };
}
