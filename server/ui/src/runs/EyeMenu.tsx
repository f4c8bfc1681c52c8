import { Icon } from "../controls/icons";
import { Popup } from "../controls/Popup";
import { AUTO_ROWS, autoCount, drawFirst, drawNone, MOST_DRAWN, setDrawnBetween } from "../state/drawn";
import { listing } from "../state/runs";

/** Props of `EyeMenu`. */
export type EyeMenuProps = { anchor: Element; onClose: () => void };

/** Which runs are drawn: the first ones kept up to date, all, or none. */
export function EyeMenu({ anchor, onClose }: EyeMenuProps) {
  const total = listing.value?.total ?? 0;
  const count = autoCount.value ?? AUTO_ROWS;
  const choose = (act: () => void) => () => {
    act();
    onClose();
  };
  const most = Math.min(total, MOST_DRAWN);
  return (
    <Popup anchor={anchor} label="Which runs are drawn" className="menu" onClose={onClose}>
      <div class="menu-head">Draw</div>
      <div class="menu-item eye-first">
        <button
          type="button"
          aria-pressed={autoCount.value !== null}
          class="eye-first-button"
          onClick={choose(() => drawFirst(count))}
        >
          the first rows, kept up to date
        </button>
        <input
          type="number"
          aria-label="How many rows"
          min={1}
          max={50}
          value={count}
          onChange={(event) => drawFirst(Math.min(Math.max(Math.round(Number(event.currentTarget.value)) || 1, 1), 50))}
        />
        {autoCount.value !== null && <Icon name="check" size={14} />}
      </div>
      <button type="button" class="menu-item" onClick={choose(() => setDrawnBetween(0, most - 1, true))}>
        all that were loaded <span class="aside">at most {MOST_DRAWN}</span>
      </button>
      <button type="button" class="menu-item" onClick={choose(drawNone)}>
        none
      </button>
    </Popup>
  );
}
