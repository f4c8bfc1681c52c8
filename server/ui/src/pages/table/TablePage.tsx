import { useCallback, useState } from "preact/hooks";
import { apiUrl, projectPath } from "../../api/client";
import { Checkbox } from "../../controls/Checkbox";
import { Icon } from "../../controls/icons";
import { ColumnMenu } from "../../runs/ColumnMenu";
import { ColumnsButton } from "../../runs/ColumnsButton";
import { EyeMenu } from "../../runs/EyeMenu";
import { FilterField } from "../../runs/FilterField";
import { Legend } from "../../runs/Legend";
import { InheritedSwitch, ModeSwitch } from "../../runs/ModeSwitch";
import { DrawnNote, RunsBody } from "../../runs/RunsPane";
import { asList, place } from "../../state/address";
import { shownTitles } from "../../state/columns";
import { question } from "../../state/runs";
import { archived, mode } from "../../state/view";

/** All runs, with as many of their attributes as one wants. */
export function TablePage() {
  const [eyes, setEyes] = useState<Element | null>(null);
  const [menu, setMenu] = useState<{ column: string; anchor: Element } | null>(null);
  const closeEyes = useCallback(() => setEyes(null), []);
  const closeMenu = useCallback(() => setMenu(null), []);
  return (
    <section class="runs-pane" aria-label="Runs">
      <h1 class="unseen">Table of runs</h1>
      <div class="runs-bar table-bar">
        <ModeSwitch />
        <InheritedSwitch hasLabel />
        <FilterField />
        <ColumnsButton hasText />
        <CsvLink />
      </div>
      <RunsBody layout="page" onEyes={setEyes} onMenu={(column, anchor) => setMenu({ column, anchor })} />
      {eyes && <EyeMenu anchor={eyes} onClose={closeEyes} />}
      {menu && <ColumnMenu column={menu.column} anchor={menu.anchor} onClose={closeMenu} />}
      <footer class="runs-foot">
        <DrawnNote />
        {mode.value === "runs" && <Checkbox of={archived}>archived runs too</Checkbox>}
        <Legend />
      </footer>
    </section>
  );
}

/** Saves what the table shows, all rows of it. */
function CsvLink() {
  const project = place.value.project;
  if (!project) return null;
  const asked = JSON.parse(question.value) as {
    mode: string;
    filter: string | null;
    sort: { column: string; descending: boolean }[];
    archived: boolean;
  };
  const url = apiUrl(projectPath(project, "runs.csv"), {
    mode: asked.mode,
    filter: asked.filter,
    archived: asked.archived ? "true" : null,
  });
  const sorts = asked.sort.map((one) => `${one.descending ? "-" : ""}${one.column}`);
  if (sorts.length > 0) url.searchParams.set("sort", asList.write(sorts));
  if (shownTitles.value.length > 0) url.searchParams.set("columns", asList.write([...shownTitles.value]));
  return (
    <a class="button" href={url.href} download>
      <Icon name="download" size={14} /> CSV
    </a>
  );
}
