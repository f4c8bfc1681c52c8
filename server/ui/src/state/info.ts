import { getJson } from "../api/client";
import type { Info } from "../api/types";
import { useAnswer } from "./answer";

/** Return the data directory that the server reads; null before that is known. */
export function useDataDirectory(): string | null {
  return useAnswer<Info>("info", (signal) => getJson<Info>("info", {}, signal), []).value?.directory ?? null;
}
