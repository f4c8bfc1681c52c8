"""Following one run: what its journals say, as it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import journals_of
from runfork.errors import FormatError
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.journal.format import Kind
from runfork.journal.reader import JournalReader
from runfork.model.attributes import AttributeType, is_system_path
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runfork.index.interface import Index
    from runfork.journal.records import Batch, MetricRows, Record
    from runfork.model.patterns import Pattern
    from runfork.reading.project import Project

_CONSOLE_PATTERN = compile_pattern(r"(^|/)std(out|err)$")


@dataclass(frozen=True)
class Event:
    """A row of metrics, or a line of text.

    Args:
        time: When it was logged (lines: when it appeared), microseconds since 1970.
        step: Micro-step; None for lines on the clock axis.
        metrics: Values by path; empty for text.
        path: Of text; empty for metrics.
        text: One line.
    """

    time: int
    step: int | None
    metrics: dict[str, float] = field(default_factory=dict)
    path: str = ""
    text: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it is a line of a process' stderr."""
        return self.path.endswith("stderr")


@dataclass(frozen=True)
class Followed:
    """What is followed.

    Args:
        attributes: Only paths that match; None is the user's own metrics and text, and the console.
        has_console: Whether console output is among it.
        has_metrics: Whether metrics are.
    """

    attributes: Pattern | None = None
    has_console: bool = True
    has_metrics: bool = True

    def takes(self, path: str, *, is_text: bool) -> bool:
        """Return whether `path` is followed."""
        if is_text and _CONSOLE_PATTERN.matches(path):
            return self.has_console and (self.attributes is None or self.attributes.matches(path))
        if not is_text and not self.has_metrics:
            return False
        return self.attributes.matches(path) if self.attributes is not None else not is_system_path(path)


CONSOLE = Followed(_CONSOLE_PATTERN, has_metrics=False)
"""Captured console output and nothing else: the streams of all processes."""


def read_last_events(index: Index, run_id: str, count: int, followed: Followed) -> list[Event]:
    """Return the last `count` events of a run's own, oldest first."""
    if count == 0:
        return []
    definitions = index.definitions(run_ids=[run_id], types=[AttributeType.FLOAT_SERIES, AttributeType.STRING_SERIES])
    keys = [
        SeriesKey(run_id, one.path)
        for one in definitions
        if followed.takes(one.path, is_text=one.type == AttributeType.STRING_SERIES.value)
    ]
    rows: dict[tuple[int, int], Event] = {}
    lines: list[Event] = []
    for series in index.points(PointsRequest(keys, inherit="own", tail=count)):
        points = zip(series.steps.tolist(), series.times.tolist(), series.values, strict=True)
        if series.type is AttributeType.FLOAT_SERIES:
            for step, time, value in points:
                rows.setdefault((time, step), Event(time, step)).metrics[series.key.path] = float(value)
        elif series.clock_axis:
            lines += [Event(step, None, path=series.key.path, text=str(text)) for step, _, text in points]
        else:
            lines += [Event(time, step, path=series.key.path, text=str(text)) for step, time, text in points]
    return _by_time([*rows.values(), *lines])[-count:]


def _by_time(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.time, event.step or 0))


class Follower:
    """Reads what the journals of one run say after what the index has applied.

    Args:
        project: The project; it must have been refreshed.
        run_id: The run.
        followed: What is followed.
    """

    def __init__(self, project: Project, run_id: str, followed: Followed) -> None:
        self._directory = project.store.run_directory(project.name, run_id)
        self._followed = followed
        self._readers: dict[Path, tuple[JournalReader, int]] = {}
        writers = {key.writer: writer for key, writer in project.index.writers().items() if key.run_id == run_id}
        for path in journals_of(self._directory):
            writer = writers.get(path.stem)
            if writer is not None:
                self._readers[path] = (JournalReader(path, writer.carry), writer.applied)

    def read(self) -> list[Event]:
        """Return what was written since the last time, oldest first; journals that cannot be read are passed over."""
        events: list[Event] = []
        for path in journals_of(self._directory):
            reader, start = self._readers.get(path) or (JournalReader(path), 0)
            try:
                for batch in reader.batches(start):
                    events += self._events(batch)
                    start = batch.end
            except (OSError, FormatError):
                continue  # `runfork fsck` tells of it
            finally:
                self._readers[path] = (reader, start)
        return _by_time(events)

    def _events(self, batch: Batch) -> Iterable[Event]:
        for rows in batch.rows:
            if rows.completion is None:
                yield from self._metric_events(rows)
        for record in batch.records:
            if record.kind == Kind.STRINGS:
                yield from self._text_events(record)

    def _metric_events(self, rows: MetricRows) -> Iterable[Event]:
        taken = [at for at, path in enumerate(rows.paths) if self._followed.takes(path, is_text=False)]
        if not taken:
            return
        paths = [rows.paths[at] for at in taken]
        for time, step, values in zip(
            rows.times.tolist(), rows.steps.tolist(), rows.values[:, taken].tolist(), strict=True
        ):
            yield Event(time, step, dict(zip(paths, values, strict=True)))

    def _text_events(self, record: Record) -> Iterable[Event]:
        for path, texts in record.body.items():
            if not self._followed.takes(path, is_text=True):
                continue
            each: list[Any] = texts if isinstance(texts, list) else [texts]
            for place, text in enumerate(each):
                if record.clock_axis:
                    yield Event(record.step + place, None, path=path, text=str(text))
                else:
                    yield Event(record.time, record.step + place, path=path, text=str(text))
