import { keepMetrics } from "../state/metrics";
import { keepSeries } from "../state/series";
import { keepFollowing } from "../state/windows";
import { keepPalette } from "./connect";

/** Keep charts with the theme, the window and the server, from now on. */
export function keepCharts(): void {
  keepPalette();
  keepFollowing();
  keepSeries();
  keepMetrics();
}
