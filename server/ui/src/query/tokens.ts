/** What a piece of a filter is: of its grammar, or nothing that means anything. */
export type Role = "attribute" | "aggregate" | "type" | "operator" | "value" | "keyword" | "parenthesis" | "bad";
/** A piece of a filter, by places of characters in its text; `end` is behind it. */
export type Token = { start: number; end: number; text: string; role: Role; isOpen: boolean };
/** What can stand at a place. */
export type Expected = "attribute" | "operator" | "value" | "join" | "type";

const PATTERN =
  /(?<blank>\s+)|(?<path>`(?:[^`]|``)*`)|(?<quoted>"(?:[^"\\]|\\[\s\S])*")|(?<datetime>\d{4}-\d\d-\d\dT\d\d:[\d:.,]+(?:Z|[+-][\d:.]+)?(?![^\s()]))|(?<symbol>==|!=|>=|<=|[=<>():])|(?<word>[^\s`"():=!<>]+)/y;
const AGGREGATES = new Set(["last", "min", "max", "average", "variance"]);

/** Return the tokens of a filter with what each is, and what can stand behind each of them. */
export function readTokens(text: string): { tokens: Token[]; after: Expected[] } {
  const tokens: Token[] = [];
  const after: Expected[] = [];
  let state: Expected = "attribute";
  let isInAggregate = false;
  for (const piece of pieces(text)) {
    const word = piece.kind === "word" ? piece.text.toUpperCase() : "";
    let role: Role = "bad";
    if (piece.kind === "bad") role = "bad";
    else if (state === "type") {
      role = piece.kind === "word" ? "type" : "bad";
      state = isInAggregate ? "attribute" : "operator";
    } else if (piece.kind === "symbol" && (piece.text === "(" || piece.text === ")")) {
      role = "parenthesis";
      if (piece.text === ")") {
        state = isInAggregate ? "operator" : "join";
        isInAggregate = false;
      }
    } else if (state === "attribute") {
      if (word === "NOT") role = "keyword";
      else if (word === "TRUE" || word === "FALSE") [role, state] = ["keyword", "join"];
      else if (AGGREGATES.has(piece.text) && /^\s*\(/.test(text.slice(piece.end)))
        [role, isInAggregate] = ["aggregate", true];
      else if (piece.kind === "word" || piece.kind === "path" || piece.kind === "datetime") {
        role = "attribute";
        if (!isInAggregate) state = "operator";
      } else if (piece.text === ":" && isInAggregate) [role, state] = ["operator", "type"];
    } else if (state === "operator") {
      if (piece.text === ":") [role, state] = ["operator", "type"];
      else if (piece.kind === "symbol") [role, state] = ["operator", "value"];
      else if (word === "NOT") role = "keyword";
      else if (word === "EXISTS") [role, state] = ["keyword", "join"];
      else if (word === "MATCHES" || word === "CONTAINS") [role, state] = ["keyword", "value"];
    } else if (state === "value") {
      if (piece.kind !== "symbol") [role, state] = ["value", "join"];
    } else if (word === "AND" || word === "OR") [role, state] = ["keyword", "attribute"];
    tokens.push({ start: piece.start, end: piece.end, text: piece.text, role, isOpen: piece.isOpen });
    after.push(state);
  }
  return { tokens, after };
}

type Piece = { kind: string; text: string; start: number; end: number; isOpen: boolean };

function* pieces(text: string): Generator<Piece> {
  let start = 0;
  while (start < text.length) {
    PATTERN.lastIndex = start;
    const match = PATTERN.exec(text);
    if (!match) {
      // What was begun with a quote and not ended goes on to the end.
      const isQuote = text[start] === '"' || text[start] === "`";
      const end = isQuote ? text.length : start + 1;
      const kind = !isQuote ? "bad" : text[start] === '"' ? "quoted" : "path";
      yield { kind, text: text.slice(start, end), start, end, isOpen: isQuote };
      start = end;
      continue;
    }
    const kind = Object.entries(match.groups ?? {}).find(([, part]) => part !== undefined)?.[0] ?? "bad";
    const end = start + match[0].length;
    if (kind !== "blank") yield { kind, text: match[0], start, end, isOpen: false };
    start = end;
  }
}

const BARE = /^[^\s`"():=!<>]+$/;
const KEYWORDS = new Set(["AND", "OR", "NOT", "EXISTS", "MATCHES", "CONTAINS", "TRUE", "FALSE"]);

/** Write a path as filters have it: as it is where it can be read so, else in back-ticks. */
export function writePath(path: string): string {
  const isBare = BARE.test(path) && !KEYWORDS.has(path.toUpperCase()) && !AGGREGATES.has(path);
  return isBare ? path : `\`${path.replaceAll("`", "``")}\``;
}

/** Read a path as a filter has it. */
export function readPath(text: string): string {
  if (!text.startsWith("`")) return text;
  return text.slice(1, text.length > 1 && text.endsWith("`") ? -1 : undefined).replaceAll("``", "`");
}

/** Write a text as a value. */
export function writeText(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Read a value that stands in quotes. */
export function readText(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined).replaceAll(/\\(["\\])/g, "$1");
}

/** Return where the character stands that is the `position`th of a text, as JavaScript counts. */
export function unitsOf(text: string, position: number): number {
  return [...text].slice(0, position).join("").length;
}
