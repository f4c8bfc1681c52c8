/** The page `projects`. */
export function ProjectsPage() {
  return <p class="dim">ProjectsPage</p>;
}
