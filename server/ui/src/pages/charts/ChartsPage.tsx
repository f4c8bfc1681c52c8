/** The page `charts`. */
export function ChartsPage() {
  return <p class="dim">ChartsPage</p>;
}
