import { postJson } from "../api/client";
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

/** Return that URL with a token that lets other browsers in. */
export async function urlWithToken(): Promise<string> {
  const [url, { token }] = await Promise.all([shareableUrl(), postJson<{ token: string | null }>("links", {})]);
  return token === null ? url : `${url}${url.includes("?") ? "&" : "?"}token=${token}`;
}
