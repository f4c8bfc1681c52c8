import "./lineagePage.css";
import { LineageView } from "../../lineage/LineageView";
import { shownFamily } from "../../state/view";
import { FamiliesOverview } from "./FamiliesOverview";
import { FamilyHead } from "./FamilyHead";

/** How the runs of a project forked: all families, or one of them as a tree over steps. */
export function LineagePage() {
  if (!shownFamily.value) return <FamiliesOverview />;
  return <LineageView name={shownFamily.value} head={(shown) => <FamilyHead {...shown} />} />;
}
