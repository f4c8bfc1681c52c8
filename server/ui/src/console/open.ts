import type { OpenBar } from "../api/types";
import { formatClock, formatTime } from "../text/format";
import { made } from "./row";
import { formatElapsed } from "./text";

/** Show progress bars that are drawn at the moment, and are no lines yet; nodes stay as long as what they say. */
export function showOpen(element: HTMLElement, bars: readonly OpenBar[], time: "relative" | "absolute" | "off"): void {
  element.hidden = bars.length === 0;
  while (element.children.length > bars.length) element.lastElementChild!.remove();
  bars.forEach((bar, at) => {
    const signature = `${bar.path}\n${bar.time}\n${time}\n${bar.text}`;
    const before = element.children[at];
    if (before instanceof HTMLElement && before.dataset.signature === signature) return;
    const row = makeBar(bar, time);
    row.dataset.signature = signature;
    if (before) before.replaceWith(row);
    else element.append(row);
  });
}

function makeBar(bar: OpenBar, time: "relative" | "absolute" | "off"): HTMLElement {
  const row = made("div", "console-row bar");
  row.classList.toggle("error", bar.is_error);
  row.title = `${bar.path}, ${formatTime(bar.time)}: still drawn`;
  row.append(made("span", "console-number"));
  const when = time === "absolute" ? formatClock(bar.time) : formatElapsed(bar.seconds);
  if (time !== "off") row.append(made("span", "console-time", when));
  row.append(made("span", "console-text", bar.text));
  return row;
}
