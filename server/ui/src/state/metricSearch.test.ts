import { describe, expect, it } from "vitest";
import { readSearch, sectionsOf } from "./metricSearch";

describe("a search of metrics", () => {
  it("wants all terms, and none of those that are negated", () => {
    const { matches } = readSearch("^train !grad");
    expect(["train/loss", "train/grad_norm", "val/loss"].filter(matches)).toEqual(["train/loss"]);
  });
  it("takes regular expressions, and no notice of case", () => {
    expect(readSearch("^TRAIN|^val").matches("val/acc")).toBe(true);
    expect(readSearch("loss$").matches("loss_ema")).toBe(false);
    expect(readSearch("  ").matches("anything")).toBe(true);
    expect(readSearch("!").matches("anything")).toBe(true);
  });
  it("says what is wrong with it", () => {
    expect(readSearch("loss [").error).toMatch(/^\[ is no regular expression: /);
    expect(readSearch("loss").error).toBeNull();
  });
});

describe("sections", () => {
  it("have counters behind what a training is about", () => {
    const paths = ["epoch", "throughput/tokens", "train/epoch", "train/grad", "train/loss", "layer/x", "runtime/cpu"];
    expect(sectionsOf(paths)).toEqual([
      { name: "train", paths: ["train/loss", "train/grad", "train/epoch"] },
      { name: "layer", paths: ["layer/x"] },
      { name: "no namespace", paths: ["epoch"] },
      { name: "throughput", paths: ["throughput/tokens"] },
      { name: "runtime", paths: ["runtime/cpu"] },
    ]);
  });
  it("are top namespaces: what one looks at first, then in natural order, runfork's own last", () => {
    const paths = ["layer10/norm", "val/loss", "runtime/monitoring/cpu", "loss", "layer2/norm", "train/b", "train/a"];
    expect(sectionsOf(paths)).toEqual([
      { name: "no namespace", paths: ["loss"] },
      { name: "train", paths: ["train/a", "train/b"] },
      { name: "val", paths: ["val/loss"] },
      { name: "layer2", paths: ["layer2/norm"] },
      { name: "layer10", paths: ["layer10/norm"] },
      { name: "runtime", paths: ["runtime/monitoring/cpu"] },
    ]);
  });
});
