import { batch } from "@preact/signals";
import type { RunValues } from "../../api/types";
import { place } from "../../state/address";
import { useOutcome } from "../../state/outcome";
import { chosenAttribute, tab } from "../../state/view";
import { AttributesBar } from "./Attributes";
import { AttributeTree } from "./AttributeTree";
import { ConsolePanel } from "./ConsolePanel";
import { Outcome } from "./Outcome";
import { WhatChanged } from "./WhatChanged";

const MOST_LEAVES = 6;

/** A run at a glance: its attributes, what changed against its parent and what came of it, and its console. */
export function Overview({ found }: { found: RunValues }) {
  const outcome = useOutcome(found).value;
  return (
    <div class="overview">
      <section class="attributes-pane">
        <AttributesBar count={Object.keys(found.attributes).length} />
        <AttributeTree
          found={found}
          project={place.value.project!}
          most={MOST_LEAVES}
          isByInterest
          onChoose={(path) => {
            batch(() => {
              tab.value = "attributes";
              chosenAttribute.value = path;
            });
          }}
        />
      </section>
      <div class="overview-right">
        <section class="overview-top">
          <WhatChanged found={found} outcome={outcome} />
          <Outcome found={found} outcome={outcome} />
        </section>
        <ConsolePanel found={found} isSmall />
      </div>
    </div>
  );
}
