import { useCallback, useState } from "preact/hooks";
import { apiUrl, projectPath } from "../../api/client";
import { Icon } from "../../controls/icons";
import { ColumnMenu } from "../../runs/ColumnMenu";
import { ColumnsButton } from "../../runs/ColumnsButton";
import { EyeMenu } from "../../runs/EyeMenu";
import { FilterField } from "../../runs/FilterField";
import { Legend } from "../../runs/Legend";
import { InheritedSwitch, ModeSwitch } from "../../runs/ModeSwitch";
import { DrawnNote, NothingFound } from "../../runs/RunsPane";
import { RunsTable } from "../../runs/RunsTable";
import { asList, place } from "../../state/address";
import { shownTitles } from "../../state/columns";
import { isLoading, listing, question } from "../../state/runs";
import { formatStep } from "../../text/format";

/** All runs, with as many of their attributes as one wants. */
export function TablePage() {
  const [eyes, setEyes] = useState<Element | null>(null);
  const [menu, setMenu] = useState<{ column: string; anchor: Element } | null>(null);
  const closeEyes = useCallback(() => setEyes(null), []);
  const closeMenu = useCallback(() => setMenu(null), []);
  const now = listing.value;
  return (
    <section class="runs-pane" aria-label="Runs">
      <div class="runs-bar table-bar">
        <ModeSwitch />
        <InheritedSwitch hasLabel />
        <FilterField />
        <ColumnsButton hasText />
        <CsvLink />
      </div>
      <RunsTable layout="page" onEyes={setEyes} onMenu={(column, anchor) => setMenu({ column, anchor })} />
      {now?.total === 0 && !isLoading.value && <NothingFound />}
      {eyes && <EyeMenu anchor={eyes} onClose={closeEyes} />}
      {menu && <ColumnMenu column={menu.column} anchor={menu.anchor} onClose={closeMenu} />}
      <footer class="runs-foot">
        <DrawnNote />
        {now && <span>{formatStep(now.total)} rows</span>}
        <Legend />
      </footer>
    </section>
  );
}

/** Saves what the table shows, all rows of it. */
function CsvLink() {
  const project = place.value.project;
  if (!project) return null;
  const { mode, filter, sort, archived } = JSON.parse(question.value) as {
    mode: string;
    filter: string | null;
    sort: { column: string; descending: boolean }[];
    archived: boolean;
  };
  const url = apiUrl(projectPath(project, "runs.csv"), { mode, filter, archived: archived ? "true" : null });
  const sorts = sort.map((one) => `${one.descending ? "-" : ""}${one.column}`);
  if (sorts.length > 0) url.searchParams.set("sort", asList.write(sorts));
  if (shownTitles.value.length > 0) url.searchParams.set("columns", asList.write([...shownTitles.value]));
  return (
    <a class="button" href={url.href} download>
      <Icon name="download" size={14} /> CSV
    </a>
  );
}
