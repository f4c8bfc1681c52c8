/** The page `empty`. */
export function EmptyPage() {
  return <p class="dim">EmptyPage</p>;
}
