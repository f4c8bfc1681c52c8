import type { Problem } from "./types";

/** The page's base: whatever prefix a proxy put before the server's paths ends here. */
export const base = new URL(document.baseURI);

/** Return the URL of an API path such as `projects/local/digits`, with query parameters. */
export function apiUrl(path: string, parameters: Record<string, string | number | null | undefined> = {}): URL {
  const url = new URL(`api/v1/${path}`, base);
  for (const [name, value] of Object.entries(parameters))
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

/** Return the API path of a project, with something below it. */
export function projectPath(project: string, below = ""): string {
  const path = `projects/${project.split("/").map(encodeURIComponent).join("/")}`;
  return below ? `${path}/${below}` : path;
}

/** Return the URL of a project's first page, with nothing of the view of another one. */
export function projectUrl(project: string): string {
  return `${base.pathname}p/${project.split("/").map(encodeURIComponent).join("/")}/charts`;
}

/** The server refused, in its own words. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** The server did not answer, or answers this page no more. */
export class UnreachableError extends Error {
  readonly why: string;

  constructor(why = "") {
    super(`the server does not answer${why}`);
    this.name = "UnreachableError";
    this.why = why;
  }
}

const SIGNED_OUT = ": it asks for its token again, open the address that it prints now";

/** Else the browser would tell of a filter that is being typed, and of a run that is gone, as errors of the page. */
const ASKED = { "X-Problems": "answered" };

async function answer(url: URL, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options, headers: { ...ASKED, ...options.headers } });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new UnreachableError();
  }
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  if (isProblem && response.status !== 401) throw new ProblemError((await response.json()) as Problem);
  if (isProblem) throw new UnreachableError(SIGNED_OUT);
  if (response.ok && !response.headers.get("Content-Type")?.startsWith("text/html")) return response;
  // A proxy whose server has ended, or which wants to know anew who asks, says so in a page of its own.
  const hint = response.status < 500 ? "; load the page again, it may ask who you are" : "";
  throw new UnreachableError(`: a proxy answers in its place (HTTP ${response.status})${hint}`);
}

/** Ask for JSON. */
export async function getJson<T>(
  path: string,
  parameters: Record<string, string | number | null | undefined> = {},
  signal?: AbortSignal,
): Promise<T> {
  const response = await answer(apiUrl(path, parameters), signal ? { signal } : {});
  return (await response.json()) as T;
}

function posted(body: unknown, signal: AbortSignal | undefined): RequestInit {
  const options: RequestInit = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  return signal ? { ...options, signal } : options;
}

/** Ask a question that is too long for a URL. */
export async function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const response = await answer(apiUrl(path), posted(body, signal));
  return (await response.json()) as T;
}

/** Ask a question whose answer is bytes. */
export async function postBytes(path: string, body: unknown, signal?: AbortSignal): Promise<ArrayBuffer> {
  const response = await answer(apiUrl(path), posted(body, signal));
  return response.arrayBuffer();
}

/** Return a sentence for whatever went wrong. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
