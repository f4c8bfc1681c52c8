/** What words of the page mean, wherever they are used. The glossary of docs/ui.md has the same sentences: a test compares them. */
export const meanings = {
  head: "The latest run of an experiment: what it has come to.",
  own: "What a run logged itself.",
  inherited: "What a run took over from those it was forked from, up to its fork step.",
  pruned: "What a run logged beyond the step at which the experiment was forked from it: it is not on the head's line.",
  lost: "Its process is gone and it did not say why.",
  fork: "A run that goes on from a step of another run, its parent.",
  lineage: "The chain of runs from the first one to this one, each forked from the one before.",
  whisker: "A vertical line at a point that stands far above or below those around it.",
  navigator:
    "The part of x that all charts show. Drag its ends or its middle, or use the arrow keys; a double click shows everything.",
  "raw points": "Every point is drawn as it was logged.",
  log: "y is logarithmic: each power of ten takes the same height. The key l changes it.",
  exponential: "Mean of the points before, which count less the further away they are.",
  "moving average": "Mean of the points in a window that ends here.",
  "centred average": "Mean of the points in a window around here.",
  Gaussian: "Mean of the points around here, weighted by a bell curve.",
  "bars still drawn": "Progress bars that go on; each becomes a line when it ends.",
} as const;
