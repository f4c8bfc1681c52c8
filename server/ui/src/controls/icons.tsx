const paths = {
  search: "M11 7a4 4 0 1 1-8 0a4 4 0 0 1 8 0zM10 10l4 4",
  columns: "M2.5 3.5h11v9h-11zM6.2 3.5v9M9.8 3.5v9",
  link: "M6.5 9.5l3-3M7.5 4.5l1-1a2.8 2.8 0 0 1 4 4l-1 1M8.5 11.5l-1 1a2.8 2.8 0 0 1-4-4l1-1",
  sun: "M10.8 8a2.8 2.8 0 1 1-5.6 0a2.8 2.8 0 0 1 5.6 0zM8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1",
  moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z",
  system: "M2.5 3.5h11v7.5h-11zM6 13.5h4M8 11v2.5",
  down: "M4 6.5l4 4 4-4",
  right: "M6.5 4l4 4-4 4",
  eye: "M1.5 8C3 5 5.3 3.5 8 3.5S13 5 14.5 8C13 11 10.7 12.5 8 12.5S3 11 1.5 8zM10 8a2 2 0 1 1-4 0a2 2 0 0 1 4 0z",
  dash: "M4 8h8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  fork: "M2.5 4h5c4 0 2 8 6 8M9 4h4.5",
  prompt: "M2.5 4l4 4-4 4M8.5 12h5",
  expand: "M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5L9 7M2.5 13.5L7 9",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.5l7.5 4.5L5 12.5z",
  close: "M4 4l8 8M12 4l-8 8",
  pin: "M6 2.5h4l-.5 4 2 2.5h-7l2-2.5zM8 9v4.5",
  download: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
  up: "M4 9.5l4-4 4 4",
  plus: "M8 3.5v9M3.5 8h9",
  check: "M3.5 8.5l3 3 6-7",
} as const;

/** Names of the icons. */
export type IconName = keyof typeof paths;

/** A line icon; what it means stands beside it, or in the name of its button. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}

/** The mark of runfork: a line that forks, its old course dotted. */
export function Logo() {
  return (
    <svg width="30" height="20" viewBox="0 0 30 20" aria-hidden="true">
      <path class="water" d="M1 6H11" stroke="currentColor" stroke-width="1.6" />
      <path class="bed" d="M11 6h9" />
      <path class="water" d="M9 6c5 0 4 8.5 10 8.5h6" stroke="var(--accent)" stroke-width="3" />
      <circle cx="26.5" cy="14.5" r="3" fill="var(--accent)" />
    </svg>
  );
}
