import "./lineage.css";
import { useRef, useState } from "preact/hooks";
import { Button, type ButtonProps } from "../controls/Button";
import { formatStep } from "../text/format";
import { type ForkedRun, ForkPopup } from "./ForkPopup";

/** Props of `ForkFromHere`. */
export type ForkFromHereProps = {
  run: ForkedRun;
  /** The step to fork from; it can be changed in what opens. */
  step: number;
  text?: string;
  kind?: NonNullable<ButtonProps["kind"]>;
  /** Whether it stands in a sentence. */
  isLink?: boolean;
};

/** A button that shows what to type to fork from a step, in the words of the framework that wrote the run. */
export function ForkFromHere({ run, step, text = "Fork from here", kind = "plain", isLink }: ForkFromHereProps) {
  const button = useRef<HTMLSpanElement>(null);
  const [isOpen, setOpen] = useState(false);
  const opens = {
    "aria-haspopup": "dialog",
    "aria-expanded": isOpen,
    onClick: () => setOpen(!isOpen),
  } as const;
  const title = `What to type to fork ${run.name} at step ${formatStep(step)}`;
  return (
    <span ref={button} class="fork-button">
      {isLink ? (
        <button {...opens} type="button" class="link" title={title}>
          fork there
        </button>
      ) : (
        <Button {...opens} kind={kind} icon="fork" title={title}>
          {text}
        </Button>
      )}
      {isOpen && <ForkPopup anchor={button.current} run={run} step={step} onClose={() => setOpen(false)} />}
    </span>
  );
}
