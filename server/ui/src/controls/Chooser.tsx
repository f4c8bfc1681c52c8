import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icons";
import { Popup } from "./Popup";

/** One of many that can be chosen. */
export type Choice = { key: string; text: ComponentChildren; title?: string; aside?: ComponentChildren };

/** Props of `Chooser`. */
export type ChooserProps = {
  /** What is chosen, for those who do not see it. */
  label: string;
  /** What the button shows. */
  children: ComponentChildren;
  choices: readonly Choice[];
  chosen: string | null;
  placeholder: string;
  /** What is typed. Whoever searches elsewhere gives other choices; else choices are searched by their keys. */
  search: string;
  onSearch: (text: string) => void;
  onChoose: (key: string) => void;
  /** What is said where nothing is found. */
  nothing: string;
  align?: "left" | "right";
  /** Whether what is chosen is the page's heading, and needs no word before it. */
  isHeading?: boolean;
};

/** A button that opens a list of many choices with a search in it. */
export function Chooser(props: ChooserProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  const close = () => {
    setOpen(false);
    props.onSearch("");
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="button chooser"
        aria-haspopup="listbox"
        aria-expanded={isOpen}
        title={props.label}
        onClick={() => (isOpen ? close() : setOpen(true))}
      >
        {!props.isHeading && <span class="unseen">{props.label}: </span>}
        {props.children} <Icon name="down" size={14} />
      </button>
      {isOpen && (
        <Popup
          anchor={button.current}
          label={props.label}
          className="chooser-popup"
          align={props.align ?? "left"}
          onClose={close}
        >
          <Search {...props} onClose={close} />
        </Popup>
      )}
    </>
  );
}

function Search(props: ChooserProps & { onClose: () => void }) {
  const { choices, chosen, search, onSearch, onChoose, onClose } = props;
  const id = useId();
  const [active, setActive] = useState(0);
  const at = Math.min(active, choices.length - 1);
  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    onChoose(choice.key);
    onClose();
  };
  const walk = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0 && choices.length > 0) setActive((at + by + choices.length) % choices.length);
    else if (event.key === "Enter") choose(choices[at]);
    else return;
    event.preventDefault();
    const next = (at + by + choices.length) % choices.length;
    document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  return (
    <>
      <div class="field">
        <Icon name="search" size={14} />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={choices.length > 0 ? `${id}-${at}` : undefined}
          aria-label={props.label}
          placeholder={props.placeholder}
          value={search}
          spellcheck={false}
          onInput={(event) => {
            setActive(0);
            onSearch(event.currentTarget.value);
          }}
          onKeyDown={walk}
        />
      </div>
      <div id={`${id}-list`} class="choices" role="listbox" aria-label={props.label}>
        {choices.map((choice, index) => (
          <div
            key={choice.key}
            id={`${id}-${index}`}
            class="menu-item"
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            title={choice.title}
            onPointerMove={() => setActive(index)}
            onClick={() => choose(choice)}
            onKeyDown={(event) => event.key === "Enter" && choose(choice)}
          >
            <span class="choice-text">{choice.text}</span>
            {choice.key === chosen && <Icon name="check" size={14} />}
            {choice.aside !== undefined && <span class="aside">{choice.aside}</span>}
          </div>
        ))}
      </div>
      {choices.length === 0 && <p class="dim nothing">{props.nothing}</p>}
    </>
  );
}
