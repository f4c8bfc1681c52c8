import { useMemo } from "preact/hooks";
import type { DifferenceRow } from "../../api/types";
import { type DiffLine, diffLines, foldDiff } from "../../text/diff";
import { plural } from "../../text/format";

const marks = { same: " ", before: "\u2212", after: "+" } as const;

/** Return how the lines of a text differ from those of another, equal ones far from that left out. */
export function textDifference(before: unknown, after: unknown): DiffLine[] {
  return foldDiff(diffLines(asText(before), asText(after)));
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);
}

/** Props of `TextDifference`. */
export type TextDifferenceProps = { row: DifferenceRow; at: number; reference: number };

/** The lines in which a text differs from the reference's. */
export function TextDifference({ row, at, reference }: TextDifferenceProps) {
  const [before, after] = [row.values[reference], row.values[at]];
  const lines = useMemo(
    () => (at === reference ? textDifference(after, after) : textDifference(before, after)),
    [before, after, at, reference],
  );
  if (at === reference) return <pre class="text-difference mono">{asText(after)}</pre>;
  return <DiffLines lines={lines} />;
}

/** Lines of a difference. */
export function DiffLines({ lines }: { lines: readonly DiffLine[] }) {
  if (lines.every((line) => line.kind === "gap")) return <p class="text-difference dim">the same</p>;
  return (
    <div class="text-difference mono">
      {lines.map((line, at) =>
        line.kind === "gap" ? (
          <div key={at} class="diff-gap dim">
            {plural(line.count, "equal line")}
          </div>
        ) : (
          <div key={at} class={`diff-line ${line.kind}`}>
            <span class="diff-mark">{marks[line.kind]}</span>
            {line.text}
          </div>
        ),
      )}
    </div>
  );
}
