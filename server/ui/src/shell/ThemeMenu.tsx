import { type Signal, signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { IconButton } from "../controls/Button";
import { Icon, type IconName } from "../controls/icons";
import { Popup } from "../controls/Popup";
import type { Palette, Theme } from "../marks/colour";
import { chosenTheme, palette } from "../state/theme";

type Choice<T> = { value: T; text: string; icon?: IconName };

const themes: readonly Choice<Theme | "system">[] = [
  { value: "system", text: "As the system", icon: "system" },
  { value: "light", text: "Light", icon: "sun" },
  { value: "dark", text: "Dark", icon: "moon" },
];
const palettes: readonly Choice<Palette>[] = [
  { value: "hues", text: "A hue for every run" },
  { value: "safe", text: "Eight colours, colour-blind safe" },
];
const isOpen = signal(false);

/** Light or dark, and from which colours runs have theirs. */
export function ThemeMenu() {
  const wrapper = useRef<HTMLSpanElement>(null);
  const close = () => {
    isOpen.value = false;
  };
  return (
    <span ref={wrapper}>
      <IconButton
        icon={themes.find((one) => one.value === chosenTheme.value)?.icon ?? "sun"}
        label="Theme and colours"
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      />
      {isOpen.value && (
        <Popup
          anchor={wrapper.current}
          label="Theme and colours"
          role="menu"
          className="menu"
          align="right"
          onClose={close}
        >
          <Choices head="Theme" choices={themes} chosen={chosenTheme} onChoose={close} />
          <Choices head="Colours of runs" choices={palettes} chosen={palette} onChoose={close} />
        </Popup>
      )}
    </span>
  );
}

type ChoicesProps<T> = { head: string; choices: readonly Choice<T>[]; chosen: Signal<T>; onChoose: () => void };

function Choices<T extends string>({ head, choices, chosen, onChoose }: ChoicesProps<T>) {
  return (
    <>
      <div class="menu-head">{head}</div>
      {choices.map((one) => (
        <button
          key={one.value}
          type="button"
          class="menu-item"
          role="menuitemradio"
          aria-checked={chosen.value === one.value}
          onClick={() => {
            chosen.value = one.value;
            onChoose();
          }}
        >
          {one.icon && <Icon name={one.icon} />} {one.text}{" "}
          {chosen.value === one.value && <Icon name="check" size={14} />}
        </button>
      ))}
    </>
  );
}
