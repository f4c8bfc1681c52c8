import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Beyond what is seen, charts are made this far ahead, px. */
const AHEAD = 260;

type Watched = (isNear: boolean) => void;
const observers = new WeakMap<Element, { observer: IntersectionObserver; watched: Map<Element, Watched> }>();

function observerOf(root: Element) {
  let found = observers.get(root);
  if (!found) {
    const watched = new Map<Element, Watched>();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) watched.get(entry.target)?.(entry.isIntersecting);
      },
      { root, rootMargin: `${AHEAD}px 0px` },
    );
    found = { observer, watched };
    observers.set(root, found);
  }
  return found;
}

/** Return whether an element is in view or near it, within what scrolls; what holds the focus stays. */
export function useIsNear(element: RefObject<Element | null>): boolean {
  const [isNear, setIsNear] = useState(false);
  useEffect(() => {
    const found = element.current;
    const root = found?.closest("[data-scrolls]");
    if (!found || !root) return;
    const { observer, watched } = observerOf(root);
    watched.set(found, (now) => {
      if (now || !found.contains(document.activeElement)) setIsNear(now);
    });
    observer.observe(found);
    return () => {
      watched.delete(found);
      observer.unobserve(found);
    };
  }, [element]);
  return isNear;
}
