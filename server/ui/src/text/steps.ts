/** Return a step that was typed; null where it is none. */
export function readStep(text: string): number | null {
  const digits = text.replace(/[\s\u2009\u202f]/g, "");
  return /^\d{1,11}(\.\d{1,6})?$/.test(digits) ? Number(digits) : null;
}
