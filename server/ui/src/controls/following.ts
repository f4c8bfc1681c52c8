/**
 * Follow a pointer that is held down until it is let go, wherever it goes.
 *
 * @param move called as it moves
 * @param end called once, when it is let go or taken away
 */
export function followPointer(move: (event: PointerEvent) => void, end?: () => void): void {
  const letGo = () => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", letGo);
    window.removeEventListener("pointercancel", letGo);
    end?.();
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", letGo);
  window.addEventListener("pointercancel", letGo);
}
