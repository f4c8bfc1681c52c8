import { computed, effect, signal } from "@preact/signals";
import { type Palette, type RunColour, runColour, type Theme } from "../marks/colour";
import { remembered } from "./remembered";

/** What the reader chose: a theme, or what the system has. */
export const chosenTheme = remembered<Theme | "system">("theme", "system");
/** How runs are told apart. */
export const palette = remembered<Palette>("palette", "hues");
/** Hues that the reader gave to runs, by run id. */
export const chosenHues = remembered<Record<string, number>>("hues", {});

const system = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(system.matches);
system.addEventListener("change", (event) => {
  isSystemDark.value = event.matches;
});

/** The theme that is shown. */
export const theme = computed<Theme>(() =>
  chosenTheme.value === "system" ? (isSystemDark.value ? "dark" : "light") : chosenTheme.value,
);

/** Bring the theme into the page from now on. */
export function keepTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}

/** Return a run's colours in the theme that is shown. */
export function colourOf(run: { run_id: string; number: number }): RunColour {
  const hues = chosenHues.value;
  const hue = Object.hasOwn(hues, run.run_id) ? hues[run.run_id] : undefined; // a run may be called "constructor"
  return runColour(run.number, theme.value, palette.value, hue);
}
