/** A part of a text, and whether it is what was looked for. */
export type TextPart = { text: string; isFound: boolean };

/** Cut a text at all places where a word stands; upper and lower case are the same. */
export function cutAt(text: string, word: string): TextPart[] {
  if (word === "") return [{ text, isFound: false }];
  const [lower, sought] = [text.toLowerCase(), word.toLowerCase()];
  // Where lower case has another length, places in one are not places in the other.
  if (lower.length !== text.length || sought.length !== word.length) return [{ text, isFound: false }];
  const parts: TextPart[] = [];
  let from = 0;
  for (let at = lower.indexOf(sought); at >= 0; at = lower.indexOf(sought, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), isFound: false });
    from = at + word.length;
    parts.push({ text: text.slice(at, from), isFound: true });
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from), isFound: false });
  return parts;
}

/** Write seconds since the beginning as `+00:12:03`, with tenths in the first minute. */
export function formatElapsed(seconds: number): string {
  const size = Math.floor(Math.abs(seconds));
  const two = (part: number) => String(part).padStart(2, "0");
  const tenths = size < 60 ? `.${Math.floor(10 * Math.abs(seconds)) % 10}` : "";
  const sign = seconds <= -0.1 ? "\u2212" : "+";
  return `${sign}${two(Math.floor(size / 3600))}:${two(Math.floor(size / 60) % 60)}:${two(size % 60)}${tenths}`;
}

/** Return the matching line after (or, backwards, before) another one; past the end it goes on at the beginning. */
export function nextHit(hits: readonly number[], from: number, isBackwards: boolean): number | null {
  if (hits.length === 0) return null;
  if (isBackwards) return hits.findLast((line) => line < from) ?? hits.at(-1)!;
  return hits.find((line) => line > from) ?? hits[0]!;
}

/** Return the first line at or after a moment by asking for single lines; the last if there is none. */
export async function lineAtTime(
  total: number,
  moment: number,
  timeOf: (line: number) => Promise<number>,
): Promise<number> {
  let [low, high] = [0, total];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await timeOf(middle)) < moment) low = middle + 1;
    else high = middle;
  }
  return Math.min(low, total - 1);
}
