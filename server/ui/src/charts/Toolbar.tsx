import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Axis, Smoothing } from "../api/types";
import { IconButton } from "../controls/Button";
import { Icon } from "../controls/icons";
import { Popup } from "../controls/Popup";
import { isPaused, togglePause } from "../state/live";
import { search } from "../state/metrics";
import { axis, chartSearch, ignoresOutliers, lineValue, scale, smoothing } from "../state/view";
import { changeAxis } from "../state/windows";
import { formatStep } from "../text/format";
import { meanings } from "../text/words";

/** Above the charts: which metrics, what x and y are, how lines are smoothed. */
export function ChartsToolbar({ shown, total }: { shown: number; total: number | null }) {
  return (
    <div class="charts-bar">
      <SearchField />
      <span class="dim charts-count" role="status">
        {total === null ? "" : `${formatStep(shown)} of ${formatStep(total)}`}
      </span>
      <span class="charts-bar-end">
        <SmoothingField />
        <AxisMenu />
        <ScaleMenu />
        <IconButton
          icon={isPaused.value ? "play" : "pause"}
          label={isPaused.value ? "Go on with live updates" : "Pause live updates"}
          isPressed={isPaused.value}
          onClick={togglePause}
        />
      </span>
    </div>
  );
}

function SearchField() {
  const { error } = search.value;
  return (
    <div class="chart-search-place">
      <label class={error ? "field chart-search invalid" : "field chart-search"}>
        <Icon name="search" size={14} />
        <input
          class="mono"
          type="search"
          aria-label="Search metrics: regular expressions, ! negates, all must match"
          aria-invalid={error !== null}
          aria-describedby={error ? "chart-search-error" : undefined}
          placeholder="search metrics"
          spellcheck={false}
          autocomplete="off"
          value={chartSearch.value}
          onInput={(event) => {
            chartSearch.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape" && chartSearch.peek() !== "") {
              event.stopPropagation();
              chartSearch.value = "";
            }
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      {error && (
        <p id="chart-search-error" class="chart-search-error bad" role="alert">
          {error}. The charts show the last valid search.
        </p>
      )}
    </div>
  );
}

type Choice<T extends string> = { value: T; text: string; aside?: string; title?: string };

const AXES: Choice<Axis>[] = [
  { value: "step", text: "step" },
  { value: "relative", text: "relative", aside: "time since the root began" },
  { value: "time", text: "time", aside: "of day" },
];
const SCALES: Choice<"auto" | "linear" | "log">[] = [
  { value: "auto", text: "auto", aside: "log where it suits" },
  { value: "linear", text: "linear" },
  { value: "log", text: "log", title: meanings.log },
];
const LINES: Choice<"last" | "mean">[] = [
  { value: "last", text: "last value", aside: "of each bucket" },
  { value: "mean", text: "mean", aside: "of each bucket" },
];
const KINDS: Choice<Smoothing["kind"]>[] = [
  { value: "ema", text: "exponential", aside: "by distance", title: meanings.exponential },
  { value: "sma", text: "moving average", title: meanings["moving average"] },
  { value: "centred", text: "centred average", title: meanings["centred average"] },
  { value: "gaussian", text: "Gaussian", title: meanings.Gaussian },
];

function MenuButton({
  label,
  name,
  value,
  children,
}: {
  label: string;
  name: string;
  value: string;
  children: (close: () => void) => preact.ComponentChildren;
}) {
  const isOpen = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    isOpen.value = false;
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="menu-button"
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        aria-label={value ? `${name}: ${value}` : name}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <span class="dim">{label}</span> {value} <Icon name="down" size={12} />
      </button>
      {isOpen.value && (
        <Popup anchor={button.current} label={name} role="menu" className="menu" onClose={close}>
          {children(close)}
        </Popup>
      )}
    </>
  );
}

function Choices<T extends string>({
  choices,
  value,
  onChoose,
}: {
  choices: Choice<T>[];
  value: T;
  onChoose: (value: T) => void;
}) {
  return (
    <>
      {choices.map((one) => (
        <button
          key={one.value}
          type="button"
          class="menu-item"
          role="menuitemradio"
          aria-checked={one.value === value}
          title={one.title}
          onClick={() => onChoose(one.value)}
        >
          {one.text} {one.value === value && <Icon name="check" size={14} />}
          {one.aside && <span class="aside">{one.aside}</span>}
        </button>
      ))}
    </>
  );
}

function AxisMenu() {
  const shown = AXES.find((one) => one.value === axis.value)!;
  return (
    <MenuButton label="x" name="x" value={shown.text}>
      {(close) => (
        <Choices
          choices={AXES}
          value={axis.value}
          onChoose={(value) => {
            void changeAxis(value);
            close();
          }}
        />
      )}
    </MenuButton>
  );
}

function ScaleMenu() {
  return (
    <MenuButton label="y" name="y" value={scale.value}>
      {(close) => (
        <>
          <Choices
            choices={SCALES}
            value={scale.value}
            onChoose={(value) => {
              scale.value = value;
              close();
            }}
          />
          <button
            type="button"
            class="menu-item"
            role="menuitemcheckbox"
            aria-checked={ignoresOutliers.value}
            onClick={() => {
              ignoresOutliers.value = !ignoresOutliers.value;
            }}
          >
            ignore outliers {ignoresOutliers.value && <Icon name="check" size={14} />}
            <span class="aside">1 % to 99 %</span>
          </button>
          <div class="menu-head">Line</div>
          <Choices
            choices={LINES}
            value={lineValue.value}
            onChoose={(value) => {
              lineValue.value = value;
              close();
            }}
          />
        </>
      )}
    </MenuButton>
  );
}

const MOST = 0.999;

function SmoothingField() {
  const { kind, factor } = smoothing.value;
  const set = (value: number) => {
    if (Number.isFinite(value)) smoothing.value = { kind, factor: Math.min(MOST, Math.max(0, value)) };
  };
  return (
    <span class="slider smoothing">
      <MenuButton
        label="smooth"
        name="smooth"
        value={kind === "ema" ? "" : KINDS.find((one) => one.value === kind)!.text}
      >
        {(close) => (
          <Choices
            choices={KINDS}
            value={kind}
            onChoose={(value) => {
              smoothing.value = { kind: value, factor: factor || 0.6 };
              close();
            }}
          />
        )}
      </MenuButton>
      <input
        type="range"
        min="0"
        max="1"
        step="0.01"
        aria-label="Smoothing"
        value={sliderOf(factor)}
        onInput={(event) => set(factorOf(Number(event.currentTarget.value)))}
      />
      <input
        type="number"
        min="0"
        max={MOST}
        step="0.01"
        aria-label="Smoothing, as a number"
        value={Number(factor.toFixed(3))}
        onChange={(event) => set(Number(event.currentTarget.value))}
      />
    </span>
  );
}

/** The slider is finer towards 1, where a thousandth is a lot. */
function factorOf(slider: number): number {
  return Number((MOST * (1 - (1 - slider) ** 1.6)).toFixed(3));
}

function sliderOf(factor: number): number {
  return 1 - (1 - factor / MOST) ** (1 / 1.6);
}
