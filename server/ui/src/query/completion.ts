import type { AttributeType, Definition } from "../api/types";
import { type Expected, readPath, readTokens, type Token, writePath, writeText } from "./tokens";

/** Where the caret is: what is being written there, and what it replaces. */
export type Spot = {
  expected: Expected;
  /** What was written of it, before the caret. */
  prefix: string;
  start: number;
  end: number;
  /** The attribute that an operator or a value belongs to. */
  attribute: string | null;
  /** Whether it is negated already: only some operators follow NOT. */
  isNegated: boolean;
};

/** Find out what is being written at the caret. */
export function spotAt(text: string, caret: number): Spot {
  const { tokens, after } = readTokens(text);
  const at = tokens.findIndex(
    (token) => token.start < caret && (caret < token.end || (caret === token.end && isText(token))),
  );
  const before = at >= 0 ? at - 1 : lastBefore(tokens, caret);
  const token = tokens[at];
  const expected = before < 0 ? "attribute" : after[before]!;
  return {
    expected,
    prefix: token ? text.slice(token.start, caret) : "",
    start: token ? token.start : caret,
    end: token ? token.end : caret,
    attribute: attributeBefore(tokens, before),
    isNegated: expected === "operator" && tokens[before]?.text.toUpperCase() === "NOT",
  };
}

/** Symbols are whole when they are written: only words, paths and quoted values may go on. */
function isText(token: Token): boolean {
  return (
    token.isOpen ||
    (token.role !== "parenthesis" && !/^[=!<>:]+$/.test(token.text) && !/^[`"].*[`"]$/s.test(token.text))
  );
}

function lastBefore(tokens: readonly Token[], caret: number): number {
  let found = -1;
  for (const [at, token] of tokens.entries()) if (token.end <= caret) found = at;
  return found;
}

function attributeBefore(tokens: readonly Token[], from: number): string | null {
  for (let at = from; at >= 0; at--) if (tokens[at]!.role === "attribute") return readPath(tokens[at]!.text);
  return null;
}

/** Something that could stand at the caret. */
export type Suggestion = {
  section: string;
  /** What is shown; `from` and `to` are the part that was searched for. */
  label: string;
  from: number;
  to: number;
  detail: string;
  /** What is written for it. */
  insert: string;
};

/** What completion knows. */
export type Known = {
  definitions: readonly Definition[];
  /** Values of the attribute in question, the most frequent first. */
  values: readonly string[];
  typeNames: Readonly<Record<AttributeType, string>>;
  /** "experiments" or "runs". */
  of: string;
};

/** Words that filters read beside attributes, and what they are. */
export const filterWords: Readonly<Record<string, string>> = {
  state: "string",
  experiment: "string",
  run: "string",
  parent: "string",
  created: "datetime",
  duration: "float",
  tags: "string set",
  group_tags: "string set",
  description: "string",
  owner: "string",
  archived: "bool",
};

const COMPARISONS: [string, string][] = [
  ["==", "equals"],
  ["!=", "differs"],
  ["<", "less than"],
  ["<=", "at most"],
  [">", "more than"],
  [">=", "at least"],
];
const TEXT: [string, string][] = [
  ["==", "equals"],
  ["!=", "differs"],
  ["matches", "a regular expression"],
  ["not matches", "no regular expression"],
  ["contains", "has a part"],
  ["not contains", "lacks a part"],
];
const EXISTENCE: [string, string][] = [
  ["exists", "has a value"],
  ["not exists", "has no value"],
];

/** Return the operators that suit a type. */
export function operatorsFor(type: AttributeType | undefined): [string, string][] {
  switch (type) {
    case "string":
    case "string_series":
      return [...TEXT, ...EXISTENCE];
    case "string_set":
      return [...TEXT.slice(4), ...TEXT.slice(2, 4), ...EXISTENCE];
    case "bool":
      return [...COMPARISONS.slice(0, 2), ...EXISTENCE];
    case "float":
    case "int":
    case "float_series":
    case "datetime":
      return [...COMPARISONS, ...EXISTENCE];
    case undefined:
      return [...COMPARISONS, ...TEXT.slice(2), ...EXISTENCE];
    default:
      return EXISTENCE;
  }
}

const STATES = ["running", "finished", "failed", "lost", "preempted", "aborted"];
const MOST = 12;

/** Return what could stand at the caret, the likeliest first. */
export function suggestionsFor(spot: Spot, known: Known): Suggestion[] {
  switch (spot.expected) {
    case "attribute":
      return attributeSuggestions(spot, known);
    case "operator":
      return operatorSuggestions(spot, known);
    case "value":
      return valueSuggestions(spot, known);
    case "join":
      return plain("then", spot, [
        ["and", "both"],
        ["or", "either"],
      ]);
    default:
      return plain(
        "types",
        spot,
        Object.keys(known.typeNames).map((type) => [type, ""]),
      );
  }
}

function plain(section: string, spot: Spot, choices: readonly (readonly [string, string])[]): Suggestion[] {
  return choices.flatMap(([label, detail]) => {
    const from = label.toLowerCase().indexOf(spot.prefix.toLowerCase());
    return from < 0 ? [] : [{ section, label, from, to: from + spot.prefix.length, detail, insert: `${label} ` }];
  });
}

function attributeSuggestions(spot: Spot, known: Known): Suggestion[] {
  const wanted = readPath(spot.prefix).toLowerCase();
  const words = Object.entries(filterWords)
    .filter(([word]) => wanted !== "" && word.startsWith(wanted))
    .map(([path, detail]) => ({ path, detail }));
  const found = known.definitions.map(({ path, type, run_count }) => ({
    path,
    detail: `${known.typeNames[type]} · ${run_count} ${run_count === 1 ? "run" : "runs"}`,
  }));
  const ranked = [...found, ...words]
    .map((one) => ({ ...one, from: one.path.toLowerCase().indexOf(wanted) }))
    .filter((one) => one.from >= 0)
    .sort((one, other) => rank(one) - rank(other) || one.path.length - other.path.length);
  const attributes = ranked.slice(0, MOST).map(({ path, detail, from }) => ({
    section: "attributes",
    label: path,
    from,
    to: from + wanted.length,
    detail,
    insert: `${writePath(path)} `,
  }));
  const series = known.definitions.filter(
    (one) => one.type === "float_series" && wanted !== "" && one.path.toLowerCase().includes(wanted),
  );
  const aggregations = series.slice(0, 2).map(({ path }): Suggestion => {
    const from = 5 + path.toLowerCase().indexOf(wanted);
    return {
      section: "aggregation of a series",
      label: `last(${path})`,
      from,
      to: from + wanted.length,
      detail: "value at the last step",
      insert: `last(${writePath(path)}) `,
    };
  });
  return [...attributes, ...aggregations];
}

/** What begins with what was written stands before what has a part that does, and that before what has it anywhere. */
function rank({ path, from }: { path: string; from: number }): number {
  return from === 0 ? 0 : path[from - 1] === "/" ? 1 : 2;
}

function typeOf(path: string | null, known: Known): AttributeType | undefined {
  const types = new Set(known.definitions.filter((one) => one.path === path).map((one) => one.type));
  if (types.size === 1) return [...types][0];
  if (path === null || types.size > 1 || !Object.hasOwn(filterWords, path)) return undefined;
  return filterWords[path]!.replace(" ", "_") as AttributeType;
}

function operatorSuggestions(spot: Spot, known: Known): Suggestion[] {
  const fitting = operatorsFor(typeOf(spot.attribute, known));
  if (!spot.isNegated) return plain("operators", spot, fitting);
  const negated = fitting
    .filter(([label]) => label.startsWith("not "))
    .map(([label, detail]) => [label.slice(4), detail] as const);
  return plain("operators", spot, negated);
}

function valueSuggestions(spot: Spot, known: Known): Suggestion[] {
  const type = typeOf(spot.attribute, known);
  const wanted = (spot.prefix.startsWith('"') ? spot.prefix.slice(1) : spot.prefix).toLowerCase();
  const isBare =
    type === "bool" || type === "float" || type === "int" || type === "float_series" || type === "datetime";
  const states = spot.attribute === "state" || spot.attribute === "sys/state" ? STATES : [];
  const bools = type === "bool" ? ["true", "false"] : [];
  const values = [...new Set([...states, ...bools, ...known.values])];
  return values
    .map((label) => ({ label, from: label.toLowerCase().indexOf(wanted) }))
    .filter(({ label, from }) => from >= 0 && label.toLowerCase() !== wanted)
    .slice(0, MOST)
    .map(({ label, from }) => ({
      section: "values",
      label,
      from,
      to: from + wanted.length,
      detail: "",
      insert: `${isBare ? label : writeText(label)} `,
    }));
}

/** Return the text and the caret after a suggestion was taken. */
export function taken(text: string, spot: Spot, suggestion: Suggestion): { text: string; caret: number } {
  const rest = text.slice(spot.end);
  const insert = rest.startsWith(" ") || rest.startsWith(")") ? suggestion.insert.trimEnd() : suggestion.insert;
  return {
    text: text.slice(0, spot.start) + insert + rest,
    caret: spot.start + insert.length + (rest.startsWith(" ") ? 1 : 0),
  };
}
