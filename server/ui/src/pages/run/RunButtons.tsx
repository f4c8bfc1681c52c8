import { getJson, ProblemError, projectPath, sentence } from "../../api/client";
import type { ResumeCode, RunValues } from "../../api/types";
import { Button } from "../../controls/Button";
import { copied, copy } from "../../controls/clipboard";
import { ForkFromHere } from "../../lineage/ForkFromHere";
import { place } from "../../state/address";
import { useMarks } from "../../state/shown";
import { formatStep } from "../../text/format";

/** What one does with a run: go on from its last checkpoint, or fork it. */
export function RunButtons({ found }: { found: RunValues }) {
  const { run } = found;
  const marks = useMarks(run).value?.marks ?? [];
  const last = marks.reduce<number | null>(
    (most, mark) => (most === null || mark.step > most ? mark.step : most),
    null,
  );
  const step = last ?? run.last_step;
  if (step === null) return null;
  return (
    <span class="run-buttons">
      <Button
        icon="copy"
        title={`What to type to go on from step ${formatStep(step)}${last === null ? "" : ", its last checkpoint"}`}
        onClick={() => void copyCode(run.run_id, step)}
      >
        Copy resume code
      </Button>
      <ForkFromHere run={run} step={step} text={`Fork from step ${formatStep(step)}`} kind="primary" />
    </span>
  );
}

async function copyCode(run: string, step: number): Promise<void> {
  try {
    const path = projectPath(place.peek().project!, "resume-code");
    const { code } = await getJson<ResumeCode>(path, { run, step });
    await copy(code, "Resume code");
  } catch (error) {
    copied.value = error instanceof ProblemError ? sentence(error) : "the server does not answer: nothing was copied";
  }
}
