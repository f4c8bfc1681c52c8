const PIECES = /(?<comment>#[^\n]*)|(?<text>"[^"\n]*")|(?<word>\b(?:from|import|as|for|in|with|def|return|if|else)\b)/g;

/** Python, in few colours. */
export function Code({ code }: { code: string }) {
  const parts: preact.ComponentChild[] = [];
  let end = 0;
  for (const match of code.matchAll(PIECES)) {
    parts.push(code.slice(end, match.index));
    const kind = Object.entries(match.groups ?? {}).find(([, found]) => found !== undefined)?.[0];
    parts.push(
      <span key={match.index} class={`code-${kind}`}>
        {match[0]}
      </span>,
    );
    end = match.index + match[0].length;
  }
  parts.push(code.slice(end));
  return (
    <pre class="code" tabIndex={0}>
      <code>{parts}</code>
    </pre>
  );
}
