import { describe, expect, test } from "vitest";
import type { ConsoleLine, TextStyles } from "../api/types";
import { showOpen } from "./open";
import { makeRow } from "./row";
import { cssColour, cutStyled, paint } from "./styles";

const red = { foreground: 1 };
const bold = { bold: true };

describe("a text in several styles", () => {
  const shown = (text: string, word: string, styles: TextStyles) =>
    cutStyled(text, word, styles).map(({ style, parts }) => [
      style,
      parts.map((part) => (part.isFound ? `<${part.text}>` : part.text)).join("|"),
    ]);

  test("is cut where its style changes, and where something was found", () => {
    const styles: TextStyles = [
      [2, 4, red],
      [4, 6, bold],
    ];
    expect(shown("abcdefgh", "DE", styles)).toEqual([
      [null, "ab"],
      [red, "c|<d>"],
      [bold, "<e>|f"],
      [null, "gh"],
    ]);
  });

  test("counts characters, some of which take two places", () => {
    const styles: TextStyles = [[1, 3, red]];
    expect(shown("a\u{1f600}b\u{1f600}", "", styles)).toEqual([
      [null, "a"],
      [red, "\u{1f600}b"],
      [null, "\u{1f600}"],
    ]);
  });

  test("may have styles beyond its end", () => {
    const styles: TextStyles = [
      [1, 99, red],
      [99, 120, bold],
    ];
    expect(shown("abc", "", styles)).toEqual([
      [null, "a"],
      [red, "bc"],
    ]);
  });
});

test("colours are those of terminals, and nothing else", () => {
  expect([3, 16, 21, 196, 231, 232, 255].map(cssColour)).toEqual([
    "var(--ansi-3)",
    "#000000",
    "#0000ff",
    "#ff0000",
    "#ffffff",
    "#080808",
    "#eeeeee",
  ]);
  expect(["#01ab9f", "red; background: url(x)", "var(--x)"].map(cssColour)).toEqual(["#01ab9f", "", ""]);
});

test("inverse text swaps its colours", () => {
  const element = document.createElement("span");
  paint(element, { foreground: 1, background: "#00ff00", inverse: true, underline: true });
  expect(element.className.split(" ")).toEqual(["coloured", "on-colour", "underline"]);
  expect(element.style.getPropertyValue("--text-colour")).toBe("#00ff00");
  expect(element.style.getPropertyValue("--ground-colour")).toBe("var(--ansi-1)");
});

test("a row is drawn with text nodes alone", () => {
  const text = "<b>x</b> and more";
  const found: ConsoleLine = {
    n: 0,
    path: "runtime/stdout",
    time: "2026-01-01T00:00:00Z",
    seconds: 0,
    text,
    is_error: false,
    updates: 0,
    styles: [[3, 12, red]],
  };
  const row = makeRow(
    { line: 0, found, update: null, isOpen: false, search: "and", time: "off", hasRanks: false },
    () => undefined,
  );
  const shown = row.querySelector(".console-text")!;
  expect(shown.textContent).toBe(text);
  expect(shown.querySelector("b")).toBeNull();
  expect([...shown.querySelectorAll("mark")].map((mark) => mark.parentElement!.className)).toEqual(["coloured"]);
});

test("bars that are drawn keep their nodes while they stay as they are", () => {
  const element = document.createElement("div");
  const bar = (text: string) => ({
    path: "p",
    time: "2026-01-01T00:00:00Z",
    seconds: 3,
    text,
    is_error: false,
    updates: 2,
  });
  showOpen(element, [bar("outer 1"), bar("inner 1")], "off");
  const [outer, inner] = element.children;
  showOpen(element, [bar("outer 1"), bar("inner 2")], "off");
  expect(element.children[0]).toBe(outer);
  expect(element.children[1]).not.toBe(inner);
  expect(element.textContent).toBe("outer 1inner 2");
  showOpen(element, [], "off");
  expect([element.hidden, element.children.length]).toEqual([true, 0]);
});
