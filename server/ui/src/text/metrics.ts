import { byPath } from "./order";

const NAMESPACES = ["val", "valid", "validation", "eval", "test", "train", "training"];
const NAMES = [
  /^(eval_|val_)?loss$/,
  /(^|_)(loss|nll|perplexity|ppl|error|rmse|mse|mae|wer|cer)$/,
  /(^|_)(acc|accuracy|f1|auc|auroc|bleu|map|miou|iou|r2)$/,
];

/** Whether low or high values of a metric are what one wants, where its name leaves no doubt; else null. */
export function goalOf(path: string): "min" | "max" | null {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  if (NAMES[0]!.test(name) || NAMES[1]!.test(name)) return "min";
  return NAMES[2]!.test(name) ? "max" : null;
}

/** Return how much a metric is worth a look, by its name: lower is more. */
export function rankOf(path: string): number {
  const parts = path.toLowerCase().split("/");
  const name = parts.at(-1)!;
  const namespace = NAMESPACES.findIndex((one) => parts.includes(one) || name.startsWith(`${one}_`));
  const named = NAMES.findIndex((pattern) => pattern.test(name));
  const known = named < 0 ? 10 : named;
  return known * 10 + (namespace < 0 ? NAMESPACES.length : namespace);
}

/** Return metrics in the order in which one would look at them. */
export function byInterest(paths: readonly string[]): string[] {
  return [...paths].sort((one, other) => rankOf(one) - rankOf(other) || byPath(one, other));
}
