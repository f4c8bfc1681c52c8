import { keepMetrics } from "../state/metrics";
import { keepSeries } from "../state/series";
import { keepZooms } from "../state/windows";
import { keepPalette } from "./connect";

/** Keep charts with the theme and the server, from now on. */
export function keepCharts(): void {
  keepPalette();
  keepZooms();
  keepSeries();
  keepMetrics();
}
