import { type AxesShown, paintAxes } from "./paintAxes";

/** What happens on the axes, in pixels of the plot. */
export type AxesHandlers = {
  /** A part was chosen by dragging; a box if Shift was held. */
  select: (box: { left: number; right: number; top: number; bottom: number }, isBox: boolean) => void;
  /** A place was clicked or, by touch, tapped. */
  click: (at: { x: number; y: number }, isTouch: boolean) => void;
  /** Two fingers that were at these pixels in x are now at those; the first call of a pinch begins it. */
  pinch: (from: Fingers, to: Fingers) => void;
  reset: () => void;
};

/** Where two fingers are in x. */
export type Fingers = readonly [number, number];

/** Axes, ticks, cursor and dragging of a chart. */
export type Axes = {
  /** What lies over the plot and hears the pointer. */
  over: HTMLElement;
  /** What holds all layers. */
  wrap: HTMLElement;
  show: (shown: AxesShown) => void;
  /** Put the cursor line at a pixel of the plot, or nowhere. */
  setCursor: (left: number | null) => void;
  remove: () => void;
};

/** Pixels that the pointer may move before a click is a drag. */
const CLICK_PIXELS = 4;

/** Put axes into an element: a canvas with grid and ticks, and over it what follows the pointer. */
export function makeAxes(element: HTMLElement, first: AxesShown, handlers: AxesHandlers): Axes {
  const wrap = layer(element, "chart-layers");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  wrap.append(canvas);
  const over = layer(wrap, "chart-over");
  const cursor = layer(over, "chart-cursor");
  const selected = layer(over, "chart-selected");
  cursor.hidden = true;
  selected.hidden = true;
  hearPinching(over, handlers);
  const unlisten = hearDragging(over, selected, handlers);
  const show = (shown: AxesShown) => {
    const { plot } = shown.view;
    place(over, plot.left, plot.top, plot.width, plot.height);
    draw(canvas, shown);
  };
  show(first);
  return {
    over,
    wrap,
    show,
    setCursor: (left) => {
      cursor.hidden = left === null;
      if (left !== null) cursor.style.transform = `translateX(${left}px)`;
    },
    remove: () => {
      unlisten();
      wrap.remove();
    },
  };
}

function layer(parent: HTMLElement, name: string): HTMLElement {
  const made = document.createElement("div");
  made.className = name;
  parent.append(made);
  return made;
}

function place({ style }: HTMLElement, left: number, top: number, width: number, height: number): void {
  Object.assign(style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
}

function draw(canvas: HTMLCanvasElement, shown: AxesShown): void {
  const { width, height } = shown.view;
  const ratio = window.devicePixelRatio || 1;
  const size = [Math.round(width * ratio), Math.round(height * ratio)] as const;
  if (canvas.width !== size[0] || canvas.height !== size[1]) {
    [canvas.width, canvas.height] = size;
    place(canvas, 0, 0, width, height);
  }
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, ...size);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  paintAxes(pen, shown);
}

/** Tell of clicks, of double clicks, and of what is dragged over; Escape gives up a drag. Returns what ends it. */
function hearDragging(over: HTMLElement, selected: HTMLElement, handlers: AxesHandlers): () => void {
  type Drag = { pointer: number; x: number; y: number; isBox: boolean; isMoved: boolean };
  let drag: Drag | null = null;
  const boxTo = (event: PointerEvent, { x, y, isBox }: Drag) => {
    const at = inside(over, event);
    const [left, right] = [Math.min(x, at.x), Math.max(x, at.x)];
    return isBox
      ? { left, right, top: Math.min(y, at.y), bottom: Math.max(y, at.y) }
      : { left, right, top: 0, bottom: over.clientHeight };
  };
  const end = () => {
    drag = null;
    selected.hidden = true;
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    // A second finger makes it a pinch.
    if (!event.isPrimary) {
      end();
      return;
    }
    drag = { pointer: event.pointerId, ...inside(over, event), isBox: event.shiftKey, isMoved: false };
  });
  over.addEventListener("pointermove", (event) => {
    if (drag?.pointer !== event.pointerId) return;
    const box = boxTo(event, drag);
    const isFar = box.right - box.left > CLICK_PIXELS || (drag.isBox && box.bottom - box.top > CLICK_PIXELS);
    if (isFar && !drag.isMoved) {
      drag.isMoved = true;
      over.setPointerCapture(event.pointerId);
    }
    if (!drag.isMoved) return;
    selected.hidden = false;
    place(selected, box.left, box.top, box.right - box.left, box.bottom - box.top);
  });
  over.addEventListener("pointerup", (event) => {
    if (drag?.pointer !== event.pointerId) return;
    const box = boxTo(event, drag);
    const { isMoved, isBox } = drag;
    end();
    if (!isMoved) handlers.click(inside(over, event), event.pointerType === "touch");
    else if (box.right > box.left) handlers.select(box, isBox && box.bottom > box.top);
  });
  over.addEventListener("pointercancel", end);
  over.addEventListener("dblclick", handlers.reset);
  const giveUp = (event: KeyboardEvent) => {
    if (event.key === "Escape" && drag) end();
  };
  document.addEventListener("keydown", giveUp);
  return () => document.removeEventListener("keydown", giveUp);
}

/** Tell of two fingers that move on the plot. */
function hearPinching(over: HTMLElement, handlers: AxesHandlers): void {
  const fingers = new Map<number, number>();
  let from: Fingers | null = null;
  const now = () => [...fingers.values()] as unknown as Fingers;
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, inside(over, event).x);
    from = fingers.size === 2 ? now() : null;
  });
  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, inside(over, event).x);
    if (from) handlers.pinch(from, now());
  });
  const end = (event: PointerEvent) => {
    fingers.delete(event.pointerId);
    from = null;
  };
  over.addEventListener("pointerup", end);
  over.addEventListener("pointercancel", end);
}

function inside(over: HTMLElement, event: PointerEvent): { x: number; y: number } {
  const box = over.getBoundingClientRect();
  const x = Math.max(0, Math.min(event.clientX - box.left, box.width));
  return { x, y: Math.max(0, Math.min(event.clientY - box.top, box.height)) };
}
