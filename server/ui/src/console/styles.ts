import type { TextStyle, TextStyles } from "../api/types";
import { cutAt, type TextPart } from "./text";

/** A part of a text that looks the same throughout, cut where something was found. */
export type StyledPart = { style: TextStyle | null; parts: TextPart[] };

/** Cut a text where its style changes, and at all places where a word stands. */
export function cutStyled(text: string, word: string, styles: TextStyles = []): StyledPart[] {
  const found = cutAt(text, word);
  if (styles.length === 0) return [{ style: null, parts: found }];
  const cut: StyledPart[] = [];
  let from = 0;
  for (const [begin, end, style] of stretches(text, styles)) {
    if (begin > from) cut.push({ style: null, parts: partsWithin(found, from, begin) });
    cut.push({ style, parts: partsWithin(found, begin, end) });
    from = end;
  }
  if (from < text.length) cut.push({ style: null, parts: partsWithin(found, from, text.length) });
  return cut;
}

/** Return places of characters as places in a string, where some characters take two. */
function stretches(text: string, styles: TextStyles): TextStyles {
  const places: number[] = [];
  if (/[\ud800-\udfff]/.test(text)) {
    let at = 0;
    for (const character of text) {
      places.push(at);
      at += character.length;
    }
  }
  const place = (character: number) =>
    Math.min(places.length > 0 ? (places[character] ?? text.length) : character, text.length);
  return styles
    .map(([begin, end, style]): TextStyles[number] => [place(begin), place(end), style])
    .filter(([begin, end]) => begin < end);
}

function partsWithin(parts: readonly TextPart[], from: number, to: number): TextPart[] {
  const within: TextPart[] = [];
  let begin = 0;
  for (const { text, isFound } of parts) {
    const end = begin + text.length;
    if (end > from && begin < to) {
      within.push({ text: text.slice(Math.max(0, from - begin), Math.min(end, to) - begin), isFound });
    }
    begin = end;
  }
  return within;
}

const BASIC = 16;
const CUBE = [0, 95, 135, 175, 215, 255];
const FIRST_GREY = 232;

/** Return a colour of a terminal as CSS has it: the first 16 are the theme's. */
export function cssColour(colour: number | string): string {
  if (typeof colour === "string") return /^#[0-9a-f]{6}$/.test(colour) ? colour : "";
  if (colour < BASIC) return `var(--ansi-${colour})`;
  if (colour >= FIRST_GREY) return rgb(Array<number>(3).fill(8 + 10 * (colour - FIRST_GREY)));
  const place = colour - BASIC;
  return rgb([Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map((level) => CUBE[level]!));
}

function rgb(levels: number[]): string {
  return `#${levels.map((level) => level.toString(16).padStart(2, "0")).join("")}`;
}

/** Let an element look as a style says. How light its colours are is the theme's: they can be read on either. */
export function paint(element: HTMLElement, style: TextStyle): void {
  const { foreground, background } = style;
  const [text, ground] = style.inverse ? [background, foreground] : [foreground, background];
  if (text !== undefined) {
    element.classList.add("coloured");
    element.style.setProperty("--text-colour", cssColour(text));
  }
  if (ground !== undefined) {
    element.classList.add("on-colour");
    element.style.setProperty("--ground-colour", cssColour(ground));
  }
  if (style.inverse && ground === undefined) element.classList.add("inverse");
  for (const name of ["bold", "dim", "italic", "underline", "strike"] as const) {
    if (style[name]) element.classList.add(name);
  }
}
