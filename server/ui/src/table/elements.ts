const SVG = "http://www.w3.org/2000/svg";

/** Make an element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Let a cell stay where it is while the table scrolls to the right; the table says where that is. */
export function pin(cell: HTMLElement, at: number): void {
  cell.classList.add("pinned");
  cell.style.left = `var(--left-${at})`;
}

/** Make an `svg`. */
export function makeSvg(className: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** Say another text, if it is another. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Set or remove an attribute, if that changes anything. */
export function mark(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** An SVG element to be made. */
export type Shape = { tag: "path" | "text"; attributes: { [name: string]: string | number }; text?: string };

/** Show shapes in an `svg`; elements that are there are used again. */
export function draw(svg: SVGSVGElement, shapes: readonly Shape[]): void {
  for (const [at, shape] of shapes.entries()) {
    let element: Element | undefined = svg.children[at];
    if (element?.tagName !== shape.tag) {
      const made = document.createElementNS(SVG, shape.tag);
      if (element) element.replaceWith(made);
      else svg.append(made);
      element = made;
    }
    for (const [name, value] of Object.entries(shape.attributes)) mark(element, name, String(value));
    say(element, shape.text ?? "");
  }
  while (svg.children.length > shapes.length) svg.lastElementChild?.remove();
}
