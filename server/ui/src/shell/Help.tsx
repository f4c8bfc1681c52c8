import { IconButton } from "../controls/Button";
import { isHelpShown, known } from "../state/keys";

const names: Record<string, string> = { " ": "Space", Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓" };

/** All keys that do something on this page. */
export function Help() {
  return (
    <div class="help" role="dialog" aria-label="Keyboard shortcuts">
      <header>
        <h2>Keyboard</h2>
        <IconButton
          icon="close"
          label="Close"
          onClick={() => {
            isHelpShown.value = false;
          }}
        />
      </header>
      <dl>
        {known.value.map((one) => (
          <div key={one.keys}>
            <dt>
              <kbd>{names[one.keys] ?? one.keys}</kbd>
            </dt>
            <dd>{one.does}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
