import type { RunValues } from "../../api/types";
import { SearchField } from "../../controls/SearchField";
import { place } from "../../state/address";
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
  return (
    <div class="pane-bar">
      <h2>
        Attributes <span class="count">{plural(count, "attribute").split(" ")[0]}</span>
      </h2>
      <SearchField
        text={attributeSearch}
        label="Search attributes"
        placeholder="path, value or type"
        className="attribute-search"
      />
    </div>
  );
}
