import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Props of `Popup`. */
export type PopupProps = {
  /** What it belongs to, and stands below. */
  anchor: Element | null;
  label: string;
  onClose: () => void;
  children: ComponentChildren;
  role?: "menu" | "dialog" | "listbox";
  align?: "left" | "right";
  className?: string;
};

/** Something that floats below what it belongs to, until Escape, a click elsewhere, or the focus leaves it. */
export function Popup({
  anchor,
  label,
  onClose,
  children,
  role = "dialog",
  align = "left",
  className = "",
}: PopupProps) {
  const popup = useRef<HTMLDivElement>(null);
  const close = useRef(onClose); // a new function with every rendering must not open and close it again
  close.current = onClose;
  useLayoutEffect(() => {
    const element = popup.current;
    if (!element || !anchor) return;
    const place = () => {
      const at = anchor.getBoundingClientRect();
      const { offsetWidth: width, offsetHeight: height } = element;
      const left = align === "left" ? at.left : at.right - width;
      const fitsBelow = at.bottom + 4 + height <= innerHeight - 8;
      element.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
      element.style.top = `${Math.max(8, fitsBelow ? at.bottom + 4 : Math.max(8, innerHeight - height - 8))}px`;
    };
    place();
    const watched = new ResizeObserver(place);
    watched.observe(element);
    window.addEventListener("resize", place);
    return () => {
      watched.disconnect();
      window.removeEventListener("resize", place);
    };
  }, [anchor, align]);
  useEffect(() => {
    const element = popup.current;
    const before = document.activeElement;
    const first =
      element?.querySelector<HTMLElement>("[data-first]") ??
      element?.querySelector<HTMLElement>("[autofocus], input, button, a[href], [tabindex='0']");
    first?.focus();
    const leave = (event: Event) => {
      const target = event.target as Node;
      if (!element?.contains(target) && !anchor?.contains(target)) close.current();
    };
    const closeOnEscape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close.current();
    };
    document.addEventListener("pointerdown", leave, true);
    document.addEventListener("focusin", leave);
    element?.addEventListener("keydown", closeOnEscape);
    return () => {
      document.removeEventListener("pointerdown", leave, true);
      document.removeEventListener("focusin", leave);
      element?.removeEventListener("keydown", closeOnEscape);
      const isInside =
        !document.activeElement ||
        document.activeElement === document.body ||
        element?.contains(document.activeElement);
      if (isInside && before instanceof HTMLElement) before.focus();
    };
  }, [anchor]);
  const walk = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const items = [...(popup.current?.querySelectorAll<HTMLElement>(".menu-item") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (items.length === 0) return;
    event.preventDefault();
    items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]?.focus();
  };
  return (
    <div
      ref={popup}
      class={`popup ${className}`}
      role={role}
      aria-label={label}
      onKeyDown={role === "menu" ? walk : undefined}
    >
      {children}
    </div>
  );
}
