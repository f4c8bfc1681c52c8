/** The page `run`. */
export function RunPage() {
  return <p class="dim">RunPage</p>;
}
