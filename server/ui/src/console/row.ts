import type { ConsoleLine, TextStyles } from "../api/types";
import { formatClock, formatTime } from "../text/format";
import type { ConsoleUpdate } from "./source";
import { cutStyled, paint } from "./styles";
import { formatElapsed } from "./text";

/** What stands in a row, and how it is shown. */
export type RowContent = {
  line: number;
  /** The line; undefined while it is fetched. */
  found: ConsoleLine | undefined;
  /** One of the states of the line, if the row is about that. */
  update: ConsoleUpdate | null;
  isOpen: boolean;
  search: string;
  time: "relative" | "absolute" | "off";
  /** Whether lines of several processes stand below each other: then each says whose it is. */
  hasRanks: boolean;
};

const LONGEST = 10_000;

/** Return a text that is another where a row would be drawn differently. */
export function signatureOf({ found, update, isOpen, search, time, hasRanks }: RowContent): string {
  if (!found) return "";
  const styles = found.styles && !update ? JSON.stringify(found.styles) : "";
  return [
    update?.text ?? found.text,
    found.time,
    found.updates,
    found.is_error,
    isOpen,
    search,
    time,
    hasRanks,
    styles,
  ].join("\n");
}

/** Make an element of a class, with a text. */
export function made(tag: string, className: string, text?: string): HTMLElement {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Make a row; `toggle` shows and hides the states of a progress bar. */
export function makeRow(content: RowContent, toggle: (line: number) => void): HTMLElement {
  const { line, found, update } = content;
  const row = made("div", "console-row");
  row.dataset.line = String(line);
  row.append(made("span", "console-number", update ? "" : String(line + 1)));
  if (!found) {
    row.classList.add("missing");
    return row;
  }
  const time = update?.time ?? found.time;
  const later = (Date.parse(time) - Date.parse(found.time)) / 1000;
  const seconds = found.seconds + (Number.isFinite(later) ? later : 0);
  row.classList.toggle("error", found.is_error);
  row.classList.toggle("bar", found.updates > 0 && !update);
  row.classList.toggle("update", update !== null);
  row.title = `${found.path}, ${formatTime(time)}`;
  if (content.time !== "off")
    row.append(made("span", "console-time", content.time === "absolute" ? formatClock(time) : formatElapsed(seconds)));
  if (content.hasRanks) row.append(made("span", "console-rank", update ? "" : String(rankOf(found.path))));
  row.append(makeText(update?.text ?? found.text, content.search, update ? [] : found.styles));
  if (found.updates > 0 && !update) row.append(makeMore(found, content.isOpen, toggle));
  return row;
}

/** Return which process printed to a path: `runtime/rank_3/stdout` is of the process 3. */
function rankOf(path: string): number {
  return Number(/(?:^|\/)rank_(\d+)\/[^/]*$/.exec(path)?.[1] ?? 0);
}

function makeText(text: string, search: string, styles?: TextStyles): HTMLElement {
  const shown = made("span", "console-text");
  const rest = text.length - LONGEST;
  for (const { style, parts } of cutStyled(rest > 0 ? text.slice(0, LONGEST) : text, search, styles)) {
    const nodes = parts.map((part) => (part.isFound ? made("mark", "", part.text) : part.text));
    if (style) {
      const painted = made("span", "");
      paint(painted, style);
      painted.append(...nodes);
      shown.append(painted);
    } else shown.append(...nodes);
  }
  if (rest > 0) shown.append(made("span", "console-rest", ` … ${rest} more characters: download the raw output`));
  return shown;
}

function makeMore(line: ConsoleLine, isOpen: boolean, toggle: (line: number) => void): HTMLElement {
  const button = made("button", "console-more", isOpen ? "hide updates" : `show all ${line.updates} updates`);
  button.setAttribute("type", "button");
  button.setAttribute("aria-expanded", String(isOpen));
  button.addEventListener("click", () => toggle(line.n));
  return button;
}
