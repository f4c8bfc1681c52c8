"""What every index offers: one write shape and five read shapes, all for one project.

An index may be called from one thread at a time; several processes may hold one each. Steps are micro-steps, times are
microseconds since 1970, in UTC. Reads see what was applied before; `runfork.reading.project.Project.refresh` applies what is new in
the journals. Equal histories give equal answers in every index, whatever the order in which batches of different journals
were applied: the contract suite in `runfork.testing` checks it.

The journals are the only truth. What is gone from disk, or is not what it was, is removed by whoever brings the index up to date,
a run at a time, and what is still there of such a run is applied anew.

Order of edits: within one journal, its own order. Of points at the same step of a series in one run, the one from the writer
with the greater name (it started later) wins, then the later one in that journal. A recorded point stays: those that lost are
what `PointsRequest.replaced` asks for. Of single values and string-set changes, the one with the greater (order_time, writer,
offset) wins. A metric row's order_time is that of the last record before it in its journal, or when the journal was created.

``sys/modification_time`` is when the last frame of any journal of the run was written, rows and points included, by its writer's
clock and whatever timestamps its user gave; ``sys/running_time_seconds`` is for how long at least one of its processes was at it.

A run is there as soon as one of its journals is; until its CREATE record arrives it was created when its first journal was. A fork
was created at least a microsecond after its parent. Its name is the one that it began with.

``sys/state`` is what readers work out, and what they cannot know they do not say: `runfork.reading.state` looks whether processes
live and journals grow, and hands the answer to `Index.set_states`. Until then a run has none.

Head of an experiment is the run created last with its name that is not archived and has a point on a step axis or the state
"running"; if none is like that, the run created last. Of several created at once, the one whose own account says so.

int and float are one family, number; every other type is a family of its own. A path holds values of one family in a run: that
of its first value by (order_time, writer, offset) that is not None. Values of other families are left out, and
``sys/diagnostics/type_conflicts`` counts the pairs of path and family that are. The last value stands, with its own type. A run
without values of its own takes the family from the nearest ancestor whose values it sees. Whether a series is on the clock axis
follows the same rule.

None is a value of type "none" that fits every family but series: it replaces what was there, inherited or earlier, and empties a
string set; a series leaves it out. Filters and sorts do not see it: to them the run lacks the attribute.

Previews are seen where their step is beyond the last committed point that is seen; of several at one step the later one. They
count in no statistics, filter or bucket: a series that has nothing else is there, and its value is None.

A filter or sort that names a type means its family; one that names none means all. Numbers (the last value of a float series
among them) compare with numbers, bools with bools, times with times, texts with texts; a value of another kind is only different.
Comparisons follow Python: NaN differs from everything and is in no order. A pattern asks a string set as a whole: each of its
parts whether any member matches.

A sort puts kinds one after the other, in both directions: numbers, bools, times, texts, string sets, then values that have no
order (NaN, files, histograms, series without a committed point), and the runs without the attribute last.

An index that is kept in a file is given up and made anew where SQLite, or a checksum, says that the file is damaged, and for no
other reason: an exception from elsewhere passes through. It takes over no file that is not one of its own.

A run's values are its own over those it inherits: everything single-valued and file-like of its parent (own and inherited)
that stood in the parent's journals at the fork, except the namespaces ``sys/``, ``runtime/`` and ``source_code/``, of which
only sys/tags, sys/group_tags and sys/description are inherited; configs (everything but tags, group tags, description and
files) only where the run was created with inherit_configs.

What stood at the fork: in the journal of the mark, what comes before it; in the parent's other journals, what begins before
the size that the mark tells, nothing where it tells none. A mark of early versions tells no sizes at all: then what has an
order_time up to the mark's time. Where the parent has no such mark: what has an order_time up to the time that the fork says
of the mark; without one, the sizes that the fork tells, everything where it found no parent; in forks of early versions, what
has an order_time up to the run's creation.

Of a series on the step axis without a point in what stood at the mark, and without a cut in it, nothing is seen of the
parent's own points. What the parent inherits of it is seen. Without a mark, steps alone decide.

A description replaces namespaces: single values of its run below them that come before it in the order of edits, and all that
are inherited there, are gone, but for those of the same record. They do not count for the type of their path, either. Series
are not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from runfork.errors import ArgumentError, FormatError, RunforkError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    import numpy.typing as npt

    from runfork.journal.records import Batch, JournalKey
    from runfork.model.attributes import AttributeType, Value
    from runfork.model.filters import Attribute, Filter
    from runfork.model.lineage import RunNode, Segment
    from runfork.model.patterns import Pattern

Aggregate = Literal["last", "min", "max", "average", "variance"]

MAX_BUCKETS = 1_000_000
"""No grid has more: each takes memory for every series."""
_LARGEST = 2**63 - 1


def _check_number(name: str, value: Any, *, at_least: int, at_most: int = _LARGEST) -> None:
    is_number = isinstance(value, Integral) and not isinstance(value, bool)
    if value is not None and not (is_number and at_least <= int(value) <= at_most):
        raise ArgumentError(f"{name} must be a whole number from {at_least} to {at_most}, found {value!r}")


def _check_range(name: str, value: tuple[object, object]) -> None:
    for end in value:
        _check_number(name, end, at_least=-_LARGEST)


class Sort(NamedTuple):
    """Order of runs: by a value (series: the aggregate), then creation time descending, then run id. Runs without it come last."""

    attribute: Attribute
    descending: bool = True
    aggregate: Aggregate = "last"


@dataclass(frozen=True)
class RunsQuery:
    """Which runs, in which order.

    Args:
        filter: Condition, or None for all.
        heads_only: Experiments mode: only the heads of experiments.
        run_ids: Restrict to these, or None.
        sort: Order; of several, each counts where those before it find no difference; None is creation time descending, then
            run id.
        limit: At most so many, or None.
        offset: Leave out so many first.
        include_archived: Whether archived runs are among them.
    """

    filter: Filter | None = None
    heads_only: bool = False
    run_ids: Sequence[str] | None = None
    sort: Sort | Sequence[Sort] | None = None
    limit: int | None = None
    offset: int = 0
    include_archived: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        _check_number("limit", self.limit, at_least=0)
        _check_number("offset", self.offset, at_least=0)

    @property
    def sorts(self) -> Sequence[Sort]:
        """The order as a sequence of sorts, the one that counts most first."""
        if self.sort is None:
            return ()
        return (self.sort,) if isinstance(self.sort, Sort) else self.sort


class RunRow(NamedTuple):
    """A run in a list: its node in the lineage and whether it is the head of its experiment."""

    node: RunNode
    is_head: bool


class RunsPage(NamedTuple):
    """One page of runs, and how many there are in all."""

    rows: list[RunRow]
    total: int


class Definition(NamedTuple):
    """A path, a type that it has somewhere, and in how many runs (inherited ones counted)."""

    path: str
    type: str
    run_count: int


class CheckpointMark(NamedTuple):
    """A checkpoint that a run wrote, as the run's journal tells of it.

    Args:
        mark_id: Its id, unique in the run; the checkpoint carries it, too.
        step: The last micro-step that a fork from it inherits.
        time: When it was made, microseconds since 1970, by the clock of its writer.
        epoch: The epoch it was made in; None if nobody said.
    """

    mark_id: str
    step: int
    time: int
    epoch: int | None = None


class SeriesKey(NamedTuple):
    """A series as seen from a run."""

    run_id: str
    path: str


@dataclass(frozen=True)
class PointsRequest:
    """Points of many series, by lineage.

    Args:
        series: Which; those that do not exist are left out of the answer.
        inherit: "lineage" up to the root, "experiment" from the run and those ancestors that share its experiment name without
            a gap (from the run alone if it has none), "own" from the run alone.
        step_range: First and last micro-step, inclusive; None is open.
        tail: The last so many points of each, or None.
        previews: Whether previews that no committed point has replaced are among them.
        replaced: The points that were replaced, instead of those that stand: points of a run at whose step the same run logged
            another one later, in this process or in another. A step may occur several times, the point that was logged first
            comes first. Never together with `previews`.
    """

    series: Sequence[SeriesKey]
    inherit: Literal["lineage", "experiment", "own"] = "lineage"
    step_range: tuple[int | None, int | None] = (None, None)
    tail: int | None = None
    previews: bool = False
    replaced: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.previews and self.replaced:
            raise ArgumentError("previews that were replaced are not kept; ask for replaced points without previews")
        _check_range("step_range", self.step_range)
        _check_number("tail", self.tail, at_least=0)


@dataclass(frozen=True)
class Series:
    """The points of one series as seen from one run, by increasing step, each step once (of replaced points, any number of times).

    Args:
        key: Which series.
        type: Its type.
        clock_axis: Whether its steps are Unix time.
        steps: int64[n].
        times: int64[n], when each was logged.
        values: float64[n], or a list of str, Histogram or FileReference.
        sources: int32[n]: position in `segments` of the run that each point comes from.
        segments: The lineage segments, root first, that were looked at.
        completion: float64[n]: 1.0 for committed points, else the preview's completion; None unless previews were asked for.
        is_preview: bool[n]; None unless previews were asked for.
    """

    key: SeriesKey
    type: AttributeType
    clock_axis: bool
    steps: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64] | list[Any]
    sources: npt.NDArray[np.int32]
    segments: Sequence[Segment]
    completion: npt.NDArray[np.float64] | None = None
    is_preview: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class BucketsRequest:
    """Many float series on one grid of equal x ranges.

    Args:
        series: Which.
        count: Number of buckets, 1 to `MAX_BUCKETS`.
        x: "step" or "time" (when points were logged).
        x_range: First and last x, inclusive. An open end is where the first or last point of all the series lies that is not
            beyond the other end; without such a point it is the other end, or 0.
        inherit: As in `PointsRequest`.
    """

    series: Sequence[SeriesKey]
    count: int = 1000
    x: Literal["step", "time"] = "step"
    x_range: tuple[int | None, int | None] = (None, None)
    inherit: Literal["lineage", "experiment", "own"] = "lineage"

    def __post_init__(self) -> None:
        """Check the numbers."""
        _check_number("count", self.count, at_least=1, at_most=MAX_BUCKETS)
        _check_range("x_range", self.x_range)


@dataclass(frozen=True)
class Buckets:
    """Float series on a grid: bucket i covers ``[edges[i], edges[i+1])``, the last one its end too.

    A point x falls into bucket ``min(floor((x - low) * count / (high - low)), count - 1)``, computed in float64; into the first
    where low equals high. Among points of equal x (times), order is by step.

    Args:
        edges: float64[b+1], micro-steps or microseconds.
        keys: The k series that exist.
        counts: int64[k, b], all points.
        first, last: float64[k, b]: first and last value by x, finite or not; NaN where a bucket is empty.
        first_x, last_x: float64[k, b]: their x; NaN where empty.
        minimum, maximum, mean: float64[k, b] over finite values; NaN where there is none.
        nan, positive_infinity, negative_infinity: int64[k, b].
    """

    edges: npt.NDArray[np.float64]
    keys: list[SeriesKey]
    counts: npt.NDArray[np.int64]
    first: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]
    first_x: npt.NDArray[np.float64]
    last_x: npt.NDArray[np.float64]
    minimum: npt.NDArray[np.float64]
    maximum: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    nan: npt.NDArray[np.int64]
    positive_infinity: npt.NDArray[np.int64]
    negative_infinity: npt.NDArray[np.int64]


class Writer(NamedTuple):
    """What is known of one journal, for working out whether its process still runs.

    Args:
        key: The journal.
        identity: Its header.
        applied: Offset up to which it was applied.
        last_time: When the last of its frames was written, by its writer's clock (`Batch.last_time`), or when it was created.
        state: Of its last STATUS or CLOSE record: "running" where there is none.
        is_closed: A CLOSE record was the last of its kind.
        damage: Stretches that could not be read.
        carry: `Batch.carry` of the last batch applied, to be handed to the next reader as it is.
    """

    key: JournalKey
    identity: Mapping[str, Any]
    applied: int
    last_time: int
    state: str = "running"
    is_closed: bool = False
    damage: Sequence[tuple[int, int, str]] = ()
    carry: Mapping[str, Any] = {}


class StaleIndexError(FormatError):
    """An index that is kept in a file is damaged, or of another version. It is derived: open it again, and it begins anew."""


class UnusableIndexError(RunforkError):
    """An index cannot be used where it is kept: there is no space or no right to write, or another process has locked it."""


class ForeignIndexError(UnusableIndexError):
    """What lies where an index is to be kept is none of runfork's. It was left as it is."""


class Index(Protocol):
    """The derived store of one project."""

    def together(self) -> AbstractContextManager[None]:
        """Return a context in which many batches are applied faster: other processes may see them later, at its end at the latest.

        Each batch is still taken in as a whole or not at all, and those before one that fails stay.
        """
        raise NotImplementedError

    def apply(self, batch: Batch) -> None:
        """Take in what one read of one journal gave, and the new offset, in one transaction.

        A batch that begins before the applied offset was seen already and changes nothing; one that begins after it is an
        error of the caller (ArgumentError).
        """

    def remove(self, run_ids: Collection[str]) -> None:
        """Forget runs and all that their journals said, as if none of them had been applied, in one transaction.

        Those that were forked from them are pending then, and see nothing of theirs any more. Their journals can be applied again,
        from the beginning. Ids that are not known are passed over.
        """

    def set_states(self, states: Mapping[str, str]) -> None:
        """Store what `runfork.disk.liveness` worked out, by run id, as ``sys/state`` and, whether it is "failed", ``sys/failed``.

        Raises:
            NotFoundError: There is no such run.
        """

    def keep_look(self, look: Any) -> None:
        """Keep what a reader saw of the journals when all of them was applied: the next one then sees that nothing has changed.

        It is for `last_look` alone, and gone as soon as anything is applied or removed.

        Args:
            look: What JSON can hold.
        """

    def last_look(self) -> Any:
        """Return what `keep_look` was given; None where nothing is kept."""
        raise NotImplementedError

    def states(self) -> dict[str, str]:
        """Return the state of every run that was given one, by run id."""
        raise NotImplementedError

    def writers(self, run_ids: Collection[str] | None = None) -> dict[JournalKey, Writer]:
        """Return every journal that was applied, or those of some runs."""
        raise NotImplementedError

    def nodes(self) -> dict[str, RunNode]:
        """Return every run of the project, as lineage sees it: forks with the cuts and the clock that their marks recorded."""
        raise NotImplementedError

    def marks(self, run_ids: Sequence[str]) -> dict[str, list[CheckpointMark]]:
        """Return the checkpoint marks that runs wrote themselves, by run id; of each run by step, time and id.

        Of two marks of one id, that of the journal that was begun first counts. Ids that are not known are left out.
        """
        raise NotImplementedError

    def runs(self, query: RunsQuery) -> RunsPage:
        """Return runs."""
        raise NotImplementedError

    def definitions(
        self,
        *,
        run_ids: Sequence[str] | None = None,
        pattern: Pattern | None = None,
        types: Sequence[AttributeType] | None = None,
    ) -> list[Definition]:
        """Return paths and their types, sorted, inherited ones included; `None` does not restrict."""
        raise NotImplementedError

    def values(
        self, run_ids: Sequence[str], *, paths: Sequence[str] | None = None, pattern: Pattern | None = None
    ) -> dict[str, dict[str, Value]]:
        """Return attributes of runs by run id and path: `paths` if given, else those that match `pattern`, else all."""
        raise NotImplementedError

    def points(self, request: PointsRequest) -> list[Series]:
        """Return points, in the order of the request."""
        raise NotImplementedError

    def buckets(self, request: BucketsRequest) -> Buckets:
        """Return aggregates on one grid."""
        raise NotImplementedError

    def close(self) -> None:
        """Release files; the index must not be used afterwards."""
