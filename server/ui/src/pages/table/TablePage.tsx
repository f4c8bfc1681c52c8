/** The page `table`. */
export function TablePage() {
  return <p class="dim">TablePage</p>;
}
