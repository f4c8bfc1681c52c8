import { goalOf } from "../text/metrics";

/** A search of metrics, read. */
export type MetricSearch = {
  matches: (path: string) => boolean;
  /** What is wrong with it, in a sentence; null if nothing is. */
  error: string | null;
};

/** Read a search: terms are separated by spaces and all of them must match, `!` negates one; each is a regular expression. */
export function readSearch(text: string): MetricSearch {
  const terms: { pattern: RegExp; isNegated: boolean }[] = [];
  for (const term of text.split(/\s+/).filter(Boolean)) {
    const isNegated = term.startsWith("!");
    const source = isNegated ? term.slice(1) : term;
    if (source === "") continue;
    try {
      terms.push({ pattern: new RegExp(source, "i"), isNegated });
    } catch (error) {
      return { matches: () => true, error: `${source} is no regular expression: ${reasonOf(error)}` };
    }
  }
  return { matches: (path) => terms.every(({ pattern, isNegated }) => pattern.test(path) !== isNegated), error: null };
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(": ").at(-1)!.toLowerCase();
}

/** Metrics of one top namespace. */
export type Section = { name: string; paths: string[] };

const COLLATOR = new Intl.Collator("en", { numeric: true });

/** What metrics without a namespace are listed under. */
export const NO_NAMESPACE = "no namespace";
/** The namespace of what runfork measures itself: it comes last. */
export const OWN_NAMESPACE = "runtime";

// What one looks at first, in this order; then all others, what is counted beside a training, and what runfork measures itself.
const FIRST = [/^$/, /^(train|training)$/i, /^(val|valid|validation|eval|dev)$/i, /^test$/i];
const ASIDE = /^(checkpoints|throughput)\/|(^|\/)(epoch|(global_)?step|lr|lr-.*|learning_rate)$/i;

function rank(name: string, paths: readonly string[]): number {
  if (name === OWN_NAMESPACE) return FIRST.length + 2;
  if (paths.every((path) => ASIDE.test(path))) return FIRST.length + 1;
  const at = FIRST.findIndex((pattern) => pattern.test(name));
  return at < 0 ? FIRST.length : at;
}

/** Return what comes first in a section: losses and accuracies; counters last. */
function rankWithin(path: string): number {
  if (ASIDE.test(path)) return 2;
  return goalOf(path) ? 0 : 1;
}

/** Put metrics into sections by their top namespace: those without one, then training, validation and test, the others, and mere counters. */
export function sectionsOf(paths: readonly string[]): Section[] {
  const found = new Map<string, string[]>();
  for (const path of paths) {
    const at = path.indexOf("/");
    const name = at > 0 ? path.slice(0, at) : "";
    const section = found.get(name);
    if (section) section.push(path);
    else found.set(name, [path]);
  }
  return [...found]
    .sort(([one, some], [other, more]) => rank(one, some) - rank(other, more) || COLLATOR.compare(one, other))
    .map(([name, members]) => ({
      name: name || NO_NAMESPACE,
      paths: members.sort((one, other) => rankWithin(one) - rankWithin(other) || COLLATOR.compare(one, other)),
    }));
}
