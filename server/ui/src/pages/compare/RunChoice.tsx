import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { postJson, projectPath } from "../../api/client";
import type { RunsPage } from "../../api/types";
import { Button } from "../../controls/Button";
import { Icon } from "../../controls/icons";
import { Popup } from "../../controls/Popup";
import { place } from "../../state/address";
import { useAnswer } from "../../state/answer";
import { colourOf } from "../../state/theme";
import { identityOf, placeOf } from "../../text/identity";

const MOST_FOUND = 50;

/** Props of `RunChoice`. */
export type RunChoiceProps = {
  text: string;
  /** Runs that are chosen already. */
  chosen: readonly string[];
  onChoose: (runId: string) => void;
  /** Whether several are chosen one after another. */
  isMultiple?: boolean;
  /** What else can be done with those that are chosen. */
  children?: ComponentChildren;
};

/** A button that lists runs by what one types, to choose some. */
export function RunChoice({ text, chosen, onChoose, isMultiple = false, children }: RunChoiceProps) {
  const wrapper = useRef<HTMLSpanElement>(null);
  const [isOpen, setOpen] = useState(false);
  return (
    <span ref={wrapper}>
      <Button icon="down" aria-haspopup="dialog" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {text} {isMultiple && chosen.length > 0 && <span class="count">{chosen.length}</span>}
      </Button>
      {isOpen && (
        <Popup anchor={wrapper.current} label={text} className="run-choice" onClose={() => setOpen(false)}>
          <Found
            chosen={chosen}
            onChoose={(runId) => {
              onChoose(runId);
              if (!isMultiple) setOpen(false);
            }}
          />
          {children && <footer class="run-choice-foot">{children}</footer>}
        </Popup>
      )}
    </span>
  );
}

function Found({ chosen, onChoose }: Pick<RunChoiceProps, "chosen" | "onChoose">) {
  const project = place.value.project!;
  const [typed, setTyped] = useState("");
  const filter = filterFor(typed);
  const answer = useAnswer<RunsPage>(`choice\n${project}\n${filter}`, (signal) => {
    const body = {
      mode: "runs",
      filter,
      columns: [],
      limit: MOST_FOUND,
    };
    return postJson<RunsPage>(projectPath(project, "runs/search"), body, signal);
  });
  const rows = answer.value?.rows ?? [];
  return (
    <>
      <label class="field">
        <Icon name="search" size={14} />
        <input
          type="search"
          placeholder="name of a run or experiment"
          aria-label="Search runs"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <div class="run-choice-list">
        {rows.map((row) => (
          <button
            key={row.run_id}
            type="button"
            class="menu-item"
            aria-pressed={chosen.includes(row.run_id)}
            title={`${identityOf(row)}\n${row.run_id}`}
            onClick={() => onChoose(row.run_id)}
          >
            <span class="run-name cut" style={{ color: colourOf(row).text }}>
              {row.name}
            </span>
            <span class="aside cut">{row.experiment && `${row.experiment}, ${placeOf(row)}`}</span>
            {chosen.includes(row.run_id) && <Icon name="check" size={14} />}
          </button>
        ))}
        {answer.value && rows.length === 0 && <p class="dim none">No run is called that.</p>}
        {answer.value && answer.value.total > rows.length && (
          <p class="dim none">and {answer.value.total - rows.length} more: type to find them</p>
        )}
      </div>
    </>
  );
}

/** Return the filter that finds runs and experiments by a part of their names; null finds all. */
export function filterFor(typed: string): string | null {
  const text = typed.trim();
  if (text === "") return null;
  const pattern = text
    .replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")
    .replace(/[\s!]/g, (one) => `\\x${one.charCodeAt(0).toString(16)}`);
  const quoted = `"(?i)${pattern.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  return `run MATCHES ${quoted} OR experiment MATCHES ${quoted}`;
}
