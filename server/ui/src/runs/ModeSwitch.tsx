import { Segmented } from "../controls/Segmented";
import { listing } from "../state/runs";
import { inherited, mode } from "../state/view";
import { formatStep } from "../text/format";
import { meanings } from "../text/words";

/** Experiments or runs, with how many there are. */
export function ModeSwitch() {
  const now = listing.value;
  const count = (value: number | undefined) => value !== undefined && <span class="count">{formatStep(value)}</span>;
  return (
    <Segmented
      label="What is listed"
      value={mode.value}
      options={[
        {
          value: "experiments",
          text: <>Experiments {count(now?.experiment_count)}</>,
          title: `Each experiment once, by its head. ${meanings.head}`,
        },
        { value: "runs", text: <>Runs {count(now?.run_count)}</>, title: "Every run" },
      ]}
      onChange={(value) => {
        mode.value = value;
      }}
    />
  );
}

/** How much of the history is drawn. */
export function InheritedSwitch({ hasLabel }: { hasLabel: boolean }) {
  return (
    <span class="inherited-switch">
      {hasLabel && <span class="dim">inherited</span>}
      <Segmented
        label="Inherited points"
        value={inherited.value}
        options={[
          { value: "off", text: "off", title: `Only the own part. ${meanings.own}` },
          { value: "on", text: "on", title: `With what was inherited. ${meanings.inherited}` },
          { value: "pruned", text: "with pruned", title: `And what was pruned, dotted. ${meanings.pruned}` },
        ]}
        onChange={(value) => {
          inherited.value = value;
        }}
      />
    </span>
  );
}
