import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Return how wide an element is, px, kept up to date; 0 before it is known. */
export function useWidth(element: RefObject<Element | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const found = element.current;
    if (!found) return;
    const measure = () => setWidth(Math.floor(found.getBoundingClientRect().width));
    const watched = new ResizeObserver(measure);
    watched.observe(found);
    measure();
    return () => watched.disconnect();
  }, [element]);
  return width;
}

/** Return how high an element is, px, kept up to date; 0 before it is known. */
export function useHeight(element: RefObject<Element | null>): number {
  const [height, setHeight] = useState(0);
  useLayoutEffect(() => {
    const found = element.current;
    if (!found) return;
    const measure = () => setHeight(Math.floor(found.getBoundingClientRect().height));
    const watched = new ResizeObserver(measure);
    watched.observe(found);
    measure();
    return () => watched.disconnect();
  }, [element]);
  return height;
}
