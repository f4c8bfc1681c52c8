import type { Box } from "./view";

/** One run in a tooltip. */
export type TooltipRow = {
  id: string;
  title: string;
  colour: string;
  value: string;
  /** The whole value, where it is one that was logged. */
  exact: string;
  range: string;
  isHovered: boolean;
};
/** What a tooltip says. */
export type TooltipContent = {
  where: string;
  aside: string;
  points: string;
  rows: TooltipRow[];
  /** When it was, where the axis does not say so; undefined leaves no room for it. */
  time: string | undefined;
  /** What else there is to say of this place. */
  note: string | null;
};

/** What floats over a chart and tells the values under the pointer. */
export type Tooltip = {
  show: (content: TooltipContent) => void;
  /** Return its size, as it is. */
  size: () => { width: number; height: number };
  /** Put it somewhere, in pixels of the window. */
  put: (left: number, top: number) => void;
  hide: () => void;
  pin: (isPinned: boolean) => void;
  remove: () => void;
  contains: (node: Node | null) => boolean;
};

function made(tag: string, className: string, text = ""): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Make a tooltip; it is not shown yet. */
export function makeTooltip(): Tooltip {
  const root = made("div", "chart-tooltip");
  root.hidden = true;
  root.setAttribute("role", "tooltip");
  document.body.append(root);
  return {
    show: (content) => {
      const parts = [head(content), ...content.rows.map(row)];
      if (content.note) parts.push(made("div", "chart-tooltip-note", content.note));
      if (content.time !== undefined) parts.push(made("div", "chart-tooltip-time", content.time));
      root.replaceChildren(...parts);
      root.hidden = false;
    },
    size: () => ({ width: root.offsetWidth, height: root.offsetHeight }),
    put: (left, top) => {
      root.style.left = `${left}px`;
      root.style.top = `${top}px`;
    },
    hide: () => {
      root.hidden = true;
      delete root.dataset.pinned;
    },
    pin: (isPinned) => {
      if (isPinned) root.dataset.pinned = "true";
      else delete root.dataset.pinned;
    },
    remove: () => root.remove(),
    contains: (node) => root.contains(node),
  };
}

function head(content: TooltipContent): HTMLElement {
  const element = made("div", "chart-tooltip-head");
  element.append(
    made("b", "", content.where),
    made("span", "", content.aside),
    made("span", "chart-tooltip-points", content.points),
  );
  return element;
}

function row(one: TooltipRow): HTMLElement {
  const element = made("div", "chart-tooltip-row");
  if (one.isHovered) element.dataset.hovered = "true";
  element.dataset.run = one.id;
  const name = made("span", "run-name", one.title);
  name.style.color = one.colour;
  const value = made("span", "chart-tooltip-value", one.value);
  value.title = one.exact;
  element.append(name, value, made("span", "chart-tooltip-range", one.range));
  return element;
}

const GAP = 14;

/**
 * Choose where a tooltip hides the least of the lines.
 *
 * @param at where the pointer is
 * @param size of the tooltip
 * @param within the window's size
 * @param points places of lines, in pixels of the window
 */
export function emptiestPlace(
  at: { x: number; y: number },
  size: { width: number; height: number },
  within: { width: number; height: number },
  points: readonly { x: number; y: number }[],
): { left: number; top: number } {
  const { width, height } = size;
  const places = [
    { left: at.x + GAP, top: at.y - height - GAP },
    { left: at.x + GAP, top: at.y + GAP },
    { left: at.x - width - GAP, top: at.y - height - GAP },
    { left: at.x - width - GAP, top: at.y + GAP },
    { left: at.x + GAP, top: at.y - height / 2 },
    { left: at.x - width - GAP, top: at.y - height / 2 },
  ];
  const cost = ({ left, top }: { left: number; top: number }) => {
    const box: Box = { left, top, width, height };
    const hidden = points.filter((point) => isWithin(box, point)).length;
    const isOut = left < 4 || top < 4 || left + width > within.width - 4 || top + height > within.height - 4;
    return hidden + (isOut ? 1e6 : 0);
  };
  const best = places.reduce((one, other) => (cost(other) < cost(one) ? other : one));
  return {
    left: Math.max(4, Math.min(best.left, within.width - width - 4)),
    top: Math.max(4, Math.min(best.top, within.height - height - 4)),
  };
}

function isWithin({ left, top, width, height }: Box, { x, y }: { x: number; y: number }): boolean {
  return x >= left && x <= left + width && y >= top && y <= top + height;
}
