"""The index in one SQLite file: one process drains journals into it, any number read it, none waits for another."""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from runfork.errors import NotFoundError, RunforkError
from runfork.index.garbage import collector_paused
from runfork.index.interface import Definition, PointsRequest, RunRow, RunsPage, Series, StaleIndexError, Writer
from runfork.index.sqlite import journals
from runfork.index.sqlite.runs import storable
from runfork.index.sqlite.schema import (
    MISREAD,
    TYPE_NUMBERS,
    TYPES,
    close_file,
    delete_file,
    is_damage,
    open_file,
    place_of,
    refusal,
)
from runfork.index.sqlite.tables import Tables
from runfork.index.sqlite.transactions import Transactions
from runfork.index.sqlite.updating import Updates
from runfork.index.sqlite.values.reader import ValueReader
from runfork.index.sqlite.values.table import counted
from runfork.journal.records import JournalKey
from runfork.model.attributes import AttributeType
from runfork.model.messages import described
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runfork.index.interface import Buckets, BucketsRequest, CheckpointMark, RunsQuery, SeriesKey
    from runfork.index.sqlite.applying import Application
    from runfork.index.sqlite.inheritance.lineage_view import LineageView, SeenSeries
    from runfork.index.sqlite.points.buckets import StepLine, TimeLine
    from runfork.index.sqlite.points.series import SeriesPoints
    from runfork.index.sqlite.points.writer import ChunkSizes
    from runfork.index.sqlite.values.questions import Questions
    from runfork.journal.records import Batch
    from runfork.model.attributes import Value
    from runfork.model.lineage import RunNode
    from runfork.model.patterns import Pattern


class SqliteIndex:
    """The index of one project in a file.

    Args:
        path: The file. It is made if it is not there, and made anew, empty, if it is damaged or of another version.
        sizes: When points become chunks; the measured defaults if None.
        read_only: Only read; another process drains. `apply` and `set_states` then raise UnusableIndexError.

    Raises:
        StaleIndexError: Only to read, and the file is not there, damaged, or of another version. Any method raises it where damage
            turns up later; the file is then deleted, and the next to open it begins anew.
        ForeignIndexError: What lies at `path` is no index of ours; it is left as it is.
        UnusableIndexError: There is no space or no right to write, or another process has locked the file for half a minute.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, sizes: ChunkSizes | None = None) -> None:
        self.path = Path(path)
        self._read_only = read_only
        self._is_given_up = False
        self._connection = open_file(self.path, read_only=read_only)
        self._place = place_of(self.path)
        self._tables = Tables(self._connection, sizes)
        self._runs, self._values = self._tables.runs, self._tables.values
        self._updates = Updates(self._tables)
        self._transactions = Transactions(self._tables, self._updates)

    # What most processes do not need: they read a page of runs, and importing all of it takes longer than that

    @cached_property
    def _questions(self) -> Questions:
        from runfork.index.sqlite.values.questions import Questions

        return Questions(self._connection, self._runs, self._values)

    @cached_property
    def _application(self) -> Application:
        from runfork.index.sqlite.applying import Application

        return Application(self._tables, self._updates)

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        """Read or write one state of the file."""
        if self._is_given_up:
            raise self._given_up()
        self._check_place()
        with self._guarded(), self._transactions.one(kind):
            yield

    @contextmanager
    def _noting(self, *, settles: bool) -> Iterator[None]:
        """Take note of something in memory, as part of a transaction."""
        if self._is_given_up:
            raise self._given_up()
        with self._guarded(), self._transactions.notes(settles=settles):
            yield

    def _check_place(self) -> None:
        """Give up a file that others cannot see any more: what is drained into theirs would never be seen here."""
        if place_of(self.path) != self._place:
            self._discard("it was deleted or replaced", None)

    def _given_up(self) -> StaleIndexError:
        return StaleIndexError(f"the index {str(self.path)!r} was given up; open the project again to rebuild it")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Say in words of ours what is wrong with the file. What is wrong elsewhere passes through, and leaves the file alone."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                self._discard(described(error), error)
            if isinstance(error, sqlite3.OperationalError) and place_of(self.path) != self._place:
                self._discard("it was deleted or replaced", error)
            if isinstance(error, sqlite3.OperationalError):
                raise refusal(self.path, error) from error
            raise
        except RunforkError:
            raise
        except MISREAD as error:
            if (reason := self._find_damage()) is not None:
                self._discard(reason, error)
            raise

    def _find_damage(self) -> str | None:
        """Return what is wrong with the file; None if nothing is, as far as SQLite and checksums tell."""
        from runfork.index.sqlite.damage import find_damage

        return find_damage(self._connection, self._tables.reader.codec)

    def _discard(self, reason: str, error: BaseException | None) -> NoReturn:
        self._give_up()
        raise StaleIndexError(
            f"the index {str(self.path)!r} is damaged ({reason}); it is derived, open the project again to rebuild it"
        ) from error

    def _give_up(self) -> None:
        self._is_given_up = True
        self._transactions.abandon()
        self.close()
        if not self._read_only and self._place is not None and place_of(self.path) == self._place:
            delete_file(self.path)  # and not what others have put there since

    # Writing

    @contextmanager
    def together(self) -> Iterator[None]:
        """Apply batches faster; see `Index.together`."""
        with self._guarded(), self._transactions.together():
            yield

    def apply(self, batch: Batch) -> None:
        """Take in a batch; see `Index.apply`."""
        if not batch.start:
            with self._noting(
                settles=False
            ):  # its state comes next: once it is stored, all of it would be worked out for that
                if self._updates.plain.take(batch):
                    return
        with self._transaction("IMMEDIATE"):
            self._application.apply(batch)

    def remove(self, run_ids: Collection[str]) -> None:
        """Remove runs; see `Index.remove`."""
        with self._transaction("IMMEDIATE"):
            self._updates.remove(run_ids)

    def set_states(self, states: Mapping[str, str]) -> None:
        """Store the states of runs; see `Index.set_states`."""
        with self._noting(settles=True):
            entries = self._runs.runs
            for run_id in states:
                if run_id not in entries:
                    raise NotFoundError(f"run {run_id!r} is not in this index; refresh the project first")
            for run_id, state in states.items():
                entry = entries[run_id]
                if entry.state != state:
                    self._runs.save(entry._replace(state=storable(state)))
                    self._tables.stale.taken.add(run_id)
                    if run_id not in self._updates.noted:
                        self._tables.stale.paths[run_id].update()
                    if "running" in (state, entry.state) and entry.origin.experiment_name is not None:
                        self._tables.stale.names.add(entry.origin.experiment_name)

    def keep_look(self, look: Any) -> None:
        """Keep what a reader saw; see `Index.keep_look`."""
        data = zlib.compress(json.dumps(look).encode(), 1)
        with self._transaction("IMMEDIATE"):
            self._connection.execute("INSERT OR REPLACE INTO look VALUES (1, ?)", (data,))

    # Reading

    def last_look(self) -> Any:
        """Return what a reader saw; see `Index.last_look`."""
        with self._transaction("RECORDS"):
            row = self._connection.execute("SELECT data FROM look").fetchone()
        try:
            return None if row is None else json.loads(zlib.decompress(row[0]))
        except (zlib.error, TypeError):  # changed on disk: zlib's own checksum tells
            return None

    def states(self) -> dict[str, str]:
        """Return the states of runs; see `Index.states`."""
        with self._transaction("DEFERRED"):
            return {run_id: run.state for run_id, run in self._runs.runs.items() if run.state is not None}

    def writers(self, run_ids: Collection[str] | None = None) -> dict[JournalKey, Writer]:
        """Return journals; see `Index.writers`."""
        with self._transaction("RECORDS"):
            runs = self._runs.runs
            numbers = None if run_ids is None else [runs[run_id].id for run_id in run_ids if run_id in runs]
            found = [
                Writer(JournalKey(self._runs.names[run], name), *about)
                for run, name, *about in chain(
                    journals.read(self._connection, numbers), self._updates.noted_journals(numbers)
                )
            ]
        return {writer.key: writer for writer in sorted(found, key=_by_key)}

    def nodes(self) -> dict[str, RunNode]:
        """Return every run; see `Index.nodes`."""
        with self._transaction("DEFERRED"):
            return dict(self._runs.nodes)

    def marks(self, run_ids: Sequence[str]) -> dict[str, list[CheckpointMark]]:
        """Return checkpoint marks; see `Index.marks`."""
        with self._transaction("RECORDS"):
            return self._updates.forks.listed(run_ids)

    def runs(self, query: RunsQuery) -> RunsPage:
        """Return runs; see `Index.runs`."""
        with self._transaction("DEFERRED"):
            is_plain = query.filter is None and not query.sorts
            found = self._runs.listed(query) if is_plain else self._questions.ask(query)
            end = None if query.limit is None else query.offset + query.limit
            page = [self._runs.runs[self._runs.names[number]] for number in found[query.offset : end]]
            return RunsPage([RunRow(self._runs.nodes[entry.run_id], entry.is_head) for entry in page], len(found))

    def definitions(
        self,
        *,
        run_ids: Sequence[str] | None = None,
        pattern: Pattern | None = None,
        types: Sequence[AttributeType] | None = None,
    ) -> list[Definition]:
        """Return paths and types; see `Index.definitions`."""
        wanted = None if types is None else {TYPE_NUMBERS[AttributeType(kind)] for kind in types}
        with self._transaction("DEFERRED"):
            values = self._values
            rows = values.definitions() if run_ids is None else counted(values.shapes(self._numbers(run_ids)))
            names = self._runs.path_names
            found = [
                Definition(names[path], TYPES[kind].value, count)
                for path, kind, count in rows
                if (wanted is None or kind in wanted) and (pattern is None or pattern.matches(names[path]))
            ]
        return sorted(found)

    def _numbers(self, run_ids: Sequence[str]) -> set[int]:
        runs = self._runs.runs
        return {runs[run_id].id for run_id in run_ids if run_id in runs}

    def values(
        self, run_ids: Sequence[str], *, paths: Sequence[str] | None = None, pattern: Pattern | None = None
    ) -> dict[str, dict[str, Value]]:
        """Return attributes; see `Index.values`."""
        with self._transaction("DEFERRED"):
            known = self._runs.paths
            wanted: set[int] | None = None
            if paths is not None:
                wanted = {known[name] for name in map(storable, paths) if name in known}
            elif pattern is not None:
                wanted = {known[path] for path in known if pattern.matches(path)}
            found: dict[str, dict[str, Value]] = {run_id: {} for run_id in run_ids if run_id in self._runs.runs}
            reader = ValueReader(self._runs.path_names, self._runs.names, wanted)
            with collector_paused():
                for run, shape, columns in self._values.read(self._numbers(run_ids)):
                    found[self._runs.names[run]] = reader.read(shape, *columns)
        return found

    def points(self, request: PointsRequest) -> list[Series]:
        """Return points; see `Index.points`."""
        with self._transaction("DEFERRED"), self._tables.reader.keeping_tails():
            found = []
            for key, seen in self._seen(request.series, request.inherit):
                found.append(self._series(key, seen, request))
            return found

    def _seen(self, keys: Sequence[SeriesKey], inherit: str) -> Iterator[tuple[SeriesKey, SeenSeries]]:
        from runfork.index.sqlite.inheritance.lineage_view import LineageView, SeenSeries

        views: dict[str, LineageView] = {}
        for key in keys:
            path = self._runs.paths.get(storable(key.path))
            if path is None or key.run_id not in self._runs.runs:
                continue
            if key.run_id not in views:
                views[key.run_id] = LineageView(self._tables, key.run_id)
            seen = views[key.run_id].see(path, inherit)
            if isinstance(seen, SeenSeries):
                yield key, seen

    def _series(self, key: SeriesKey, seen: SeenSeries, request: PointsRequest) -> Series:
        from runfork.index.sqlite.points.series import SeriesPoints, decoded

        whole = SeriesPoints(self._tables.reader, seen.type, seen.contributions)
        low, high = request.step_range
        low = 0 if low is None else max(0, low)
        high = MAX_MICRO_STEP if high is None else high
        read = whole.replaced if request.replaced else whole.points
        points = read(low, high, tail=request.tail)
        assert points.times is not None
        found = Series(
            key,
            seen.type,
            seen.clock_axis,
            points.steps,
            points.times,
            decoded(seen.type, points.values),
            points.sources,
            seen.segments,
        )
        return self._with_previews(found, whole, request, low, high) if request.previews else found

    def _with_previews(
        self, series: Series, whole: SeriesPoints, request: PointsRequest, low: int, high: int
    ) -> Series:
        import numpy as np

        last = whole.points(tail=1, with_times=False).steps
        previews = [
            preview for preview in whole.previews(int(last[0]) if len(last) else -1) if low <= preview.step <= high
        ]
        committed = len(series.steps)
        completion = np.concatenate([np.ones(committed), [preview.completion for preview in previews]])
        is_preview = np.arange(committed + len(previews)) >= committed
        chosen = slice(None if request.tail is None else max(0, len(is_preview) - request.tail), None)
        added = replace(series, completion=completion[chosen], is_preview=is_preview[chosen])
        if not previews:
            return added
        steps, times, values, sources = (
            np.concatenate([own, np.array([getattr(one, name) for one in previews], own.dtype)])[chosen]
            for own, name in (
                (series.steps, "step"),
                (series.times, "time"),
                (np.asarray(series.values), "value"),
                (series.sources, "source"),
            )
        )
        return replace(added, steps=steps, times=times, values=values, sources=sources)

    def buckets(self, request: BucketsRequest) -> Buckets:
        """Return aggregates on one grid; see `Index.buckets`."""
        from runfork.index.rules.grid import Grid, bucketed
        from runfork.index.sqlite.points.buckets import StepLine, TimeLine
        from runfork.index.sqlite.points.series import SeriesPoints

        lines: dict[SeriesKey, StepLine | TimeLine] = {}
        low, high = request.x_range
        by_step = request.x == "step"
        with self._transaction("DEFERRED"), self._tables.reader.keeping_tails():
            for key, seen in self._seen(request.series, request.inherit):
                if seen.type is not AttributeType.FLOAT_SERIES or key in lines:
                    continue
                first = 0 if low is None or not by_step else max(0, low)
                last = MAX_MICRO_STEP if high is None or not by_step else high
                whole = SeriesPoints(self._tables.reader, seen.type, seen.contributions)
                lines[key] = StepLine(whole, first, last) if by_step else TimeLine(whole, low, high)
            ends = [] if None not in (low, high) else [line.ends for line in lines.values() if line.ends]
            if low is None:
                low = min((first for first, _ in ends), default=0 if high is None else high)
            if high is None:
                high = max((last for _, last in ends), default=low)
            return bucketed(Grid(low, high, request.count), list(lines), (line.load() for line in lines.values()))

    def close(self) -> None:
        """Close the file; the index must not be used afterwards."""
        close_file(self._connection)


def _by_key(writer: Writer) -> JournalKey:
    return writer.key
