import { signal } from "@preact/signals";

/** Key of the table's line where the keyboard is; null before it was used. */
export const pointedLine = signal<string | null>(null);
