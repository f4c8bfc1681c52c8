/** The page `lineage`. */
export function LineagePage() {
  return <p class="dim">LineagePage</p>;
}
