import { useEffect, useRef, useState } from "preact/hooks";
import { type Spot, type Suggestion, suggestionsFor } from "../query/completion";
import { readPath } from "../query/tokens";
import { findDefinitions, findValues, knownDefinitions } from "../state/definitions";
import { listing, queryError } from "../state/runs";
import { mode } from "../state/view";
import { formatStep } from "../text/format";
import { typeNames } from "../text/types";

const PAUSE_MS = 60;

/** Return what could stand where something is being written; what is needed for that is fetched. */
export function useSuggestions(spot: Spot | null): Suggestion[] {
  const [values, setValues] = useState<{ of: string; values: string[] }>({ of: "", values: [] });
  const expected = spot?.expected ?? null;
  const searched = spot === null ? null : expected === "attribute" ? readPath(spot.prefix) : (spot.attribute ?? "");
  useEffect(() => {
    if (searched === null) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      void findDefinitions(searched, abort.signal);
      if (expected === "value")
        void findValues(searched, abort.signal).then((found) => {
          if (!abort.signal.aborted) setValues({ of: searched, values: found });
        });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [searched, expected]);
  if (!spot) return [];
  return suggestionsFor(spot, {
    definitions: [...knownDefinitions.value.values()],
    values: values.of === spot.attribute ? values.values : [],
    typeNames,
    of: mode.value,
  });
}

/** Props of `Suggestions`. */
export type SuggestionsProps = {
  id: string;
  suggestions: readonly Suggestion[];
  /** Which one the keyboard is at; null takes the first. */
  chosen: number | null;
  onTake: (suggestion: Suggestion) => void;
};

/** What could stand at the caret, below the field. The focus stays in the field. */
export function Suggestions({ id, suggestions, chosen, onTake }: SuggestionsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const now = listing.value;
  const all = mode.value === "experiments" ? now?.experiment_count : now?.run_count;
  return (
    <div class="popup suggestions">
      <div ref={list} class="suggestions-list" role="listbox" id={id} aria-label="What could stand here">
        {suggestions.map((one, at) => (
          <div key={`${one.section} ${one.label}`} role="presentation">
            {one.section !== suggestions[at - 1]?.section && (
              <div class="menu-head" role="presentation">
                {one.section}
              </div>
            )}
            <div
              id={`${id}-${at}`}
              class="menu-item"
              role="option"
              tabIndex={-1}
              aria-selected={at === (chosen ?? 0)}
              onPointerDown={(event) => {
                event.preventDefault();
                onTake(one);
              }}
            >
              <span class="mono suggestion-label">
                {one.label.slice(0, one.from)}
                <b>{one.label.slice(one.from, one.to)}</b>
                {one.label.slice(one.to)}
              </span>
              <span class="aside">{one.detail}</span>
            </div>
          </div>
        ))}
      </div>
      <div class="suggestions-foot">
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> choose
        </span>
        <span>
          <kbd>Tab</kbd> take
        </span>
        <span>
          <kbd>Esc</kbd> close
        </span>
        <span class="foot-end">
          {queryError.value ? "not yet a filter" : now && `${formatStep(now.total)} of ${formatStep(all)} match so far`}
        </span>
      </div>
    </div>
  );
}
