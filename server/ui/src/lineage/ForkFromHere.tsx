import "./lineage.css";
import { useRef, useState } from "preact/hooks";
import { getJson, projectPath } from "../api/client";
import type { ResumeCode } from "../api/types";
import { Button, type ButtonProps, IconButton } from "../controls/Button";
import { copy } from "../controls/clipboard";
import { Popup } from "../controls/Popup";
import { place } from "../state/address";
import { useAnswer } from "../state/answer";
import { colourOf } from "../state/theme";
import { formatStep } from "../text/format";

/** A run that one can fork from. */
export type ForkedRun = { run_id: string; name: string; number: number };

/** Props of `ForkFromHere`. */
export type ForkFromHereProps = {
  run: ForkedRun;
  /** The step to fork from. */
  step: number;
  text?: string;
  kind?: NonNullable<ButtonProps["kind"]>;
};

/** A button that shows what to type to fork from a step, in the words of the framework that wrote the run. */
export function ForkFromHere({ run, step, text = "Fork from here", kind = "plain" }: ForkFromHereProps) {
  const button = useRef<HTMLSpanElement>(null);
  const [isOpen, setOpen] = useState(false);
  return (
    <span ref={button} class="fork-button">
      <Button
        kind={kind}
        icon="fork"
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        title={`What to type to fork ${run.name} at step ${formatStep(step)}`}
        onClick={() => setOpen(!isOpen)}
      >
        {text}
      </Button>
      {isOpen && <ForkPopup anchor={button.current} run={run} step={step} onClose={() => setOpen(false)} />}
    </span>
  );
}

const frameworks: Record<ResumeCode["framework"], string> = {
  lightning: "PyTorch Lightning",
  trainer: "Hugging Face Trainer",
  accelerate: "Accelerate",
  keras: "Keras",
  own: "a loop of your own",
};

/** Props of `ForkPopup`. */
export type ForkPopupProps = { anchor: Element | null; run: ForkedRun; step: number; onClose: () => void };

/** What to type to fork from a step: it floats below what asked for it. */
export function ForkPopup({ anchor, run, step, onClose }: ForkPopupProps) {
  const project = place.value.project!;
  const answer = useAnswer<ResumeCode>(
    `resume-code\n${project}\n${run.run_id}\n${step}`,
    (signal) => getJson(projectPath(project, "resume-code"), { run: run.run_id, step }, signal),
    [],
  );
  const found = answer.value;
  return (
    <Popup
      anchor={anchor}
      label={`Fork ${run.name} at step ${formatStep(step)}`}
      className="fork-popup"
      align="right"
      onClose={onClose}
    >
      <header>
        <p>
          Fork{" "}
          <span class="run-name" style={{ color: colourOf(run).text }} title={run.run_id}>
            {run.name}
          </span>{" "}
          at step <b>{formatStep(step)}</b>
        </p>
        {found && <span class="dim">{frameworks[found.framework]}</span>}
        <IconButton icon="close" label="Close" isSmall onClick={onClose} />
      </header>
      {answer.error && <p class="bad">{answer.error}</p>}
      {!found && !answer.error && <p class="dim">{answer.isSlow ? "asking the server" : " "}</p>}
      {found && (
        <>
          <div class="fork-code">
            <pre class="mono">{found.code}</pre>
            <Button kind="primary" icon="copy" data-first onClick={() => void copy(found.code, "Code")}>
              Copy
            </Button>
          </div>
          <p class="fork-note">{found.note}</p>
          {found.checkpoint !== null && (
            <p class="fork-path">
              <span class="mono" title={found.checkpoint}>
                {found.checkpoint}
              </span>
              <IconButton
                icon="copy"
                label="Copy the path of the checkpoint"
                isSmall
                onClick={() => void copy(found.checkpoint ?? "", "Path")}
              />
            </p>
          )}
        </>
      )}
    </Popup>
  );
}
