import { getJson, postJson } from "../api/client";
import { flush } from "./address";

const LONGEST_QUERY = 2000;

/** Return a URL that shows this view to whoever can reach the server; a view that is too long for a URL is kept by the server. */
export async function shareableUrl(): Promise<string> {
  flush();
  if (location.search.length <= LONGEST_QUERY) return location.href;
  try {
    const { id } = await postJson<{ id: string }>("views", { query: location.search.slice(1) });
    return `${location.origin}${location.pathname}?view=${id}`;
  } catch {
    return location.href;
  }
}

/** Bring back a view that the server keeps, if the URL names one; before anything reads the URL. */
export async function restoreView(): Promise<void> {
  const id = new URLSearchParams(location.search).get("view");
  if (id === null) return;
  const found = await getJson<{ query: string }>(`views/${encodeURIComponent(id)}`).catch(() => ({ query: "" }));
  history.replaceState(null, "", `${location.pathname}${found.query ? `?${found.query}` : ""}`);
}
