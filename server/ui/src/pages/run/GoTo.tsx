import { useEffect, useRef, useState } from "preact/hooks";
import { postJson, projectPath, sentence } from "../../api/client";
import type { Point, RunValues } from "../../api/types";
import { lineAtTime } from "../../console/text";
import { Button } from "../../controls/Button";
import { Popup } from "../../controls/Popup";
import { type ConsoleView, timeOfLine } from "../../state/console";
import { shortcut } from "../../state/keys";
import { chooseMetrics } from "../../state/outcome";
import { pinnedMetric } from "../../state/view";
import { formatStep } from "../../text/format";

/** Props of `GoTo`. */
export type GoToProps = { view: ConsoleView; found: RunValues; total: number; jump: (line: number) => void };

/** Go to a line by its number, or to what was printed when a step was logged. */
export function GoTo({ view, found, total, jump }: GoToProps) {
  const wrapper = useRef<HTMLSpanElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [failure, setFailure] = useState("");
  useEffect(() => shortcut("g", "go to a line or step of the console", () => setOpen(true)), []);
  const close = () => setOpen(false);
  const toLine = (number: number) => {
    const line = Math.round(number);
    if (line < 1 || line > total) return setFailure(`There are lines 1 to ${formatStep(total)}.`);
    jump(line - 1);
    close();
  };
  const { last_step } = found.run;
  const toStep = async (step: number) => {
    if (step > last_step!) return setFailure(`The last step is ${formatStep(last_step)}.`);
    try {
      const line = await lineOfStep(view, found, total, step);
      if (line === null) setFailure(`No metric was logged up to step ${formatStep(step)}.`);
      else toLine(line + 1);
    } catch (error) {
      setFailure(sentence(error));
    }
  };
  return (
    <span ref={wrapper}>
      <Button kind="quiet" aria-haspopup="dialog" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        go to
      </Button>
      {isOpen && (
        <Popup anchor={wrapper.current} label="Go to" align="right" className="go-to" onClose={close}>
          {last_step !== null && <NumberField label="step" most={last_step} onEnter={(step) => void toStep(step)} />}
          <NumberField label="line" most={total} onEnter={toLine} />
          {failure && <p class="bad">{failure}</p>}
        </Popup>
      )}
    </span>
  );
}

type NumberFieldProps = { label: string; most: number; onEnter: (value: number) => void };

function NumberField({ label, most, onEnter }: NumberFieldProps) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const input = event.currentTarget.elements.namedItem("number") as HTMLInputElement;
        if (input.value !== "") onEnter(Number(input.value));
      }}
    >
      <label>
        {label}
        <span class="field">
          <input name="number" type="number" step="any" min="0" placeholder={`to ${formatStep(most)}`} />
        </span>
      </label>
      <button class="button" type="submit">
        Go
      </button>
    </form>
  );
}

/** Return the first line that was printed when a step was logged, or later; null if no metric was, up to it. */
async function lineOfStep(view: ConsoleView, found: RunValues, total: number, step: number): Promise<number | null> {
  if (total === 0) return null;
  for (const path of chooseMetrics(found, pinnedMetric.peek())) {
    const body = { run_ids: [view.run], path, x: { kind: "step", value: step }, inherited: "lineage" };
    const { points } = await postJson<{ points: Point[] }>(projectPath(view.project, "series/at"), body);
    const moment = Date.parse(points[0]?.time ?? "") / 1000;
    if (Number.isFinite(moment)) return lineAtTime(total, moment, (line) => timeOfLine(view, line));
  }
  return null;
}
