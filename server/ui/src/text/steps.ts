import { formatStep } from "./format";

/** Return a step that was typed; null where it is none. */
export function readStep(text: string): number | null {
  const digits = text.replace(/[\s\u2009\u202f]/g, "");
  return /^\d{1,11}(\.\d{1,6})?$/.test(digits) ? Number(digits) : null;
}

/** Return a step as it is typed: as it is shown, unless decimals that are not shown were lost. */
export function editedStep(step: number): string {
  const text = formatStep(step);
  return readStep(text) === step ? text : String(step);
}
