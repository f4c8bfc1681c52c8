import { readPath, readText, readTokens, type Token, writePath, writeText } from "./tokens";

/** One condition, as the builder shows it. */
export type Condition = { attribute: string; operator: string; value: string };
/** Conditions that hold all, or of which one holds. */
export type Built = { joint: "and" | "or"; conditions: Condition[] };

/** Operators of the builder; those that need no value are last. */
export const builderOperators = [
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "matches",
  "not matches",
  "contains",
  "not contains",
  "exists",
  "not exists",
] as const;

/** Return whether an operator stands alone. */
export function needsValue(operator: string): boolean {
  return !operator.endsWith("exists");
}

const BARE_VALUE =
  /^(?:[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf|infinity)|true|false|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-][\d:.]+)?)$/i;

/** Write conditions as a filter. Conditions without an attribute are left out. */
export function writeBuilt({ joint, conditions }: Built): string {
  return conditions
    .filter((one) => one.attribute.trim() !== "")
    .map(({ attribute, operator, value }) => {
      const left = `${writePath(attribute)} ${operator}`;
      if (!needsValue(operator)) return left;
      const isText = operator.endsWith("matches") || operator.endsWith("contains");
      return `${left} ${!isText && BARE_VALUE.test(value) ? value : writeText(value)}`;
    })
    .join(` ${joint} `);
}

/** Read a filter as conditions; null if it is more than that, such as with parentheses or both AND and OR. */
export function readBuilt(text: string): Built | null {
  const { tokens } = readTokens(text);
  const conditions: Condition[] = [];
  const joints = new Set<string>();
  let at = 0;
  while (at < tokens.length) {
    if (conditions.length > 0) {
      const joint = tokens[at]!.text.toLowerCase();
      if (joint !== "and" && joint !== "or") return null;
      joints.add(joint);
      at += 1;
    }
    const found = readCondition(tokens, at);
    if (!found) return null;
    conditions.push(found.condition);
    at = found.next;
  }
  if (joints.size > 1) return null;
  return { joint: joints.has("or") ? "or" : "and", conditions };
}

function readCondition(tokens: readonly Token[], from: number): { condition: Condition; next: number } | null {
  const attribute = tokens[from];
  if (attribute?.role !== "attribute" || attribute.isOpen) return null;
  let next = from + 1;
  let operator = tokens[next]?.text.toLowerCase() ?? "";
  if (operator === "not") {
    next += 1;
    operator = `not ${tokens[next]?.text.toLowerCase() ?? ""}`;
  }
  if (operator === "=") operator = "==";
  if (!builderOperators.some((one) => one === operator)) return null;
  next += 1;
  const path = readPath(attribute.text);
  if (!needsValue(operator)) return { condition: { attribute: path, operator, value: "" }, next };
  const value = tokens[next];
  if (value?.role !== "value" || value.isOpen) return null;
  const written = readText(value.text);
  // A number in quotes is not the number: the builder would write it without.
  const isText = operator.endsWith("matches") || operator.endsWith("contains");
  if (value.text.startsWith('"') && !isText && BARE_VALUE.test(written)) return null;
  return { condition: { attribute: path, operator, value: written }, next: next + 1 };
}
