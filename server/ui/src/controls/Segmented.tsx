import type { ComponentChildren } from "preact";

/** Props of `Segmented`. */
export type SegmentedProps<T extends string> = {
  label: string;
  value: T;
  options: readonly { value: T; text: ComponentChildren; title?: string }[];
  onChange: (value: T) => void;
};

/** One of a few choices, all of them seen; arrow keys move between them. */
export function Segmented<T extends string>({ label, value, options, onChange }: SegmentedProps<T>) {
  const move = (event: KeyboardEvent) => {
    const by =
      event.key === "ArrowRight" || event.key === "ArrowDown"
        ? 1
        : event.key === "ArrowLeft" || event.key === "ArrowUp"
          ? -1
          : 0;
    if (by === 0) return;
    event.preventDefault();
    const at = options.findIndex((option) => option.value === value);
    const next = options[(at + by + options.length) % options.length]!;
    onChange(next.value);
    const buttons = (event.currentTarget as HTMLElement).querySelectorAll("button");
    buttons[options.indexOf(next)]?.focus();
  };
  return (
    <div class="segmented" role="radiogroup" aria-label={label} onKeyDown={move}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value ? 0 : -1}
          title={option.title}
          onClick={() => onChange(option.value)}
        >
          {option.text}
        </button>
      ))}
    </div>
  );
}
