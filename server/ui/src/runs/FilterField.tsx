import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../controls/icons";
import { shortcut } from "../state/keys";
import { listing, queryError } from "../state/runs";
import { filter, mode } from "../state/view";
import { formatStep } from "../text/format";

/** The filter, in the query language. */
export function FilterField() {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => shortcut("/", "filter runs", () => input.current?.focus()), []);
  const now = listing.value;
  const all = mode.value === "experiments" ? now?.experiment_count : now?.run_count;
  return (
    <div class={queryError.value ? "field filter-field invalid" : "field filter-field"}>
      <Icon name="search" size={14} />
      <input
        ref={input}
        class="mono"
        aria-label="Filter"
        placeholder="filter: lr <= 3e-4 and val/loss < 0.3"
        spellcheck={false}
        value={filter.value}
        onInput={(event) => {
          filter.value = event.currentTarget.value;
        }}
      />
      {now && (
        <span class="count">
          {formatStep(now.total)} of {formatStep(all)}
        </span>
      )}
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}
