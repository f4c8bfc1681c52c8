import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { ProblemError, postJson, projectPath, sentence } from "../api/client";
import type { AttributesPage, Definition } from "../api/types";
import { IconButton } from "../controls/Button";
import { Icon } from "../controls/icons";
import { Popup } from "../controls/Popup";
import { place } from "../state/address";
import {
  type Aggregate,
  addColumn,
  aggregates,
  moveColumn,
  plainTitle,
  removeColumn,
  shownTitles,
  titleOfColumn,
  togglePinned,
  wordColumns,
} from "../state/columns";
import { noteAnswer } from "../state/live";
import { columns, pinned } from "../state/view";
import { neighbour } from "../table/reordering";
import { formatStep, plural, splitPath } from "../text/format";
import { typeNames } from "../text/types";

const SHOWN = 200;
const PAUSE_MS = 120;

type Found = { attributes: Definition[]; total: number; error: string | null };
const found = signal<Found>({ attributes: [], total: 0, error: null });

/** Props of `ColumnPicker`. */
export type ColumnPickerProps = { anchor: Element; onClose: () => void };

/** Which columns the table has: those that are shown, and all attributes that runs have, by a regular expression. */
export function ColumnPicker({ anchor, onClose }: ColumnPickerProps) {
  const [pattern, setPattern] = useState("");
  useSearch(pattern);
  const { attributes, total, error } = found.value;
  const sought = pattern.trim().toLowerCase();
  const words = wordColumns.filter(({ word, is }) => word.includes(sought) || is.includes(sought));
  return (
    <Popup anchor={anchor} label="Columns" className="column-picker" align="right" onClose={onClose}>
      <div class={error ? "field invalid" : "field"}>
        <Icon name="search" size={14} />
        <input
          class="mono"
          aria-label="Search attributes"
          placeholder="regular expression: ^train/ | loss$"
          spellcheck={false}
          value={pattern}
          onInput={(event) => setPattern(event.currentTarget.value)}
        />
        <span class="count">{formatStep(total)}</span>
      </div>
      {error && <p class="bad picker-error">{error}</p>}
      <div class="picker-lists">
        {pattern === "" && <ShownColumns />}
        <div class="menu-head">{pattern === "" ? "attributes" : plural(total, "attribute")}</div>
        <ul>
          {words.map(({ word, is }) => (
            <li key={word} class="picker-row">
              <Choice title={word}>
                <span class="mono">{word}</span>
              </Choice>
              <span class="aside">{is}</span>
            </li>
          ))}
          {attributes.map((one) => (
            <AttributeRow key={`${one.path} ${one.type}`} definition={one} />
          ))}
        </ul>
        {total > attributes.length && (
          <p class="dim picker-more">and {formatStep(total - attributes.length)} more: search for them</p>
        )}
      </div>
    </Popup>
  );
}

function useSearch(pattern: string): void {
  const project = place.value.project;
  const isFirst = useRef(true);
  useEffect(() => {
    if (!project) return;
    const abort = new AbortController();
    const ask = async () => {
      try {
        const body = { q: pattern.trim() || null, limit: SHOWN };
        const page = await postJson<AttributesPage>(projectPath(project, "attributes/search"), body, abort.signal);
        noteAnswer();
        found.value = { attributes: page.attributes, total: page.total, error: null };
      } catch (error) {
        if (abort.signal.aborted) return;
        noteAnswer(error);
        if (error instanceof ProblemError) found.value = { ...found.peek(), error: sentence(error) };
      }
    };
    const timer = setTimeout(ask, isFirst.current ? 0 : PAUSE_MS);
    isFirst.current = false;
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [project, pattern]);
}

function Choice({ title, children }: { title: string; children: preact.ComponentChildren }) {
  const isShown = shownTitles.value.includes(title);
  return (
    <label class="checkbox picker-choice" title={title}>
      <input type="checkbox" checked={isShown} onChange={() => (isShown ? removeColumn(title) : addColumn(title))} />
      {children}
    </label>
  );
}

function AttributeRow({ definition }: { definition: Definition }) {
  const { path, type } = definition;
  const [namespace, name] = splitPath(path);
  const shown = shownTitles.value;
  const title = shown.includes(path) ? path : plainTitle(definition);
  return (
    <li class="picker-row">
      <Choice title={title}>
        <span class="mono picker-path">
          <span class="dim">{namespace}</span>
          {name}
        </span>
      </Choice>
      {type === "float_series" && (
        <span class="picker-aggregates">
          {aggregates.slice(1, 4).map((one) => (
            <AggregateToggle key={one.name} path={path} aggregate={one.name} words={one.words} />
          ))}
        </span>
      )}
      <span class="aside">
        {typeNames[type]} · {formatStep(definition.run_count)}
      </span>
    </li>
  );
}

function AggregateToggle({ path, aggregate, words }: { path: string; aggregate: Aggregate; words: string }) {
  const title = titleOfColumn(path, aggregate);
  const isShown = shownTitles.value.includes(title);
  return (
    <button
      type="button"
      class="picker-aggregate"
      aria-pressed={isShown}
      aria-label={title}
      title={`${title}: ${words}`}
      onClick={() => (isShown ? removeColumn(title) : addColumn(title))}
    >
      {aggregate}
    </button>
  );
}

function ShownColumns() {
  const titles = shownTitles.value;
  return (
    <>
      <div class="menu-head picker-head">
        shown
        {columns.value.length > 0 && (
          <button
            type="button"
            class="link"
            onClick={() => {
              columns.value = [];
            }}
          >
            let the table choose
          </button>
        )}
      </div>
      <ul>
        {titles.map((title) => (
          <li key={title} class="picker-row">
            <Choice title={title}>
              <span class="mono picker-path">{title}</span>
            </Choice>
            <span class="picker-tools">
              <IconButton
                isSmall
                icon="pin"
                label={`Pin ${title}`}
                isPressed={pinned.value.includes(title)}
                onClick={() => togglePinned(title)}
              />
              <Mover title={title} by={-1} />
              <Mover title={title} by={1} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Mover({ title, by }: { title: string; by: 1 | -1 }) {
  const before = neighbour(shownTitles.value, title, by);
  return (
    <IconButton
      isSmall
      icon={by < 0 ? "up" : "down"}
      label={`Move ${title} ${by < 0 ? "left" : "right"}`}
      disabled={before === undefined}
      onClick={() => before !== undefined && moveColumn(title, before)}
    />
  );
}
