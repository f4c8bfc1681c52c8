import type { Palette } from "./scene";

/** Return a colour of the style sheet as `#rrggbb`: neither workers nor files know its variables, nor converters `oklch()` or `lab()`. */
export function resolved(text: string): string {
  const probe = document.createElement("i");
  probe.style.color = `color-mix(in srgb, ${text}, ${text})`;
  document.body.append(probe);
  const parts = /srgb (\S+) (\S+) ([^\s)]+)/.exec(getComputedStyle(probe).color)?.slice(1);
  probe.remove();
  const byte = (part: string) => Math.round(255 * Math.min(1, Math.max(0, Number(part)))).toString(16);
  return parts ? `#${parts.map((part) => byte(part).padStart(2, "0")).join("")}` : text || "#808080";
}

/** Return the colours and measures of the theme that the page has now. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const text = (name: string) => style.getPropertyValue(name).trim();
  const colour = (name: string) => resolved(text(name));
  const share = (name: string, fallback: number) => Number(text(name)) || fallback;
  return {
    paper: colour("--paper"),
    ink: colour("--ink"),
    ink2: colour("--ink-2"),
    ink3: colour("--ink-3"),
    line: colour("--line"),
    bed: colour("--bed"),
    bad: colour("--bad"),
    accent: colour("--accent"),
    sans: text("--sans") || "sans-serif",
    mono: text("--mono") || "monospace",
    kept: share("--kept", 0.55),
    band: share("--band", 0.14),
    away: share("--away", 0.28),
  };
}
