import { keepMetrics } from "../state/metrics";
import { keepSeries } from "../state/series";
import { keepPalette } from "./connect";

/** Keep charts with the theme and the server, from now on. */
export function keepCharts(): void {
  keepPalette();
  keepSeries();
  keepMetrics();
}
