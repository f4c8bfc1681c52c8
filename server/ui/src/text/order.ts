const collator = new Intl.Collator("en", { numeric: true, sensitivity: "variant" });

/** Order paths as people do: numbers within them by their size, so that `layer2` comes before `layer10`. */
export function byPath(one: string, other: string): number {
  return collator.compare(one, other) || (one < other ? -1 : one > other ? 1 : 0);
}
