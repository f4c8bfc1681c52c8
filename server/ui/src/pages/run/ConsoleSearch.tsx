import { useEffect, useRef, useState } from "preact/hooks";
import { IconButton } from "../../controls/Button";
import { SearchField } from "../../controls/SearchField";
import { useAnswer } from "../../state/answer";
import { type ConsoleView, type Hits, searchConsole } from "../../state/console";
import { shortcut } from "../../state/keys";
import { consoleSearch } from "../../state/view";
import { formatStep, plural } from "../../text/format";

const SEARCH_PAUSE_MS = 150;

/** Lines in which something is found, once it is typed. */
export function useHits(view: ConsoleView, search: string) {
  const [settled, setSettled] = useState(search);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(search), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [search]);
  const question = settled === "" ? null : `console\n${JSON.stringify(view)}\n${settled}`;
  return useAnswer<Hits>(question, (signal) => searchConsole(view, settled, signal), [view.run]);
}

/** Props of `ConsoleSearch`. */
export type ConsoleSearchProps = {
  hits: ReturnType<typeof useHits>;
  current: number | null;
  next: (isBackwards: boolean) => void;
};

/** Searches the console, and goes from match to match. */
export function ConsoleSearch({ hits, current, next }: ConsoleSearchProps) {
  const latest = useRef(next);
  latest.current = next;
  useEffect(() => {
    const ends = [
      shortcut("n", "next match", () => latest.current(false)),
      shortcut("N", "match before", () => latest.current(true)),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, []);
  const found = hits.value;
  const at = found && current !== null ? found.lines.indexOf(current) : -1;
  const count = found && (at >= 0 ? `${at + 1} of ${formatStep(found.total)}` : plural(found.total, "line"));
  return (
    <>
      <SearchField
        text={consoleSearch}
        label="Search the console"
        placeholder="search"
        className="console-search"
        isInvalid={hits.error !== null}
        onEnter={next}
      >
        <span class="search-count" role="status">
          {consoleSearch.value && count}
        </span>
      </SearchField>
      {consoleSearch.value && found && found.lines.length > 0 && (
        <span class="search-steps">
          <IconButton icon="up" label="Match before (Shift-Enter)" isSmall onClick={() => next(true)} />
          <IconButton icon="down" label="Next match (Enter)" isSmall onClick={() => next(false)} />
        </span>
      )}
    </>
  );
}
