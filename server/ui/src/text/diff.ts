/** A stretch of two texts: in both, only in the one before, or only in the one after. */
export type DiffPart = { kind: "same" | "before" | "after"; text: string };

// Beyond so many edits two texts have so little in common that pairing what they do have says nothing.
const MOST_EDITS = 1500;

/**
 * Return what turns one list into another, by the shortest way (Myers, "An O(ND) Difference Algorithm and Its Variations",
 * 1986); lists that have almost nothing in common are told as one replaced by the other.
 */
export function diffLists(before: readonly string[], after: readonly string[]): DiffPart[] {
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const same = (text: string): DiffPart => ({ kind: "same", text });
  return [
    ...before.slice(0, start).map(same),
    ...diffMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function diffMiddle(before: readonly string[], after: readonly string[]): DiffPart[] {
  const trail = searchWay(before, after);
  if (!trail)
    return [
      ...before.map((text): DiffPart => ({ kind: "before", text })),
      ...after.map((text): DiffPart => ({ kind: "after", text })),
    ];
  return walkBack(before, after, trail);
}

/** Return the furthest place on each diagonal, edit by edit; null if there are too many edits. */
function searchWay(before: readonly string[], after: readonly string[]): Int32Array[] | null {
  const [wide, high] = [before.length, after.length];
  const most = Math.min(wide + high, MOST_EDITS);
  const furthest = new Int32Array(2 * most + 3);
  const middle = most + 1;
  const trail: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    trail.push(furthest.slice(middle - edits - 1, middle + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const isDown =
        diagonal === -edits ||
        (diagonal !== edits && furthest[middle + diagonal - 1]! < furthest[middle + diagonal + 1]!);
      let x = isDown ? furthest[middle + diagonal + 1]! : furthest[middle + diagonal - 1]! + 1;
      while (x < wide && x - diagonal < high && before[x] === after[x - diagonal]) x += 1;
      furthest[middle + diagonal] = x;
      if (x >= wide && x - diagonal >= high) return trail;
    }
  }
  return null;
}

function walkBack(before: readonly string[], after: readonly string[], trail: readonly Int32Array[]): DiffPart[] {
  const parts: DiffPart[] = [];
  let [x, y] = [before.length, after.length];
  for (let edits = trail.length - 1; edits >= 0; edits--) {
    const furthest = trail[edits]!;
    const at = (diagonal: number) => furthest[diagonal + edits + 1]!;
    const diagonal = x - y;
    const isDown = diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
    const fromX = edits === 0 ? 0 : isDown ? at(diagonal + 1) : at(diagonal - 1);
    const fromY = edits === 0 ? 0 : fromX - (isDown ? diagonal + 1 : diagonal - 1);
    while (x > fromX && y > fromY && before[x - 1] === after[y - 1]) {
      parts.push({ kind: "same", text: before[x - 1]! });
      x -= 1;
      y -= 1;
    }
    if (edits === 0) break;
    if (isDown) parts.push({ kind: "after", text: after[y - 1]! });
    else parts.push({ kind: "before", text: before[x - 1]! });
    [x, y] = [fromX, fromY];
  }
  return parts.reverse();
}

/** Return how the lines of two texts differ. */
export function diffLines(before: string, after: string): DiffPart[] {
  return diffLists(before.split("\n"), after.split("\n"));
}

/** A line of a difference, or how many equal ones were left out. */
export type DiffLine = DiffPart | { kind: "gap"; count: number };

/** Leave out equal lines but for some around what differs. */
export function foldDiff(parts: readonly DiffPart[], around = 3): DiffLine[] {
  const isNear = new Uint8Array(parts.length);
  for (const [at, part] of parts.entries())
    if (part.kind !== "same") isNear.fill(1, Math.max(0, at - around), at + around + 1);
  const lines: DiffLine[] = [];
  for (const [at, part] of parts.entries()) {
    const last = lines.at(-1);
    if (isNear[at]) lines.push(part);
    else if (last?.kind === "gap") last.count += 1;
    else lines.push({ kind: "gap", count: 1 });
  }
  return lines;
}

const MOST_WORDS = 400;

/** Return the parts of a text, and which of them another text has, too; in texts that are too long nothing is told apart. */
export function diffWords(before: string, after: string): { text: string; isCommon: boolean }[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  if (old.length > MOST_WORDS || now.length > MOST_WORDS) return [{ text: after, isCommon: before === after }];
  const merged: { text: string; isCommon: boolean }[] = [];
  for (const part of diffLists(old, now)) {
    if (part.kind === "before") continue;
    const isCommon = part.kind === "same";
    const last = merged.at(-1);
    if (last?.isCommon === isCommon) last.text += part.text;
    else merged.push({ text: part.text, isCommon });
  }
  return merged;
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}]/gu) ?? [];
}
