import { useEffect, useRef } from "preact/hooks";
import type { RunValues } from "../../api/types";
import { Icon } from "../../controls/icons";
import { place } from "../../state/address";
import { shortcut } from "../../state/keys";
import { attributeSearch, chosenAttribute } from "../../state/view";
import { plural } from "../../text/format";
import { AttributeDetail } from "./AttributeDetail";
import { AttributeTree } from "./AttributeTree";

/** All attributes of a run, and all of the one that was chosen. */
export function Attributes({ found }: { found: RunValues }) {
  return (
    <div class="attributes-tab">
      <section class="attributes-pane">
        <AttributesBar count={Object.keys(found.attributes).length} />
        <AttributeTree
          found={found}
          project={place.value.project!}
          most={Number.POSITIVE_INFINITY}
          hasSource
          onChoose={(path) => {
            chosenAttribute.value = chosenAttribute.peek() === path ? "" : path;
          }}
        />
      </section>
      <AttributeDetail found={found} />
    </div>
  );
}

/** Title and search of the attributes. */
export function AttributesBar({ count }: { count: number }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => shortcut("/", "search attributes", () => field.current?.select()), []);
  return (
    <div class="pane-bar">
      <h2>
        Attributes <span class="count">{plural(count, "attribute").split(" ")[0]}</span>
      </h2>
      <label class="field attribute-search">
        <Icon name="search" size={14} />
        <input
          ref={field}
          type="search"
          class="mono"
          placeholder="path, value or type"
          aria-label="Search attributes"
          value={attributeSearch.value}
          onInput={(event) => {
            attributeSearch.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            attributeSearch.value = "";
            event.currentTarget.blur();
          }}
        />
      </label>
    </div>
  );
}
