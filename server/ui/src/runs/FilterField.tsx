import { useEffect, useId, useRef, useState } from "preact/hooks";
import { IconButton } from "../controls/Button";
import { Icon } from "../controls/icons";
import { type Spot, type Suggestion, spotAt, taken } from "../query/completion";
import { readTokens, unitsOf } from "../query/tokens";
import { place } from "../state/address";
import { shortcut } from "../state/keys";
import { status } from "../state/live";
import { listing, queryError, question } from "../state/runs";
import { filter, mode } from "../state/view";
import { formatStep } from "../text/format";
import { FilterBuilder } from "./FilterBuilder";
import { Suggestions, useSuggestions } from "./Suggestions";

/** The filter in the query language: colours, completion, what is wrong with it, and the builder that writes it. */
export function FilterField({ keys = "/" }: { keys?: string }) {
  const field = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [caret, setCaret] = useState<number | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const [isBuilding, setBuilding] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const list = useId();
  const text = filter.value;
  const spot = caret === null ? null : spotAt(text, caret);
  const suggestions = useSuggestions(spot);
  const isOpen = spot !== null && suggestions.length > 0;
  useEffect(() => {
    // beside charts the key is that of their search
    if (place.peek().page !== "charts") return shortcut("/", "filter runs", () => input.current?.focus());
  }, []);
  const isAnswered = listing.value?.question === question.value;
  useEffect(() => {
    if (isLeaving && isAnswered) document.querySelector<HTMLElement>("[role=treegrid]")?.focus(); // on to what was found
  }, [isLeaving, isAnswered]);
  const close = () => {
    setCaret(null);
    setChosen(null);
  };
  const take = (suggestion: Suggestion, where: Spot) => {
    const next = taken(filter.peek(), where, suggestion);
    filter.value = next.text;
    const element = input.current;
    if (element) {
      element.value = next.text; // the caret can only stand where there is text
      element.focus();
      element.setSelectionRange(next.caret, next.caret);
    }
    setCaret(next.caret);
    setChosen(null);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" && event.altKey) return setCaret(input.current?.selectionStart ?? 0);
    if (event.key === "Enter" && chosen === null) {
      close();
      return setLeaving(true);
    }
    if (!isOpen || !spot) {
      if (event.key === "ArrowDown") setCaret(input.current?.selectionStart ?? text.length);
      return;
    }
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) setChosen(((chosen ?? (step > 0 ? -1 : 0)) + step + suggestions.length) % suggestions.length);
    else if (event.key === "Tab" && !event.shiftKey) take(suggestions[chosen ?? 0]!, spot);
    else if (event.key === "Enter") take(suggestions[chosen!]!, spot);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  // Of a project that is being read for the first time, nobody knows yet which attributes there are.
  const error = status.value?.is_reading ? null : queryError.value;
  return (
    <>
      <div ref={field} class={error && !isOpen ? "field filter-field invalid" : "field filter-field"}>
        <Icon name="search" size={14} />
        <div class="query">
          <QueryColours text={text} input={input.current} />
          <input
            ref={input}
            role="combobox"
            aria-label="Filter"
            aria-autocomplete="list"
            aria-expanded={isOpen}
            aria-controls={isOpen ? list : undefined}
            aria-activedescendant={isOpen && chosen !== null ? `${list}-${chosen}` : undefined}
            aria-invalid={error !== null}
            aria-describedby={error ? `${list}-error` : undefined}
            placeholder="filter: lr <= 3e-4 and val/loss < 0.3"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={text}
            onInput={(event) => {
              filter.value = event.currentTarget.value;
              setCaret(event.currentTarget.selectionStart);
              setChosen(null);
              setLeaving(false);
            }}
            onKeyDown={press}
            onClick={(event) => caret !== null && setCaret(event.currentTarget.selectionStart)}
            onBlur={() => {
              close();
              setLeaving(false);
            }}
          />
        </div>
        {text !== "" && (
          <IconButton
            isSmall
            icon="close"
            label="Clear the filter"
            onClick={() => {
              filter.value = "";
              input.current?.focus();
            }}
          />
        )}
        <Matches />
        <IconButton
          isSmall
          icon="plus"
          label="Build a filter"
          aria-haspopup="dialog"
          aria-expanded={isBuilding}
          onClick={() => setBuilding(!isBuilding)}
        />
        {place.value.page !== "charts" && <kbd aria-hidden="true">{keys}</kbd>}
        {isOpen && spot && (
          <Suggestions id={list} suggestions={suggestions} chosen={chosen} onTake={(one) => take(one, spot)} />
        )}
        {error && !isOpen && (
          <p id={`${list}-error`} class="filter-error" role="status">
            <span class="bad">{error.text.replace(/[^.?!]$/, "$&.")}</span>
            {listing.value && <span class="dim"> The table shows the last valid filter.</span>}
          </p>
        )}
      </div>
      {isBuilding && <FilterBuilder anchor={field.current} onClose={() => setBuilding(false)} />}
    </>
  );
}

/** How many rows satisfy the filter. */
function Matches() {
  const now = listing.value;
  if (!now) return null;
  const all = mode.value === "experiments" ? now.experiment_count : now.run_count;
  return (
    <span class="count" role="status">
      {formatStep(now.total)} of {formatStep(all)}
    </span>
  );
}

/** The filter behind its field, in colours; what is wrong is underlined where the server found it. */
function QueryColours({ text, input }: { text: string; input: HTMLInputElement | null }) {
  const colours = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!input) return;
    const follow = () => {
      if (colours.current) colours.current.scrollLeft = input.scrollLeft;
    };
    follow();
    input.addEventListener("scroll", follow);
    return () => input.removeEventListener("scroll", follow);
  }, [input, text]);
  const wrong = queryError.value?.position ?? null;
  const wrongAt = wrong === null ? null : unitsOf(text, wrong + leadingBlanks(text));
  const parts: preact.JSX.Element[] = [];
  let end = 0;
  for (const token of readTokens(text).tokens) {
    const isWrong = wrongAt !== null && token.start <= wrongAt && wrongAt < token.end;
    parts.push(
      <span key={token.start}>
        {text.slice(end, token.start)}
        <span class={`token ${token.role}${isWrong ? " wrong" : ""}`}>{token.text}</span>
      </span>,
    );
    end = token.end;
  }
  return (
    <div ref={colours} class="query-colours" aria-hidden="true">
      {parts}
      {text.slice(end)}
      {wrongAt !== null && wrongAt >= end && text !== "" && <span class="token wrong">{"\u00a0"}</span>}
    </div>
  );
}

/** The server is sent the filter without blanks around it, and counts from there. */
function leadingBlanks(text: string): number {
  return text.length - text.trimStart().length;
}
