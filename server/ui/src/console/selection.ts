/** Return the row that a node stands in. */
export function rowAround(node: Node | null): HTMLElement | null {
  const element = node instanceof Element ? node : (node?.parentElement ?? null);
  return element?.closest<HTMLElement>(".console-row") ?? null;
}

/** Return whether a selection begins or ends in a row: removing the row would end it. */
export function holdsEnd(row: HTMLElement, selection: Selection | null): boolean {
  if (!selection || selection.isCollapsed) return false;
  return row.contains(selection.anchorNode) || row.contains(selection.focusNode);
}

/** Return the part of a row's text that is selected, without its number and time. */
export function selectedPart(range: Range, row: HTMLElement): string {
  const text = row.querySelector(".console-text");
  if (!text) return "";
  const part = document.createRange();
  part.selectNodeContents(text);
  if (text.contains(range.startContainer)) part.setStart(range.startContainer, range.startOffset);
  if (text.contains(range.endContainer)) part.setEnd(range.endContainer, range.endOffset);
  return part.toString();
}
