import type { Row } from "../../api/types";
import { Sparkline } from "../../marks/Sparkline";
import { sparkline } from "../../state/sparklines";
import { colourOf } from "../../state/theme";

/** Props of `SeriesSparkline`. */
export type SeriesSparklineProps = { project: string; run: Row; path: string; width?: number; height?: number };

/** A metric of a run as a small line in the run's colour; it is fetched when it is first seen. */
export function SeriesSparkline({ project, run, path, width = 64, height = 16 }: SeriesSparklineProps) {
  const line = sparkline(project, run, path).value;
  if (!line || line.x.length < 2) return <span class="sparkline none" />;
  return <Sparkline x={line.x} y={line.y} width={width} height={height} colour={colourOf(run).line} />;
}
