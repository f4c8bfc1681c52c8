import { render } from "preact";
import { keepCharts } from "./charts/keep";
import { App } from "./shell/App";
import { keepAddress } from "./state/address";
import { keepDrawn } from "./state/drawn";
import { keepExpanded } from "./state/expanded";
import { keepKeys } from "./state/keys";
import { keepLive } from "./state/live";
import { keepRuns } from "./state/runs";
import { keepTheme } from "./state/theme";

/** Begin: keep state, URL, theme and server together, and show the app. */
export function start(): void {
  keepTheme();
  keepAddress();
  keepLive();
  keepRuns();
  keepDrawn();
  keepExpanded();
  keepCharts();
  keepKeys();
  render(<App />, document.getElementById("app")!);
}
