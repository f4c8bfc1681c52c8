import "./lineage.css";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson, projectPath } from "../api/client";
import type { ResumeCode } from "../api/types";
import { Button, IconButton } from "../controls/Button";
import { copy } from "../controls/clipboard";
import { Popup } from "../controls/Popup";
import { place } from "../state/address";
import { useAnswer } from "../state/answer";
import { colourOf } from "../state/theme";
import { formatStep } from "../text/format";
import { editedStep, readStep } from "../text/steps";

/** A run that one can fork from. */
export type ForkedRun = { run_id: string; name: string; number: number };

/** Props of `ForkPopup`. */
export type ForkPopupProps = { anchor: Element | null; run: ForkedRun; step: number; onClose: () => void };

const frameworks: Record<ResumeCode["framework"], string> = {
  lightning: "PyTorch Lightning",
  trainer: "Hugging Face Trainer",
  accelerate: "Accelerate",
  keras: "Keras",
  own: "a loop of your own",
};
const SETTLED_MS = 200;

/** What to type to fork from a step, which can be changed: it floats below what asked for it. */
export function ForkPopup({ anchor, run, step: first, onClose }: ForkPopupProps) {
  const [typed, setTyped] = useState(editedStep(first));
  const [step, setStep] = useState<number | null>(first);
  const answer = useResumeCode(run, step);
  const latest = useRef<ResumeCode | null>(null);
  latest.current = answer.value ?? latest.current;
  useEffect(() => {
    const timer = setTimeout(() => setStep(readStep(typed)), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const go = (to: number | null | undefined) => {
    if (to === null || to === undefined) return;
    setTyped(editedStep(to));
    setStep(to);
  };
  const near = latest.current;
  const found = readStep(typed) === step ? answer.value : null;
  return (
    <Popup anchor={anchor} label={`Fork ${run.name}`} className="fork-popup" align="right" onClose={onClose}>
      <header>
        <p>
          Fork <Name run={run} /> at step
        </p>
        <input
          class="field fork-step"
          inputMode="decimal"
          aria-label="Step to fork from"
          title="Up and down go to the next checkpoint and the one before"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "ArrowUp") go(near?.after);
            else if (event.key === "ArrowDown") go(near?.before);
            else if (event.key === "Enter") setStep(readStep(typed));
            else return;
            event.preventDefault();
          }}
        />
        <IconButton icon="close" label="Close" isSmall onClick={onClose} />
      </header>
      {answer.error && <p class="bad">{answer.error}</p>}
      {step === null && <p class="bad">“{typed}” is no step: those are numbers such as 275 or 0.5.</p>}
      {answer.isSlow && !found && !answer.error && <p class="dim">asking the server</p>}
      <div role="status">{found && <Told found={found} run={run} />}</div>
      <p class="fork-near">
        <CheckpointButton step={near?.before} text="checkpoint before" onChoose={go} />
        <CheckpointButton step={near?.after} text="checkpoint after" onChoose={go} />
      </p>
    </Popup>
  );
}

function useResumeCode(run: ForkedRun, step: number | null) {
  const project = place.value.project!;
  return useAnswer<ResumeCode>(
    step === null ? null : `resume-code\n${project}\n${run.run_id}\n${step}`,
    (signal) => getJson(projectPath(project, "resume-code"), { run: run.run_id, step }, signal),
    [],
  );
}

function Name({ run, children }: { run: ForkedRun; children?: ComponentChildren }) {
  return (
    <span class="run-name" style={{ color: colourOf(run).text }} title={run.run_id}>
      {children ?? run.name}
    </span>
  );
}

type CheckpointButtonProps = { step: number | null | undefined; text: string; onChoose: (step: number) => void };

function CheckpointButton({ step, text, onChoose }: CheckpointButtonProps) {
  if (step === null || step === undefined) return null;
  return (
    <button type="button" class="link" onClick={() => onChoose(step)}>
      {text}: {formatStep(step)}
    </button>
  );
}

/** The code, whose step it is, and what to know of it; or why there is none. */
function Told({ found, run }: { found: ResumeCode; run: ForkedRun }) {
  if (found.trouble !== null) return <p class="bad">{found.trouble}</p>;
  return (
    <>
      <p class="fork-writer">
        {found.run_id === run.run_id ? (
          <>
            Step {formatStep(found.step)} was written by <Name run={run} /> itself, which will be the fork's parent.
          </>
        ) : (
          <>
            Step {formatStep(found.step)} was written by <i title={found.run_id}>{found.name}</i>, from which{" "}
            <Name run={run} /> inherits it: the fork's parent will be <i>{found.name}</i>.
          </>
        )}
      </p>
      <div class="fork-code">
        <div>
          <span class="dim">{frameworks[found.framework]}</span>
          <pre class="mono">{found.code}</pre>
        </div>
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
  );
}
