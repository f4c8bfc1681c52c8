import type { Attribute } from "../../api/types";
import { formatContent } from "../../text/format";
import { goalOf } from "../../text/metrics";
import { byPath } from "../../text/order";

/** One line of the tree of attributes. */
export type TreeRow =
  | { kind: "namespace"; path: string; name: string; depth: number; count: number; isOpen: boolean }
  | { kind: "attribute"; path: string; name: string; depth: number; attribute: Attribute }
  | { kind: "more"; path: string; name: string; depth: number; count: number };

type Branch = { path: string; name: string; count: number; branches: Map<string, Branch>; leaves: Leaf[] };
type Leaf = { path: string; name: string; attribute: Attribute };

/** Attributes by namespace. */
export type AttributeTree = Branch;

const SYSTEM = ["runtime", "source_code", "sys"];
const MOST_OPEN = 12;
const DEEPEST = 64;

/** Put attributes into namespaces; those of runfork itself come last. */
export function buildTree(attributes: { [path: string]: Attribute }): AttributeTree {
  const root: Branch = { path: "", name: "", count: 0, branches: new Map(), leaves: [] };
  for (const path of Object.keys(attributes).sort(byPath)) {
    const parts = path.split("/");
    const depth = Math.min(parts.length - 1, DEEPEST);
    let branch = root;
    branch.count += 1;
    for (let at = 0; at < depth; at++) {
      const name = parts[at]!;
      let next = branch.branches.get(name);
      if (!next) {
        next = { path: parts.slice(0, at + 1).join("/"), name, count: 0, branches: new Map(), leaves: [] };
        branch.branches.set(name, next);
      }
      next.count += 1;
      branch = next;
    }
    branch.leaves.push({ path, name: parts.slice(depth).join("/"), attribute: attributes[path]! });
  }
  return root;
}

/** How a tree is shown. */
export type TreeView = {
  /** Namespaces that are open where they would be closed, or closed where they would be open. */
  toggled: ReadonlySet<string>;
  /** Whether everything is open, as while something is looked for. */
  isAllOpen: boolean;
  /** How many attributes of one namespace are listed before the rest is counted; those of `first` always are. */
  most: number;
  first: ReadonlySet<string>;
  /** Whether namespaces with what is in `first`, and then those with metrics, lead; else all go by name. */
  isByInterest?: boolean;
};

/** Return the lines of a tree that are shown. */
export function listRows(tree: AttributeTree, view: TreeView): TreeRow[] {
  const rows: TreeRow[] = [];
  listBranch(tree, 0, view, rows);
  return rows;
}

function listBranch(branch: Branch, depth: number, view: TreeView, rows: TreeRow[]): void {
  listLeaves(branch, depth, view, rows);
  for (const inner of sortBranches([...branch.branches.values()], depth, view)) {
    const only = onlyLeaf(inner);
    if (only) {
      const name = branch.path === "" ? only.path : only.path.slice(branch.path.length + 1);
      rows.push({ kind: "attribute", path: only.path, name, depth, attribute: only.attribute });
      continue;
    }
    const isOpen = isBranchOpen(inner, depth, view);
    rows.push({ kind: "namespace", path: inner.path, name: inner.name, depth, count: inner.count, isOpen });
    if (isOpen) listBranch(inner, depth + 1, view, rows);
  }
}

function listLeaves(branch: Branch, depth: number, view: TreeView, rows: TreeRow[]): void {
  const more = `${branch.path}/…`;
  const isCut = !view.isAllOpen && branch.leaves.length > view.most + 1 && !view.toggled.has(more);
  let shown = 0;
  for (const leaf of branch.leaves) {
    if (isCut && !view.first.has(leaf.path) && shown >= view.most) continue;
    if (!view.first.has(leaf.path)) shown += 1;
    rows.push({ kind: "attribute", path: leaf.path, name: leaf.name, depth, attribute: leaf.attribute });
  }
  const count = branch.leaves.filter((leaf) => !view.first.has(leaf.path)).length - shown;
  if (count > 0) rows.push({ kind: "more", path: more, name: `${count} more`, depth, count });
}

function onlyLeaf(branch: Branch): Leaf | null {
  if (branch.count !== 1) return null;
  let inner = branch;
  while (inner.leaves.length === 0) inner = inner.branches.values().next().value!;
  return inner.leaves[0]!;
}

/** Return whether a namespace is open: small ones of the user's are by themselves. */
function isBranchOpen(branch: Branch, depth: number, view: TreeView): boolean {
  if (view.isAllOpen) return true;
  const isSystem = SYSTEM.includes(branch.path.split("/")[0]!);
  const holdsFirst = [...view.first].some((path) => path.startsWith(`${branch.path}/`));
  const byItself = !isSystem && (holdsFirst || (depth === 0 && branch.count <= MOST_OPEN));
  return byItself !== view.toggled.has(branch.path);
}

function sortBranches(branches: Branch[], depth: number, view: TreeView): Branch[] {
  const places = new Map(branches.map((branch) => [branch, depth === 0 ? placeOf(branch, view) : 0]));
  return branches.sort((one, other) => places.get(one)! - places.get(other)! || byPath(one.name, other.name));
}

function placeOf(branch: Branch, view: TreeView): number {
  if (SYSTEM.includes(branch.name)) return 3;
  if (!view.isByInterest) return 0;
  if ([...view.first].some((path) => path.startsWith(`${branch.path}/`))) return 0;
  return branch.leaves.some(({ path, attribute }) => attribute.type === "float_series" && goalOf(path)) ? 1 : 2;
}

/** Return the attributes in whose path, type or value all words of a text stand; upper and lower case are the same. */
export function findAttributes(attributes: { [path: string]: Attribute }, text: string): { [path: string]: Attribute } {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return attributes;
  return Object.fromEntries(
    Object.entries(attributes).filter(([path, { type, value }]) => {
      const shown = formatContent(value, type);
      const texts = `${path}\n${typeName(type)}\n${shown}\n${typeof value === "object" ? "" : value}`.toLowerCase();
      return words.every((word) => texts.includes(word));
    }),
  );
}

/** Return a type in words. */
export function typeName(type: string): string {
  return type.replaceAll("_", " ");
}

/** Return whether a type is a series. */
export function isSeries(type: string): boolean {
  return type.endsWith("_series");
}
