/** The page `compare`. */
export function ComparePage() {
  return <p class="dim">ComparePage</p>;
}
