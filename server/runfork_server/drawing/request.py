"""What may be asked for to draw, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.steps import MICRO
from runfork.query.smoothing import Smoothing
from runfork_server.arguments import Arguments

if TYPE_CHECKING:
    from runfork.query.smoothing import SmoothingKind

AxisKind = Literal["step", "relative", "time"]
AXES: tuple[AxisKind, ...] = ("step", "relative", "time")
INHERITED = ("lineage", "own")
LEAST_BUCKETS, MOST_BUCKETS = 64, 2000
MOST_LINES = 2000
MOST_ENTRIES = 240_000
"""Of all lines together; where there are many, each gets fewer buckets."""
MEMBERS = ("run_ids", "paths", "x", "range", "buckets", "inherited", "pruned", "line", "smoothing", "grid", "known")
_FAR = 2**60
"""Beyond every step and moment, in micro-steps and microseconds."""


@dataclass(frozen=True)
class DrawingRequest:
    """What to draw.

    Args:
        run_ids: Whose series; ids that no run has are passed over.
        paths: Which series of each.
        x: The axis: "step", "relative" (since the root of each run's lineage was created) or "time".
        x_range: First and last micro-step or microsecond; None is all there is.
        buckets: Into how many ranges that is divided.
        inherited: Whether lines begin at the root of the lineage, or with the run's own points.
        pruned: Whether what forks cut off the ancestors is there, too.
        line: What of each range the line goes through: its last value, or the mean of its finite ones.
        smoothing: How the line is smoothed; None leaves it as it is.
        grid: Where all there is is asked for, ranges fit its ends, or are "steady": they stay where they are while lines grow.
    """

    run_ids: tuple[str, ...]
    paths: tuple[str, ...]
    x: AxisKind = "step"
    x_range: tuple[int, int] | None = None
    buckets: int = 600
    inherited: bool = True
    pruned: bool = False
    line: Literal["last", "mean"] = "last"
    smoothing: Smoothing | None = None
    grid: Literal["fitted", "steady"] = "fitted"

    @property
    def inherit(self) -> Literal["lineage", "own"]:
        """How much of the lineage an index is asked for."""
        return "lineage" if self.inherited else "own"

    @property
    def count(self) -> int:
        """Into how many ranges x is divided, as far as there is room for so many lines."""
        lines = max(len(self.run_ids) * len(self.paths), 1)
        return min(self.buckets, max(LEAST_BUCKETS, MOST_ENTRIES // lines))


def read_request(given: Arguments) -> DrawingRequest:
    """Return what is asked for.

    Raises:
        ArgumentError: It is something that cannot be drawn.
    """
    given.refuse_others(MEMBERS)
    run_ids, paths = names(given, "run_ids"), names(given, "paths")
    if len(run_ids) * len(paths) > MOST_LINES:
        raise ArgumentError(
            f"at most {MOST_LINES} lines are drawn at once, found {len(run_ids)} runs x {len(paths)} paths; ask in portions"
        )
    return DrawingRequest(
        run_ids,
        paths,
        cast("AxisKind", given.choice("x", AXES, "step")),
        _range(given.given.get("range")),
        given.whole("buckets", 600, low=LEAST_BUCKETS, high=MOST_BUCKETS),
        given.choice("inherited", INHERITED, "lineage") == "lineage",
        given.flag("pruned"),
        cast("Literal['last', 'mean']", given.choice("line", ("last", "mean"), "last")),
        _smoothing(given.given.get("smoothing")),
        cast("Literal['fitted', 'steady']", given.choice("grid", ("fitted", "steady"), "fitted")),
    )


def names(given: Arguments, member: str) -> tuple[str, ...]:
    """Return the names that a member lists, each once.

    Raises:
        ArgumentError: It is no list of texts, or lists too many.
    """
    found = given.texts(member, most=MOST_LINES)
    if found is None:
        raise ArgumentError(f"{member} must be given: a list of names")
    return tuple(dict.fromkeys(found))


def micros(name: str, value: object) -> int:
    """Return a step or a number of seconds in millionths.

    Raises:
        ArgumentError: It is no finite number.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ArgumentTypeError(f"{name} must be a number, found {value!r:.80}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ArgumentError(f"{name} must be a finite number, found {value!r}")
    bound = _FAR // MICRO
    return round(max(-bound, min(value, bound)) * MICRO)


def _range(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004
        raise ArgumentTypeError(f"range must be a pair such as [0, 100], or null, found {value!r:.80}")
    low, high = (micros("range", end) for end in value)
    if low > high:
        raise ArgumentError(f"range must begin before it ends, found {value!r:.80}; swap its ends")
    return low, high


def _smoothing(value: object) -> Smoothing | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ArgumentTypeError(f"smoothing must be an object of kind and factor, or null, found {value!r:.80}")
    given = Arguments(value)
    given.refuse_others(("kind", "factor"))
    factor = given.number("factor")
    return Smoothing(cast("SmoothingKind", given.wanted_text("kind")), 0.0 if factor is None else float(factor))
