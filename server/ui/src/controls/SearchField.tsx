import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { shortcut } from "../state/keys";
import { Icon } from "./icons";

/** Props of `SearchField`. */
export type SearchFieldProps = {
  /** What is searched for. */
  text: Signal<string>;
  /** What it does, as a sentence without its end: also what the key `/` is told to do. */
  label: string;
  placeholder: string;
  className: string;
  isInvalid?: boolean;
  onEnter?: (isBackwards: boolean) => void;
  /** What stands at its end. */
  children?: ComponentChildren;
};

/** A field to search in what is shown: `/` goes to it, Escape empties and leaves it. */
export function SearchField(props: SearchFieldProps) {
  const { text, label, placeholder, className, isInvalid = false, onEnter, children } = props;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => shortcut("/", label.toLowerCase(), () => field.current?.select()), [label]);
  return (
    <label class={isInvalid ? `field ${className} invalid` : `field ${className}`}>
      <Icon name="search" size={14} />
      <input
        ref={field}
        type="search"
        class="mono"
        placeholder={placeholder}
        aria-label={label}
        aria-invalid={isInvalid}
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") onEnter?.(event.shiftKey);
          if (event.key !== "Escape") return;
          text.value = "";
          event.currentTarget.blur();
        }}
      />
      {children}
    </label>
  );
}
