import { expect, test } from "vitest";
import { runColour } from "../marks/colour";
import { chosenHues, colourOf, theme } from "./theme";

test("a run has the colour of its number, also if it is called like what every object has", () => {
  for (const run_id of ["constructor", "__proto__", "toString", "r1"])
    expect(colourOf({ run_id, number: 3 })).toEqual(runColour(3, theme.value));
});

test("a hue that the reader chose stays with its run", () => {
  chosenHues.value = { r1: 200 };

  expect(colourOf({ run_id: "r1", number: 3 })).toEqual(runColour(3, theme.value, "hues", 200));
  expect(colourOf({ run_id: "r2", number: 3 })).toEqual(runColour(3, theme.value));
});
