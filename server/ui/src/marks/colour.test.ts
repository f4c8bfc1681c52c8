import { describe, expect, test } from "vitest";
import tokens from "../styles/tokens.css?raw";
import { type Palette, runColour, type Theme } from "./colour";
import { contrast, type Oklch } from "./oklch";

const themes: Theme[] = ["light", "dark"];
const palettes: Palette[] = ["hues", "safe"];
const grounds = ["paper", "sheet", "wash", "accent-wash"];
const numbers = Array.from({ length: 200 }, (_, at) => at);

/** Read a token as the page has it in a theme. */
function token(name: string, theme: Theme): Oklch {
  const block =
    theme === "light" ? tokens.slice(0, tokens.indexOf("[data-theme")) : tokens.slice(tokens.indexOf("[data-theme"));
  const found = new RegExp(`--${name}: oklch\\(([\\d.]+) ([\\d.]+) ([\\d.]+)\\)`).exec(block);
  return { l: Number(found![1]), c: Number(found![2]), h: Number(found![3]) };
}

function fromHex(hex: string): [number, number, number] {
  const part = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(1), part(3), part(5)];
}

function luminanceOf(hex: string): number {
  const [red, green, blue] = fromHex(hex);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrastOf(hex: string, ground: Oklch): number {
  const white = { l: 1, c: 0, h: 0 };
  const groundLuminance = 1.05 / contrast(white, ground) - 0.05;
  const [low, high] = [luminanceOf(hex), groundLuminance].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function toOklab(hex: string): [number, number, number] {
  const [r, g, b] = fromHex(hex);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

describe.each(themes)("in the %s theme", (theme) => {
  test.each(palettes)("lines and names of 200 runs stand out from every ground (%s)", (palette) => {
    const faint: string[] = [];
    for (const ground of grounds)
      for (const number of numbers) {
        const { line, text } = runColour(number, theme, palette);
        if (contrastOf(line, token(ground, theme)) < 3) faint.push(`line ${number} on ${ground}`);
        if (contrastOf(text, token(ground, theme)) < 4.5) faint.push(`name ${number} on ${ground}`);
      }
    expect(faint).toEqual([]);
  });

  test("runs that are up to 54 apart are told apart", () => {
    const colours = numbers.map((number) => toOklab(runColour(number, theme).line));
    let least = Number.POSITIVE_INFINITY;
    for (const [one, first] of colours.entries())
      for (const second of colours.slice(one + 1, one + 55))
        least = Math.min(least, Math.hypot(...first.map((part, at) => part - second[at]!)));
    expect(least).toBeGreaterThan(0.035);
  });

  test("the words and marks that are not runs' stand out, too", () => {
    for (const ground of grounds) {
      for (const ink of ["ink", "ink-2", "accent", "bad", "good"])
        expect(contrast(token(ink, theme), token(ground, theme)), `${ink} on ${ground}`).toBeGreaterThan(4.5);
      expect(contrast(token("ink-3", theme), token(ground, theme)), `ink-3 on ${ground}`).toBeGreaterThan(4.5);
      expect(contrast(token("bed", theme), token(ground, theme)), `bed on ${ground}`).toBeGreaterThan(2.5);
    }
  });
});

test("the eight colours are eight", () => {
  const colours = numbers.slice(0, 8).map((number) => runColour(number, "light", "safe").line);
  expect(new Set(colours).size).toBe(8);
});

test("a run that was given a hue keeps it in both themes", () => {
  expect(runColour(3, "light", "safe", 200)).toEqual(runColour(8, "light", "hues", 200));
  expect(runColour(3, "light", "hues", 200).line).not.toEqual(runColour(3, "light", "hues").line);
});
