import { batch, computed, effect, type Signal, signal } from "@preact/signals";
import { base } from "../api/client";

/** Pages of the app. */
export type Page = "projects" | "table" | "charts" | "compare" | "lineage" | "run";
/** Where the reader is: the path of the URL. */
export type Place = { page: Page; project: string | null };
/** How a parameter stands in the URL. */
export type Codec<T> = { read: (text: string) => T | undefined; write: (value: T) => string };

type Parameter = { key: string; value: Signal<unknown>; fallback: unknown; codec: Codec<unknown>; replaces: boolean };

const parameters: Parameter[] = [];
const pages: readonly Page[] = ["table", "charts", "compare", "lineage", "run"];
let isFollowing = false;

/** A text as it is. */
export const asText: Codec<string> = { read: (text) => text, write: (value) => value };
/** Texts, separated by commas; a comma within one is doubled by a backslash. */
export const asList: Codec<string[]> = {
  read: (text) => (text === "" ? [] : text.split(/(?<!\\),/).map((part) => part.replaceAll("\\,", ","))),
  write: (value) => value.map((part) => part.replaceAll(",", "\\,")).join(","),
};
/** True or false. */
export const asFlag: Codec<boolean> = { read: (text) => text === "1", write: (value) => (value ? "1" : "0") };
/** A number. */
export const asNumber: Codec<number> = {
  read: (text) => (Number.isFinite(Number(text)) ? Number(text) : undefined),
  write: String,
};
/** One of several words. */
export function oneOf<T extends string>(...words: T[]): Codec<T> {
  return { read: (text) => words.find((word) => word === text), write: (value) => value };
}

/**
 * Make a piece of view state that lives in the URL.
 *
 * @param key its name in the query string; one letter or word
 * @param fallback what it is where the URL does not say; then the URL stays silent
 * @param codec how it is written
 * @param history whether changing it makes an entry that Back returns to
 */
export function parameter<T>(
  key: string,
  fallback: T,
  codec: Codec<T>,
  history: "push" | "replace" = "push",
): Signal<T> {
  const value = signal<T>(readParameter(new URLSearchParams(location.search), key, fallback, codec));
  parameters.push({
    key,
    value: value as Signal<unknown>,
    fallback,
    codec: codec as Codec<unknown>,
    replaces: history === "replace",
  });
  return value;
}

function readParameter<T>(query: URLSearchParams, key: string, fallback: T, codec: Codec<T>): T {
  const text = query.get(key);
  return text === null ? fallback : (codec.read(text) ?? fallback);
}

function readPlace(): Place {
  const path = location.pathname.startsWith(base.pathname) ? location.pathname.slice(base.pathname.length) : "";
  const [root, workspace, project, page] = path.split("/").map(decoded);
  if (root !== "p" || !workspace || !project) return { page: "projects", project: null };
  return { page: pages.find((known) => known === page) ?? "charts", project: `${workspace}/${project}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // an address cut off in the middle of a character
  }
}

/** The page and the project that are shown. */
export const place = signal<Place>(readPlace());

/** The project that is shown; unlike the place it stays the same from page to page. */
export const shownProject = computed(() => place.value.project);

/** Return the URL of a place, with the view as it is, but for some parameters. */
export function href(target: Place, changes: Record<string, string | null> = {}): string {
  const query = new URLSearchParams();
  for (const one of parameters)
    if (!isDefault(one, one.value.peek())) query.set(one.key, one.codec.write(one.value.peek()));
  for (const [key, text] of Object.entries(changes)) text === null ? query.delete(key) : query.set(key, text);
  const path = target.project ? `p/${target.project.split("/").map(encodeURIComponent).join("/")}/${target.page}` : "";
  const search = query.toString();
  return `${base.pathname}${path}${search ? `?${search}` : ""}`;
}

/** Return the URL of a place for what is drawn anew whenever the view changes: a link that stays goes where the view is by then. */
export function hrefNow(target: Place, changes: Record<string, string | null> = {}): string {
  for (const one of parameters) void one.value.value;
  return href(target, changes);
}

/** Go to a place; parameters that are named change with it. */
export function go(target: Place, changes: Record<string, string | null> = {}): void {
  flush();
  history.pushState(null, "", href(target, changes));
  follow();
}

/** Change parameters in the entry that is shown: for what the page chooses, and nobody who goes back wants to meet again. */
export function settle(changes: Record<string, string | null>): void {
  flush();
  history.replaceState(null, "", href(place.peek(), changes));
  follow();
}

function isDefault(one: Parameter, value: unknown): boolean {
  return one.codec.write(value) === one.codec.write(one.fallback);
}

/** Take over what the URL says. */
function follow(): void {
  const query = new URLSearchParams(location.search);
  isFollowing = true;
  batch(() => {
    place.value = readPlace();
    for (const one of parameters) {
      const value = readParameter(query, one.key, one.fallback, one.codec);
      if (one.codec.write(value) !== one.codec.write(one.value.peek())) one.value.value = value;
    }
  });
  isFollowing = false;
}

// What changes with every frame of a drag is written now and then: browsers refuse more than some hundred entries in half a minute.
const WRITE_MS = 250;
let writtenAt = Number.NEGATIVE_INFINITY;
let pending: { url: string; timer: ReturnType<typeof setTimeout> } | null = null;

/** Write into the URL what was put off: before the entry is left, or the URL is read. */
export function flush(): void {
  if (!pending) return;
  clearTimeout(pending.timer);
  const { url } = pending;
  pending = null;
  writtenAt = performance.now();
  history.replaceState(null, "", url);
}

function replaceSoon(url: string): void {
  const wait = Math.max(0, writtenAt + WRITE_MS - performance.now());
  if (pending) clearTimeout(pending.timer);
  pending = { url, timer: setTimeout(flush, wait) };
  if (wait === 0) flush();
}

/** Keep URL and state the same from now on. */
export function keepAddress(): void {
  window.addEventListener("popstate", () => {
    if (pending) clearTimeout(pending.timer);
    pending = null;
    follow();
  });
  window.addEventListener("pagehide", flush);
  let written = new Map<string, string>();
  effect(() => {
    const now = new Map(parameters.map((one) => [one.key, one.codec.write(one.value.value)]));
    const target = place.value;
    const changed = parameters.filter((one) => written.size > 0 && written.get(one.key) !== now.get(one.key));
    written = now;
    if (isFollowing) return;
    const url = href(target);
    if (url === (pending?.url ?? location.pathname + location.search)) return;
    if (!changed.some((one) => !one.replaces)) {
      replaceSoon(url);
      return;
    }
    flush();
    history.pushState(null, "", url);
  });
  window.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || !isOurs(link, event)) return;
    event.preventDefault();
    flush();
    if (link.href !== location.href) history.pushState(null, "", link.href);
    follow();
  });
}

function isOurs(link: HTMLAnchorElement, event: MouseEvent): boolean {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const isInside = link.origin === location.origin && link.pathname.startsWith(base.pathname);
  const isApp = isInside && !link.pathname.slice(base.pathname.length).startsWith("api/");
  return isPlain && isApp && !link.target && !link.hasAttribute("download") && !event.defaultPrevented;
}
