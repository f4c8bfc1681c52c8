import { useEffect, useId, useState } from "preact/hooks";
import { Button, IconButton } from "../controls/Button";
import { Popup } from "../controls/Popup";
import { Segmented } from "../controls/Segmented";
import { type Built, builderOperators, type Condition, needsValue, readBuilt, writeBuilt } from "../query/builder";
import { filterWords, operatorsFor } from "../query/completion";
import { findDefinitions, findValues, knownDefinitions } from "../state/definitions";
import { filter } from "../state/view";

const EMPTY: Condition = { attribute: "", operator: "==", value: "" };

/** Props of `FilterBuilder`. */
export type FilterBuilderProps = { anchor: Element | null; onClose: () => void };

/** Conditions as rows; they are the filter, written and read. */
export function FilterBuilder({ anchor, onClose }: FilterBuilderProps) {
  const [built, setBuilt] = useState<Built | null>(() => withOne(readBuilt(filter.peek())));
  const [written, setWritten] = useState(filter.peek());
  // What is typed into the field meanwhile is shown here.
  if (filter.value !== written) {
    setWritten(filter.value);
    setBuilt(withOne(readBuilt(filter.value)));
  }
  const write = (next: Built) => {
    const conditions = next.conditions.filter((one) => !needsValue(one.operator) || one.value !== "");
    const text = writeBuilt({ ...next, conditions });
    setBuilt(next);
    setWritten(text);
    filter.value = text;
  };
  const change = (at: number, part: Partial<Condition>) =>
    built &&
    write({ ...built, conditions: built.conditions.map((one, place) => (place === at ? { ...one, ...part } : one)) });
  return (
    <Popup anchor={anchor} label="Build a filter" className="filter-builder" onClose={onClose}>
      {built ? (
        <>
          {built.conditions.map((condition, at) => (
            <ConditionRow
              key={at}
              condition={condition}
              at={at}
              onChange={(part) => change(at, part)}
              onRemove={() =>
                write(withOne({ ...built, conditions: built.conditions.filter((_, place) => place !== at) })!)
              }
            />
          ))}
          <footer>
            <Button
              kind="quiet"
              icon="plus"
              onClick={() => setBuilt({ ...built, conditions: [...built.conditions, EMPTY] })}
            >
              another condition
            </Button>
            {built.conditions.length > 1 && (
              <Segmented
                label="How conditions are joined"
                value={built.joint}
                options={[
                  { value: "and", text: "all of them" },
                  { value: "or", text: "one of them" },
                ]}
                onChange={(joint) => write({ ...built, joint })}
              />
            )}
          </footer>
        </>
      ) : (
        <>
          <p>This filter is more than a list of conditions. It can be changed as text.</p>
          <Button onClick={() => write({ joint: "and", conditions: [EMPTY] })}>Begin a new one</Button>
        </>
      )}
    </Popup>
  );
}

function withOne(built: Built | null): Built | null {
  return built && built.conditions.length === 0 ? { ...built, conditions: [EMPTY] } : built;
}

type RowProps = {
  condition: Condition;
  at: number;
  onChange: (part: Partial<Condition>) => void;
  onRemove: () => void;
};

function ConditionRow({ condition, at, onChange, onRemove }: RowProps) {
  const { attribute, operator, value } = condition;
  const id = useId();
  const [values, setValues] = useState<string[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => void findDefinitions(attribute, abort.signal), 100);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [attribute]);
  const definitions = [...knownDefinitions.value.values()];
  const types = new Set(definitions.filter((one) => one.path === attribute).map((one) => one.type));
  const fitting = operatorsFor(types.size === 1 ? [...types][0] : undefined).map(([name]) => name);
  const operators = builderOperators.filter((one) => fitting.includes(one) || one === operator);
  return (
    <div class="condition" role="group" aria-label={`Condition ${at + 1}`}>
      <input
        class="text-input mono"
        aria-label="Attribute"
        placeholder="attribute"
        spellcheck={false}
        list={`${id}-paths`}
        value={attribute}
        onInput={(event) => onChange({ attribute: event.currentTarget.value })}
      />
      <datalist id={`${id}-paths`}>
        {[...new Set([...definitions.map((one) => one.path), ...Object.keys(filterWords)])].map((path) => (
          <option key={path} value={path} />
        ))}
      </datalist>
      <select
        class="select"
        aria-label="Operator"
        value={operator}
        onChange={(event) => onChange({ operator: event.currentTarget.value })}
      >
        {operators.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      {needsValue(operator) && (
        <input
          class="text-input mono"
          aria-label="Value"
          placeholder="value"
          spellcheck={false}
          list={`${id}-values`}
          value={value}
          onFocus={() => void findValues(attribute).then(setValues)}
          onInput={(event) => onChange({ value: event.currentTarget.value })}
        />
      )}
      <datalist id={`${id}-values`}>
        {values.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <IconButton isSmall icon="close" label={`Remove condition ${at + 1}`} onClick={onRemove} />
    </div>
  );
}
