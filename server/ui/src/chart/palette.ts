import { toHex, withinGamut } from "../marks/oklch";
import type { Palette } from "./scene";

const OKLCH = /^oklch\(\s*([\d.]+)\s+([\d.]+)\s+([\d.]+)\s*\)$/;

/** Return a colour of the style sheet as `#rrggbb`: neither workers nor files know its variables. */
export function resolved(text: string): string {
  const parts = OKLCH.exec(text.trim());
  if (!parts) return text.trim() || "#808080";
  const [l, c, h] = parts.slice(1).map(Number) as [number, number, number];
  return toHex(withinGamut({ l, c, h }));
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
