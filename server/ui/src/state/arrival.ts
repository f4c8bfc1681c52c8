import { base, getJson, projectUrl } from "../api/client";
import type { Projects } from "../api/types";

// What is here must not import the state, which reads the URL when it is imported.

/** Bring back a view that the server keeps, if the URL names one; before anything reads the URL. */
export async function restoreView(): Promise<void> {
  const id = new URLSearchParams(location.search).get("view");
  if (id === null) return;
  const found = await getJson<{ query: string }>(`views/${encodeURIComponent(id)}`).catch(() => ({ query: "" }));
  history.replaceState(null, "", `${location.pathname}${found.query ? `?${found.query}` : ""}`);
}

/** Go on to the only project, where the list of projects was asked for and there is one alone; before anything reads the URL. */
export async function skipList(): Promise<void> {
  if (location.pathname !== base.pathname || location.search !== "") return;
  const found = await getJson<Projects>("projects").catch(() => null);
  const [only, ...others] = found?.projects ?? [];
  if (only && others.length === 0) history.replaceState(null, "", projectUrl(only.name));
}
