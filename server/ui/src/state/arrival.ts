import type { Projects } from "../api/types";

// What is here imports nothing that the rest has: the state reads the URL when it is imported, and one large file is smaller than two.

async function ask<T>(path: string): Promise<T | null> {
  try {
    const response = await fetch(new URL(`api/v1/${path}`, document.baseURI), {
      headers: { "X-Problems": "answered" },
    });
    return response.ok ? ((await response.json()) as T) : null;
  } catch {
    return null; // the page that follows says so
  }
}

/** Bring back a view that the server keeps, if the URL names one; before anything reads the URL. */
export async function restoreView(): Promise<void> {
  const id = new URLSearchParams(location.search).get("view");
  if (id === null) return;
  const found = await ask<{ query?: string }>(`views/${encodeURIComponent(id)}`);
  history.replaceState(null, "", location.pathname + (found?.query ? `?${found.query}` : ""));
}

/** Go on to the only project, where the list of projects was asked for and there is one alone; before anything reads the URL. */
export async function skipList(): Promise<void> {
  const { pathname } = new URL(document.baseURI);
  if (location.pathname !== pathname || location.search !== "") return;
  const [only, ...others] = (await ask<Projects>("projects"))?.projects ?? [];
  if (!only || others.length > 0) return;
  history.replaceState(null, "", `${pathname}p/${only.name.split("/").map(encodeURIComponent).join("/")}/charts`);
}
