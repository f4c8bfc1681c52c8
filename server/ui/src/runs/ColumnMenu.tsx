import type { JSX } from "preact";
import { Icon, type IconName } from "../controls/icons";
import { Popup } from "../controls/Popup";
import {
  aggregates,
  moveColumn,
  removeColumn,
  replaceColumn,
  shownTitles,
  sortColumn,
  titleOfColumn,
  togglePinned,
} from "../state/columns";
import { listing } from "../state/runs";
import { pinned, sort } from "../state/view";
import { neighbour } from "../table/reordering";

/** Props of `ColumnMenu`. */
export type ColumnMenuProps = { column: string; anchor: Element; onClose: () => void };

/** What can be done with a column of the table. */
export function ColumnMenu({ column, anchor, onClose }: ColumnMenuProps) {
  const sorted = sortColumn(column);
  const titles = shownTitles.value;
  const isAttribute = titles.includes(column);
  const known = sort.value.find((one) => one.column === sorted);
  const metric = listing.value?.columns.find((one) => one.title === column && one.type === "float_series");
  const item = (
    text: string,
    act: () => void,
    more: { icon?: IconName; isOn?: boolean; isOff?: boolean } = {},
  ): JSX.Element => (
    <button
      type="button"
      class="menu-item"
      role="menuitem"
      disabled={more.isOff}
      onClick={() => {
        act();
        onClose();
      }}
    >
      <span class="menu-icon">{more.icon && <Icon name={more.icon} size={14} />}</span>
      {text}
      {more.isOn && <span class="aside">on</span>}
    </button>
  );
  const sortBy = (descending: boolean, isAdded: boolean) => () => {
    if (sorted === null) return;
    const others = isAdded ? sort.peek().filter((one) => one.column !== sorted) : [];
    sort.value = [...others, { column: sorted, descending }];
  };
  const move = (by: 1 | -1) => {
    const before = neighbour(titles, column, by);
    return item(by < 0 ? "Move left" : "Move right", () => before !== undefined && moveColumn(column, before), {
      isOff: before === undefined,
    });
  };
  return (
    <Popup anchor={anchor} label={`Column ${column}`} role="menu" className="menu" onClose={onClose}>
      {item("Sort ascending", sortBy(false, false), { icon: "up", isOn: known?.descending === false })}
      {item("Sort descending", sortBy(true, false), { icon: "down", isOn: known?.descending === true })}
      {sort.value.length > 0 && !known && item("Then by this, ascending", sortBy(false, true))}
      {sort.value.length > 0 && !known && item("Then by this, descending", sortBy(true, true))}
      {known &&
        item("Do not sort by this", () => {
          sort.value = sort.peek().filter((one) => one.column !== sorted);
        })}
      {isAttribute && (
        <>
          <hr />
          {item(pinned.value.includes(column) ? "Unpin" : "Pin to the left", () => togglePinned(column), {
            icon: "pin",
          })}
          {move(-1)}
          {move(1)}
          {metric &&
            aggregates
              .slice(0, 4)
              .filter(({ name }) => name !== (metric.aggregate ?? "last"))
              .map(({ name }) =>
                item(`Show ${name} instead`, () => replaceColumn(column, titleOfColumn(metric.path, name))),
              )}
          {item("Hide", () => removeColumn(column), { icon: "close", isOff: titles.length < 2 })}
        </>
      )}
    </Popup>
  );
}
