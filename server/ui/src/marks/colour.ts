import { toHex, withinGamut } from "./oklch";

/** Themes of the page. */
export type Theme = "light" | "dark";
/** How runs are told apart: by the golden angle, or by eight colours that the colour-blind can tell apart. */
export type Palette = "hues" | "safe";
/** A run's colours: of its lines and marks, and of its name, which is text and has more contrast. */
export type RunColour = { line: string; text: string };

const GOLDEN_ANGLE = 137.508;
const FIRST_HUE = 40;
const MOST_CHROMA = 0.155;
// Besides the hue the lightness changes, in a cycle of five: else runs 21 apart would look alike.
const LINES: Record<Theme, number[]> = {
  light: [0.545, 0.47, 0.575, 0.51, 0.435],
  dark: [0.765, 0.7, 0.82, 0.735, 0.86],
};
const TEXT_LIMIT: Record<Theme, number> = { light: 0.48, dark: 0.785 };
// Hues and lightnesses after Okabe and Ito's palette, black left out: it is the ink's.
const SAFE: { h: number; c: number; light: number; dark: number }[] = [
  { h: 245, c: 0.13, light: 0.5, dark: 0.72 },
  { h: 48, c: 0.14, light: 0.56, dark: 0.76 },
  { h: 165, c: 0.11, light: 0.53, dark: 0.78 },
  { h: 350, c: 0.11, light: 0.56, dark: 0.8 },
  { h: 88, c: 0.12, light: 0.58, dark: 0.86 },
  { h: 232, c: 0.1, light: 0.6, dark: 0.84 },
  { h: 35, c: 0.16, light: 0.46, dark: 0.66 },
  { h: 300, c: 0.1, light: 0.4, dark: 0.68 },
];

const known = new Map<string, RunColour>();

/**
 * Return the colours of the run that was the `number`th of its project. They depend on nothing else: no selection, no filter
 * and no other run changes them.
 */
export function runColour(number: number, theme: Theme, palette: Palette = "hues", hue?: number): RunColour {
  const key = `${number} ${theme} ${palette} ${hue ?? ""}`;
  let found = known.get(key);
  if (!found) {
    found = work(number, theme, palette, hue);
    known.set(key, found);
  }
  return found;
}

function work(number: number, theme: Theme, palette: Palette, hue: number | undefined): RunColour {
  const safe = SAFE[number % SAFE.length]!;
  const isSafe = palette === "safe" && hue === undefined;
  const h = hue ?? (isSafe ? safe.h : (FIRST_HUE + GOLDEN_ANGLE * number) % 360);
  const l = isSafe ? safe[theme] : LINES[theme][number % LINES[theme].length]!;
  const most = isSafe ? safe.c : MOST_CHROMA;
  const textLightness = theme === "light" ? Math.min(l, TEXT_LIMIT.light) : Math.max(l, TEXT_LIMIT.dark);
  return {
    line: toHex(withinGamut({ l, c: most, h })),
    text: toHex(withinGamut({ l: textLightness, c: most, h })),
  };
}
