"""What becomes of histograms that users pass. Pure."""

from __future__ import annotations

import math
from itertools import islice, pairwise
from typing import Any

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.conversion import convert_metric
from runfork.model.distributed_tensors import refuse_distributed
from runfork.model.messages import described, shown, type_name
from runfork.types import Histogram

MIN_HISTOGRAM_EDGES = 2
MAX_HISTOGRAM_EDGES = 513


def convert_histogram(value: object) -> dict[str, list[float]]:
    """Return a histogram as the journal holds it: ``{"edges": [...], "counts" | "densities": [...]}``.

    Raises:
        ArgumentTypeError: It is no `Histogram`.
        ArgumentError: Its edges or values break the rules in `runfork.types.Histogram`.
    """
    if not issubclass(type(value), Histogram):
        raise ArgumentTypeError(
            f"a histogram must be a runfork.Histogram, found {type_name(value)}; "
            "count it before, as np.histogram does: runfork.Histogram(bin_edges=..., counts=...)"
        )
    histogram: Any = value
    try:
        return _checked_histogram(histogram)
    except ArgumentError:
        raise
    except Exception as error:  # what a subclass holds may raise anything
        raise ArgumentError(f"the histogram could not be read ({described(error)})") from error


def _checked_histogram(histogram: Histogram) -> dict[str, list[float]]:
    if (histogram.counts is None) == (histogram.densities is None):
        raise ArgumentError("a histogram needs either counts or densities, found both or neither; pass exactly one")
    edges, values = _numbers(histogram.bin_edges), _numbers(histogram.values)
    is_increasing = all(a < b for a, b in pairwise(edges)) and all(map(math.isfinite, edges))
    if not MIN_HISTOGRAM_EDGES <= len(edges) <= MAX_HISTOGRAM_EDGES or not is_increasing:
        raise ArgumentError(
            f"a histogram needs 2 to {MAX_HISTOGRAM_EDGES} strictly increasing finite edges, "
            f"found {_at_most(len(edges))}: {', '.join(map(str, edges[:4]))}"
        )
    key = "counts" if histogram.counts is not None else "densities"
    if len(values) != len(edges) - 1:
        raise ArgumentError(
            f"a histogram with {len(edges)} edges needs {len(edges) - 1} {key}, found {_at_most(len(values))}"
        )
    if key == "densities":
        if not all(map(math.isfinite, values)):
            raise ArgumentError("histogram densities must be finite numbers; leave out NaN and infinities")
        return {"edges": edges, key: values}
    if not all(one.is_integer() and one >= 0 for one in values):
        raise ArgumentError("histogram counts must be whole numbers >= 0; pass densities for fractions")
    return {"edges": edges, key: [int(one) for one in values]}


def _at_most(count: int) -> str:
    return str(count) if count <= MAX_HISTOGRAM_EDGES else f"more than {MAX_HISTOGRAM_EDGES}"


def _numbers(values: Any) -> list[float]:
    refuse_distributed(values)
    try:
        items = list(islice(iter(values), MAX_HISTOGRAM_EDGES + 1))
    except Exception as error:  # as in `convert_metric`
        raise ArgumentError(
            f"edges and values of a histogram must be sequences of numbers, found {type_name(values)} {shown(values)}"
        ) from error
    return [convert_metric(item) for item in items]
