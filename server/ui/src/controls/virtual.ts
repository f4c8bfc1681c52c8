import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";

/** What is seen of a long list, and where it stands. */
export type Rows = {
  /** Places in the list, and how far below its beginning each row stands, px. */
  items: readonly { index: number; start: number }[];
  /** Height (or width) of the whole list, px. */
  size: number;
  /** Bring a row into view, if it is not. */
  reveal: (index: number, align?: "auto" | "center" | "start" | "end") => void;
};

/** How long a list is, and how it scrolls. */
export type RowsOptions = {
  count: number;
  rowSize: number | ((index: number) => number);
  isHorizontal?: boolean;
  /** Space at the list's beginning that something sticky covers, px. */
  covered?: number;
  overscan?: number;
};

/** Show only those rows of a long list that are in view of the element that scrolls. */
export function useRows(scroller: RefObject<HTMLElement | null>, options: RowsOptions): Rows {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const kept = useRef<Virtualizer<HTMLElement, HTMLElement> | null>(null);
  const { rowSize } = options;
  const settings = {
    count: options.count,
    getScrollElement: () => scroller.current,
    estimateSize: typeof rowSize === "number" ? () => rowSize : rowSize,
    horizontal: options.isHorizontal ?? false,
    overscan: options.overscan ?? 8,
    scrollPaddingStart: options.covered ?? 0,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(undefined),
    initialRect: { width: 1200, height: 800 },
  };
  kept.current ??= new Virtualizer<HTMLElement, HTMLElement>(settings);
  const virtualizer = kept.current;
  virtualizer.setOptions({ ...virtualizer.options, ...settings });
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, rowSize]);
  return {
    items: virtualizer.getVirtualItems(),
    size: virtualizer.getTotalSize(),
    reveal: (index, align = "auto") => virtualizer.scrollToIndex(index, { align }),
  };
}
