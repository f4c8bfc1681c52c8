"""What is known of a series before it is drawn: its segments, its axis, where it begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.model.lineage import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runfork.index.interface import Buckets
    from runfork.model.lineage import RunNode, Segment
    from runfork_server.drawing.memory import SeriesMemory
    from runfork_server.drawing.request import AxisKind

IndexAxis = Literal["step", "time"]
EVERYWHERE = (-(2**61), 2**61)
"""A range that holds every step and moment."""


class Seen(NamedTuple):
    """A float series as seen from a run.

    Args:
        key: Which.
        clock_axis: Whether its steps are Unix time.
        segments: The lineage segments, root first.
    """

    key: SeriesKey
    clock_axis: bool
    segments: Sequence[Segment]


class Ends(NamedTuple):
    """Where a series begins and ends, in micro-steps or microseconds.

    Args:
        points: How many it has.
        first_x, last_x: Where its first and last point lie.
        first, last: Their values.
    """

    points: int
    first_x: int
    last_x: int
    first: float
    last: float


class Place(NamedTuple):
    """Where a series lies on a chart's axis: its x in an index, less the shift.

    Args:
        axis: What x is to the index.
        shift: Microseconds; of relative time, when the root was created.
    """

    axis: IndexAxis
    shift: int = 0


class SeriesReader:
    """Asks an index about series, and keeps the answers.

    Args:
        memory: The project's index, and what was found in it before.
        inherit: How much of the lineage is seen.
    """

    def __init__(self, memory: SeriesMemory, inherit: Literal["lineage", "own"]) -> None:
        self.index = memory.index
        self.memory = memory
        self.inherit: Literal["lineage", "own"] = inherit
        self._nodes: Mapping[str, RunNode] | None = None

    @property
    def nodes(self) -> Mapping[str, RunNode]:
        """Every run of the project."""
        if self._nodes is None:
            self._nodes = self.index.nodes()
        return self._nodes

    def see(self, keys: Sequence[SeriesKey]) -> list[Seen]:
        """Return those float series that there are, in order."""
        nothing = (1, 0)

        def ask(missing: list[SeriesKey]) -> dict[SeriesKey, Seen | None]:
            found: dict[SeriesKey, Seen | None] = dict.fromkeys(
                missing
            )  # most runs lack most metrics, and go on doing so
            for one in self.index.points(PointsRequest(missing, inherit=self.inherit, step_range=nothing)):
                if one.type is AttributeType.FLOAT_SERIES:
                    found[one.key] = Seen(one.key, one.clock_axis, one.segments)
            return found

        known = self.memory.read(("seen", self.inherit), keys, ask, run_of=run_of)
        return [one for key in keys if (one := known[key]) is not None]

    def ends(self, keys: Sequence[SeriesKey], axis: IndexAxis) -> dict[SeriesKey, Ends]:
        """Return where series begin and end; those without points are left out."""

        def ask(missing: list[SeriesKey]) -> dict[SeriesKey, Ends]:
            request = BucketsRequest(missing, 1, x=axis, x_range=EVERYWHERE, inherit=self.inherit)
            return ends_of(self.index.buckets(request))

        return self.memory.read(("ends", self.inherit, axis), keys, ask, run_of=run_of)

    def ranges(self, keys: Sequence[SeriesKey], axis: IndexAxis) -> dict[SeriesKey, tuple[int, int]]:
        """Return the first and the last x of series; those without points are left out. By step, no point is read for that."""
        if axis != "step" or self.inherit != "lineage":
            return {key: (ends.first_x, ends.last_x) for key, ends in self.ends(keys, axis).items()}

        def ask(missing: list[SeriesKey]) -> dict[SeriesKey, tuple[int, int]]:
            run_ids, paths = ([*dict.fromkeys(names)] for names in zip(*missing, strict=True))
            values = self.index.values(run_ids, paths=paths)
            found = {}
            for key in missing:
                value = values.get(key.run_id, {}).get(key.path)
                statistics = (value.statistics if value is not None else None) or {}
                if statistics.get("first_step") is not None:
                    found[key] = int(statistics["first_step"]), int(statistics["last_step"])
            return found

        return self.memory.read("range", keys, ask, run_of=run_of)

    def keep_ends(self, found: Mapping[SeriesKey, Ends], axis: IndexAxis) -> None:
        """Keep the ends of series that were drawn as a whole."""
        self.memory.read(
            ("ends", self.inherit, axis), [*found], lambda keys: {key: found[key] for key in keys}, run_of=run_of
        )

    def root_created(self, run_id: str) -> int:
        """Return when the root of a run's lineage was created; a parent that has not arrived is none."""
        return self.nodes[ancestors(run_id, self.nodes)[-1]].created


def run_of(key: SeriesKey) -> str:
    """Return the run of a series."""
    return key.run_id


def ends_of(buckets: Buckets) -> dict[SeriesKey, Ends]:
    """Return where series begin and end that were read as a whole."""
    found = {}
    for line, key in enumerate(buckets.keys):
        filled = np.flatnonzero(buckets.counts[line])
        if len(filled):
            first, last = filled[0], filled[-1]
            found[key] = Ends(
                int(buckets.counts[line].sum()),
                int(buckets.first_x[line, first]),
                int(buckets.last_x[line, last]),
                float(buckets.first[line, first]),
                float(buckets.last[line, last]),
            )
    return found


def places(reader: SeriesReader, seen: Iterable[Seen], kind: AxisKind) -> dict[SeriesKey, Place]:
    """Return where series lie on an axis. Series on the clock axis have no place among steps."""
    found = {}
    for one in seen:
        if kind == "step":
            if not one.clock_axis:
                found[one.key] = Place("step")
            continue
        shift = reader.root_created(one.key.run_id) if kind == "relative" else 0
        found[one.key] = Place("step" if one.clock_axis else "time", shift)
    return found
