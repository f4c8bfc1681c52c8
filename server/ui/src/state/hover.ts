import { signal } from "@preact/signals";
import type { Axis } from "../api/types";

/** The run under the pointer: it stands out everywhere. */
export const hoveredRun = signal<string | null>(null);

/** Where the pointer is in a chart; all others show the same x. */
export type Cursor = { axis: Axis; x: number; chart: string };
/** Where the pointer is in a chart; null if in none. */
export const cursor = signal<Cursor | null>(null);
