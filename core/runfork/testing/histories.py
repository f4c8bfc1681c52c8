"""Hand-written histories: journals as a reader would give them, without files."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from runfork.journal.format import NAMESPACE, Kind
from runfork.journal.records import Batch, JournalKey, MetricRows, Record
from runfork.model.attributes import AttributeType
from runfork.model.conversion import convert_config, convert_metric
from runfork.model.histograms import convert_histogram
from runfork.model.steps import NO_STEP, to_micro_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runfork.model.steps import Step
    from runfork.types import Histogram

EPOCH = 1_700_000_000_000_000
"""When hand-written histories begin, in microseconds since 1970."""

HEADER_BYTES = 100
FRAME_BYTES = 50
_POINTS = (Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES)


@dataclass(frozen=True)
class _Row:
    offset: int
    time: int
    step: int
    clock_axis: bool
    data: Mapping[str, float]
    completion: float | None


@dataclass
class HistoryWriter:
    """One journal, written by hand: each method appends a frame and returns the writer, so that calls chain.

    Args:
        run_id: The run.
        writer: The writer's name; names order writers by start.
        now: The writer's clock, microseconds since 1970; each frame moves it one second on unless it is given a time, which for
            rows and points is what a user passed.
        created: When the journal was created; `now` if None.
        project: The project.
    """

    run_id: str
    writer: str = "w1"
    now: int = EPOCH
    created: int | None = None
    project: str = "local/test"
    _frames: list[Record | _Row] = field(default_factory=list)
    _clock_times: dict[int, int] = field(default_factory=dict)
    _end: int = HEADER_BYTES
    _order_time: int = 0
    _taken: int = 0
    _start: int = 0

    def __post_init__(self) -> None:
        """Fix the creation time."""
        self.created = self.now if self.created is None else self.created

    @property
    def key(self) -> JournalKey:
        """The journal's name."""
        return JournalKey(self.run_id, self.writer)

    @property
    def size(self) -> int:
        """How many bytes it has, as far as it is written."""
        return self._end

    @property
    def identity(self) -> dict[str, Any]:
        """The journal's header."""
        return {"project": self.project, "run_id": self.run_id, "writer": self.writer, "created": self.created}

    def _advance(self, time: int | None) -> tuple[int, int]:
        offset, self._end = self._end, self._end + FRAME_BYTES
        self.now = self.now + 1_000_000 if time is None else time
        return offset, self.now

    def record(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        step: int = NO_STEP,
        clock_axis: bool = False,
        time: int | None = None,
    ) -> HistoryWriter:
        """Append any record; `step` in micro-steps, `time` in microseconds."""
        offset, now = self._advance(time)
        if kind not in _POINTS or step == NO_STEP:  # the time of a point is the user's to say
            self._order_time = max(self._order_time, now)
            time = None
        if time is None:
            self._clock_times[offset] = now
        self._frames.append(Record(kind, offset, now, self._order_time, step, clock_axis, body))
        return self

    def create(
        self,
        experiment_name: str | None = None,
        *,
        created: int | None = None,
        inherit_configs: bool = True,
        fork: tuple[str, Step] | None = None,
        journals: Mapping[str, int] | Literal["unsaid"] | None = "unsaid",
        time: int | None = None,
    ) -> HistoryWriter:
        """Say that the run exists; `fork` is (parent, step), `journals` how far the parent's journals were then."""
        said = {} if journals == "unsaid" else {"journals": journals}
        body = {
            "run_id": self.run_id,
            "project": self.project,
            "experiment_name": experiment_name,
            "creation_time": (self.now if time is None else time) if created is None else created,
            "inherit_configs": inherit_configs,
            "fork": None if fork is None else {"parent": fork[0], "step": to_micro_steps(fork[1]), **said},
        }
        return self.record(Kind.CREATE, body, time=time)

    def lineage(
        self,
        parent: str,
        step: Step,
        *,
        mark: str | None = None,
        mark_time: int | None = None,
        inherit_configs: bool = True,
        journals: Mapping[str, int] | Literal["unsaid"] | None = "unsaid",
        time: int | None = None,
    ) -> HistoryWriter:
        """Say which run this one was forked from; arguments as of `create`."""
        body = {
            **({} if journals == "unsaid" else {"journals": journals}),
            "parent": parent,
            "step": to_micro_steps(step),
            "mark": mark,
            "mark_time": mark_time,
            "policy": "fork",
            "checkpoint": None,
            "inherit_configs": inherit_configs,
        }
        return self.record(Kind.LINEAGE, body, time=time)

    def metrics(
        self,
        data: Mapping[str, float],
        step: Step,
        *,
        completion: float | None = None,
        clock_axis: bool = False,
        time: int | None = None,
    ) -> HistoryWriter:
        """Append a row of metrics, a preview if it has a `completion`."""
        offset, now = self._advance(time)
        values = {path: convert_metric(value) for path, value in data.items()}
        if time is None:
            self._clock_times[offset] = now
        self._frames.append(_Row(offset, now, to_micro_steps(step), clock_axis, values, completion))
        return self

    def configs(self, data: Mapping[str, Any], *, time: int | None = None) -> HistoryWriter:
        """Set single values; their types are those that `log_configs` gives them."""
        body = {}
        for path, value in data.items():
            kind, held = convert_config(value)
            body[path] = [kind.value, held]
        return self.record(Kind.CONFIGS, body, time=time)

    def describe(self, data: Mapping[str, Any], *, replaces: Sequence[str], time: int | None = None) -> HistoryWriter:
        """Set single values in place of all that stood below some namespaces."""
        body: dict[str, Any] = {f"{namespace}/": [NAMESPACE, None] for namespace in replaces}
        for path, value in data.items():
            kind, held = convert_config(value)
            body[path] = [kind.value, held]
        return self.record(Kind.CONFIGS, body, time=time)

    def string_set(self, path: str, members: Iterable[str], *, time: int | None = None) -> HistoryWriter:
        """Replace a string set."""
        return self.record(Kind.CONFIGS, {path: [AttributeType.STRING_SET.value, sorted(members)]}, time=time)

    def string_list(self, path: str, members: Iterable[str], *, time: int | None = None) -> HistoryWriter:
        """Set a list of strings."""
        return self.record(Kind.CONFIGS, {path: [AttributeType.STRING_SET.value, list(members)]}, time=time)

    def tags(
        self,
        *add: str,
        remove: Sequence[str] = (),
        path: str = "sys/tags",
        time: int | None = None,
    ) -> HistoryWriter:
        """Add tags and remove others."""
        return self.record(Kind.TAGS, {path: {"add": list(add), "remove": list(remove)}}, time=time)

    def strings(
        self,
        data: Mapping[str, str | list[str]],
        step: Step,
        *,
        clock_axis: bool = False,
        time: int | None = None,
    ) -> HistoryWriter:
        """Append points of string series; those of a list stand one micro-step apart."""
        return self.record(Kind.STRINGS, data, step=to_micro_steps(step), clock_axis=clock_axis, time=time)

    def histograms(self, data: Mapping[str, Histogram], step: Step, *, time: int | None = None) -> HistoryWriter:
        """Append points of histogram series."""
        body = {path: convert_histogram(value) for path, value in data.items()}
        return self.record(Kind.HISTOGRAMS, body, step=to_micro_steps(step), time=time)

    def files(self, data: Mapping[str, str], step: Step | None = None, *, time: int | None = None) -> HistoryWriter:
        """Log files by path and digest; without a step single files, else points of file series."""
        body = {
            path: {"sha256": digest, "size": len(digest), "mime": "text/plain", "name": f"{digest}.txt"}
            for path, digest in data.items()
        }
        return self.record(Kind.FILES, body, step=NO_STEP if step is None else to_micro_steps(step), time=time)

    def mark(
        self,
        mark: str,
        step: Step,
        *,
        cuts: Mapping[str, Step] | None = None,
        journals: Mapping[str, int] | None = None,
        time: int | None = None,
    ) -> HistoryWriter:
        """Say that a checkpoint was written; `journals` is how far the run's other journals were, None as in early versions."""
        held = {path: to_micro_steps(cut) for path, cut in (cuts or {}).items()}
        body: dict[str, Any] = {"mark": mark, "epoch": None, "fingerprint": None, "cuts": held}
        if journals is not None:
            body["journals"] = dict(journals)
        return self.record(Kind.MARK, body, step=to_micro_steps(step), time=time)

    def heartbeat(self, *, time: int | None = None) -> HistoryWriter:
        """Say that the writer is alive."""
        return self.record(Kind.HEARTBEAT, {}, time=time)

    def status(self, state: str, *, time: int | None = None) -> HistoryWriter:
        """Change the run's state."""
        return self.record(Kind.STATUS, {"state": state}, time=time)

    def close(self, state: str = "finished", *, time: int | None = None) -> HistoryWriter:
        """Say that the writer is done."""
        return self.record(Kind.CLOSE, {"state": state}, time=time)

    def batch(self, count: int | None = None) -> Batch:
        """Return what a reader gives next.

        Args:
            count: At most so many frames; all that were not returned yet if None.
        """
        last = len(self._frames) if count is None else min(self._taken + count, len(self._frames))
        frames = self._frames[self._taken : last]
        end = self._end if last == len(self._frames) else self._frames[last].offset
        found = Batch(
            self.key,
            self.identity,
            self._start,
            end,
            records=[frame for frame in frames if isinstance(frame, Record)],
            rows=_rows([frame for frame in frames if isinstance(frame, _Row)]),
            last_time=max((self._clock_times.get(frame.offset, 0) for frame in frames), default=0),
        )
        self._start, self._taken = end, last
        return found

    def batches(self, count: int) -> list[Batch]:
        """Return all that was not returned yet, `count` frames at a time."""
        found = [self.batch(count)]
        while self._taken < len(self._frames):
            found.append(self.batch(count))
        return found


def _rows(rows: Sequence[_Row]) -> list[MetricRows]:
    groups: dict[tuple[tuple[str, ...], bool, bool], list[_Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.data), row.clock_axis, row.completion is not None].append(row)
    return [
        MetricRows(
            paths,
            np.array([row.step for row in group], np.int64),
            np.array([row.time for row in group], np.int64),
            np.array([list(row.data.values()) for row in group], np.float64).reshape(len(group), len(paths)),
            np.array([row.completion for row in group], np.float64) if is_preview else None,
            clock_axis,
            np.array([row.offset for row in group], np.int64),
        )
        for (paths, clock_axis, is_preview), group in groups.items()
    ]
