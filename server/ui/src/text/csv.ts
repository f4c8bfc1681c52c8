/** The first rows of a text of separated values. */
export type CsvHead = { rows: string[][]; isCut: boolean };

/** Read the first rows of a text of separated values (RFC 4180); the separator is whichever the first line holds most of. */
export function readCsvHead(text: string, most: number): CsvHead {
  const first = text.slice(0, text.search(/\r?\n|$/));
  const separator = ([",", "\t", ";"] as const).reduce((best, one) =>
    first.split(one).length > first.split(best).length ? one : best,
  );
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let isQuoted = false;
  let at = 0;
  for (; at < text.length && rows.length < most; at++) {
    const character = text[at]!;
    if (isQuoted) {
      if (character === '"' && text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else if (character === '"') isQuoted = false;
      else cell += character;
    } else if (character === '"' && cell === "") isQuoted = true;
    else if (character === separator) {
      row.push(cell);
      cell = "";
    } else if (character === "\n") {
      rows.push([...row, cell.replace(/\r$/, "")]);
      row = [];
      cell = "";
    } else cell += character;
  }
  if (rows.length < most && (cell !== "" || row.length > 0)) rows.push([...row, cell]);
  return { rows, isCut: at < text.length };
}
