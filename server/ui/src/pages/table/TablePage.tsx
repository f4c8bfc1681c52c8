import { useState } from "preact/hooks";
import { EyeMenu } from "../../runs/EyeMenu";
import { FilterField } from "../../runs/FilterField";
import { InheritedSwitch, ModeSwitch } from "../../runs/ModeSwitch";
import { CountNote, DrawnNote } from "../../runs/RunsPane";
import { RunsTable } from "../../runs/RunsTable";

/** All runs, with as many of their attributes as one wants. */
export function TablePage() {
  const [eyes, setEyes] = useState<Element | null>(null);
  return (
    <section class="runs-pane" aria-label="Runs">
      <div class="runs-bar">
        <ModeSwitch />
        <InheritedSwitch hasLabel />
        <FilterField />
      </div>
      <RunsTable layout="page" onEyes={setEyes} />
      {eyes && <EyeMenu anchor={eyes} onClose={() => setEyes(null)} />}
      <footer class="runs-foot">
        <DrawnNote />
        <span class="foot-end">
          <CountNote />
        </span>
      </footer>
    </section>
  );
}
