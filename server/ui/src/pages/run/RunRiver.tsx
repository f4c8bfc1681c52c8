import { useRef } from "preact/hooks";
import type { RunValues } from "../../api/types";
import { useWidth } from "../../controls/width";
import { River } from "../../marks/River";
import { connection } from "../../state/live";
import { colourOf } from "../../state/theme";

/** The river of a run's lineage, as wide as the page. */
export function RunRiver({ found }: { found: RunValues }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { lineage } = found.run;
  const high = Math.max(1, ...lineage.flatMap((reach) => [reach.last ?? 0, reach.pruned?.[1] ?? 0]));
  return (
    <div class="run-river" ref={box}>
      {width > 0 && (
        <River
          lineage={lineage}
          domain={[0, high]}
          width={width}
          height={64}
          size="page"
          colour={(reach) => colourOf(reach).line}
          isServerAway={connection.value === "away"}
          label={`Lineage of ${found.run.name}`}
        />
      )}
    </div>
  );
}
