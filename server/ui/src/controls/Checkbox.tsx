import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

/** Props of `Checkbox`. */
export type CheckboxProps = {
  /** What it shows and sets. */
  of: Signal<boolean>;
  title?: string;
  children: ComponentChildren;
};

/** Something that holds or does not. */
export function Checkbox({ of, title, children }: CheckboxProps) {
  return (
    <label class="checkbox" title={title}>
      <input
        type="checkbox"
        checked={of.value}
        onChange={(event) => {
          of.value = event.currentTarget.checked;
        }}
      />
      {children}
    </label>
  );
}
