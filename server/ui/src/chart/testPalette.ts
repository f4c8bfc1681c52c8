import type { Palette } from "./scene";

/** Return colours for tests. */
export function makePalette(): Palette {
  const [paper, ink, line] = ["#ffffff", "#222222", "#dddddd"];
  const same = { ink, ink2: ink, ink3: ink, bed: ink, bad: "#bb2222", accent: "#2222bb" };
  return { paper, line, ...same, sans: "sans-serif", mono: "monospace", kept: 0.55, band: 0.14, away: 0.28 };
}
