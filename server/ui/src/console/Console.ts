import "./console.css";
import type { ConsolePage, OpenBar } from "../api/types";
import { meanings } from "../text/words";
import { showOpen } from "./open";
import { keepPages, type Pages } from "./pages";
import { heightOf, positionAt, ROW, scrollTo } from "./position";
import { made, makeRow, type RowContent, signatureOf } from "./row";
import { countRows, type Expansion, placeOfRow, type RowPlace, rowOfLine, toggleExpansion } from "./rows";
import { holdsEnd, rowAround, selectedPart } from "./selection";
import type { ConsoleSource, ConsoleUpdate } from "./source";

/** How the console is shown. */
export type ConsoleProps = {
  source: ConsoleSource;
  /** Grows when there may be more. */
  revision: number;
  /** What is marked in all lines. */
  search: string;
  /** The line that stands out: the one that was jumped to; null if none was. */
  current: number | null;
  time: "relative" | "absolute" | "off";
  hasRanks: boolean;
  wraps: boolean;
  /** Whether it begins at the end, which then stays in view when lines come, until the reader scrolls away from it. */
  follows: boolean;
  /** The line in view when it begins. */
  startsAt: number;
  /** The reader scrolled. */
  onMove: (line: number, isAtEnd: boolean) => void;
  /** Lines came. */
  onPage: (page: ConsolePage) => void;
  /** Lines could not be had. */
  onFailure: (error: unknown) => void;
  /** A text is to be copied of which parts had to be fetched first. */
  onCopy: (text: string) => void;
};

/** A console that is shown. */
export type MountedConsole = {
  update: (props: ConsoleProps) => void;
  /** Bring a line into view. */
  jumpTo: (line: number) => void;
  jumpToEnd: () => void;
  /** Stay where it is when lines come. */
  stay: () => void;
  /** The line at the top of the view. */
  topLine: () => number;
  focus: () => void;
  destroy: () => void;
};

const OVERSCAN = 12;

/** Show lines, however many, in an element; only those in view are fetched and drawn. */
export function mount(element: HTMLElement, first: ConsoleProps): MountedConsole {
  return new Console(element, first);
}

class Console implements MountedConsole {
  private props: ConsoleProps;
  private pages: Pages;
  private readonly root = made("div", "console");
  private readonly scroller = made("div", "console-scroller");
  private readonly space = made("div", "console-space");
  private readonly layer = made("div", "console-layer");
  private readonly open = made("div", "console-open");
  private openBars: readonly OpenBar[] = [];
  private readonly watched: ResizeObserver;
  private readonly shown = new Map<string, { row: HTMLElement; signature: string }>();
  private readonly states = new Map<number, ConsoleUpdate[]>();
  private expansions: Expansion[] = [];
  private frame = 0;
  private ownTop = 0;
  private wanted: number | null;
  private staysAtEnd: boolean;

  constructor(element: HTMLElement, first: ConsoleProps) {
    this.props = first;
    this.staysAtEnd = first.follows;
    this.wanted = first.follows ? null : first.startsAt;
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "region");
    this.scroller.setAttribute("aria-label", "Console output");
    this.space.append(this.layer);
    this.scroller.append(this.space);
    this.open.setAttribute("role", "group");
    this.open.setAttribute("aria-label", "Progress bars that are still drawn");
    this.open.title = meanings["bars still drawn"];
    this.root.append(this.scroller, this.open);
    element.append(this.root);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("copy", (event) => this.copied(event));
    this.pages = this.keep();
    this.watched = new ResizeObserver(() => this.draw());
    this.watched.observe(this.scroller);
    this.draw();
  }

  update(props: ConsoleProps): void {
    const before = this.props;
    this.props = props;
    if (props.source !== before.source) this.begin();
    else if (props.revision !== before.revision) this.pages.refresh();
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  jumpTo(line: number): void {
    this.staysAtEnd = false;
    this.wanted = line;
    this.draw();
  }

  jumpToEnd(): void {
    this.staysAtEnd = true;
    this.draw();
  }

  stay(): void {
    this.staysAtEnd = false;
  }

  topLine(): number {
    const { scrollTop, clientHeight } = this.scroller;
    const { first, anchor } = positionAt(scrollTop, clientHeight, this.countRows(), 0);
    const row = this.props.wraps ? Math.min(Math.floor(anchor), this.countRows() - 1) : first;
    return Math.max(0, placeOfRow(row, this.expansions).line);
  }

  focus(): void {
    this.scroller.focus({ preventScroll: true });
  }

  destroy(): void {
    this.pages.end();
    this.watched.disconnect();
    cancelAnimationFrame(this.frame);
    this.root.remove();
  }

  private keep(): Pages {
    return keepPages(
      this.props.source,
      (page) => {
        this.openBars = page.open;
        this.props.onPage(page);
        this.draw();
      },
      (error) => this.props.onFailure(error),
    );
  }

  /** Begin anew with another source. */
  private begin(): void {
    this.pages.end();
    this.pages = this.keep();
    this.expansions = [];
    this.openBars = [];
    this.states.clear();
    this.staysAtEnd = this.props.follows;
    this.wanted = this.props.follows ? null : 0;
  }

  private scrolled(): void {
    const { scrollTop, clientHeight } = this.scroller;
    const isOurs = Math.abs(scrollTop - this.ownTop) < 1;
    if (!isOurs) {
      this.ownTop = Number.NaN;
      this.wanted = null;
      this.staysAtEnd = scrollTop >= heightOf(this.countRows()) - clientHeight - 2;
    }
    this.draw();
    if (!isOurs) this.props.onMove(this.topLine(), this.staysAtEnd);
  }

  private countRows(): number {
    return countRows(this.pages.total() ?? 0, this.expansions);
  }

  /** Draw the rows in view, and ask for those that are missing. */
  private draw(): void {
    const rows = this.countRows();
    const view = this.scroller.clientHeight;
    this.space.style.height = `${heightOf(rows)}px`;
    this.scroller.classList.toggle("wraps", this.props.wraps);
    this.root.style.setProperty("--digits", String(String(this.pages.total() ?? 0).length));
    showOpen(this.open, this.openBars, this.props.time);
    if (rows > 0) this.goWhereWanted(rows, view);
    const position = positionAt(this.scroller.scrollTop, view, rows, OVERSCAN);
    const { first, last } = this.props.wraps ? rowsAround(position.anchor, view, rows) : position;
    const places = Array.from({ length: Math.max(0, last - first) }, (_, at) =>
      placeOfRow(first + at, this.expansions),
    );
    this.pages.show(places[0]?.line ?? 0, places.at(-1)?.line ?? 0);
    this.drawRows(places, first);
    const top = this.props.wraps ? this.alignAnchor(position.anchor, position.anchorAt, first) : position.offset;
    this.layer.style.transform = `translateY(${this.scroller.scrollTop + top}px)`;
  }

  private goWhereWanted(rows: number, view: number): void {
    if (this.wanted === null && !this.staysAtEnd) return;
    const line = Math.min(this.wanted ?? 0, (this.pages.total() ?? 1) - 1);
    const target = this.staysAtEnd ? heightOf(rows) - view : scrollTo(rowOfLine(line, this.expansions), view, rows);
    this.wanted = null;
    this.scroller.scrollTop = Math.max(0, target);
    this.ownTop = this.scroller.scrollTop;
  }

  /** Rows that wrap have any height: the row at the scroll bar's place is put there, and the others around it. */
  private alignAnchor(anchor: number, anchorAt: number, first: number): number {
    const at = Math.floor(anchor) - first;
    const row = this.layer.children[Math.min(at, this.layer.children.length - 1)];
    if (!(row instanceof HTMLElement)) return 0;
    const part = at < this.layer.children.length ? anchor - Math.floor(anchor) : 1;
    return anchorAt - (row.offsetTop + part * row.offsetHeight);
  }

  private contentOf({ line, update }: RowPlace): RowContent {
    const { search, time, hasRanks } = this.props;
    const isOpen = this.expansions.some((one) => one.line === line);
    const state = update === null ? null : (this.states.get(line)?.[update] ?? null);
    return { line, found: this.pages.line(line), update: state, isOpen, search, time, hasRanks };
  }

  private drawRows(places: RowPlace[], first: number): void {
    const keys = new Set<string>();
    const rows = places.map((place) => {
      const key = `${place.line} ${place.update ?? ""}`;
      keys.add(key);
      const row = this.rowFor(key, place);
      row.classList.toggle("current", place.line === this.props.current && place.update === null);
      return row;
    });
    this.dropRows(keys, first);
    let next = this.layer.firstElementChild;
    for (const row of rows) {
      // Rows that are kept for the selection's sake must not be moved: that would end it.
      while (next?.classList.contains("kept")) next = next.nextElementSibling;
      if (next === row) next = row.nextElementSibling;
      else this.layer.insertBefore(row, next);
    }
  }

  private rowFor(key: string, place: RowPlace): HTMLElement {
    const content = this.contentOf(place);
    const signature = signatureOf(content);
    const before = this.shown.get(key);
    if (before) before.row.style.top = "";
    before?.row.classList.remove("kept");
    if (before?.signature === signature) return before.row;
    const row = makeRow(content, (line) => void this.toggleStates(line));
    before?.row.replaceWith(row);
    this.shown.set(key, { row, signature });
    return row;
  }

  /** Remove rows that are out of view, but for those in which a selection begins or ends: it would end, too. */
  private dropRows(keys: ReadonlySet<string>, first: number): void {
    const selection = document.getSelection();
    for (const [key, { row }] of this.shown) {
      if (keys.has(key)) continue;
      if (!this.props.wraps && holdsEnd(row, selection)) {
        const place = rowOfLine(Number(row.dataset.line), this.expansions) - first;
        row.classList.add("kept");
        row.style.top = `${place * ROW}px`;
        continue;
      }
      row.remove();
      this.shown.delete(key);
    }
  }

  private async toggleStates(line: number): Promise<void> {
    const { source } = this.props;
    try {
      if (!this.states.has(line)) this.states.set(line, await source.updates(line));
    } catch (error) {
      this.props.onFailure(error);
      return;
    }
    if (this.props.source !== source) return;
    this.staysAtEnd = false;
    this.expansions = toggleExpansion(this.expansions, line, this.states.get(line)!.length);
    this.draw();
  }

  /** Copy lines without their numbers and times, also those that went out of view. */
  private copied(event: ClipboardEvent): void {
    const selection = document.getSelection();
    if (!selection || selection.isCollapsed || selection.rangeCount === 0) return;
    const range = selection.getRangeAt(0);
    const [from, to] = [rowAround(range.startContainer), rowAround(range.endContainer)];
    if (!from || !to || from === to) return;
    event.preventDefault();
    const [first, last] = [Number(from.dataset.line), Number(to.dataset.line)];
    const text = () => {
      const between = Array.from({ length: Math.max(0, last - first - 1) }, (_, at) => first + 1 + at);
      const lines = between.map((line) => this.pages.line(line)?.text ?? "");
      return [selectedPart(range, from), ...lines, selectedPart(range, to)].join("\n");
    };
    const isThere = this.pages.has(first, last);
    if (isThere) event.clipboardData?.setData("text/plain", text());
    else void this.pages.fetch(first, last).then(() => this.props.onCopy(text()));
  }
}

function rowsAround(anchor: number, view: number, rows: number): { first: number; last: number } {
  const reach = Math.ceil(view / ROW) + 2;
  const at = Math.floor(anchor);
  return { first: Math.max(0, at - reach), last: Math.min(rows, at + reach) };
}
