"""The short way in for runs that are over: a journal that is read at once, and says each thing once.

Most runs of a large project are like that, when somebody looks at it first. Nothing that they hold stands beside anything else, so
they need no thought: they are noted, and many of them go to their tables together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate, chain
from operator import lt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from runfork.index.rules.edits import EditKey
from runfork.index.rules.origins import DEFAULTS, DERIVED, default_values, origin_of
from runfork.index.sqlite import journals
from runfork.index.sqlite.logs import stretches
from runfork.index.sqlite.points.summaries import summarise
from runfork.index.sqlite.points.writer import Block
from runfork.index.sqlite.run_log import Stream
from runfork.index.sqlite.runs import RunEntry
from runfork.index.sqlite.values.arrangement import Arrangement, Filling
from runfork.index.sqlite.values.run_values import single_of
from runfork.index.sqlite.values.shape import SINGLE_CODES, code_of
from runfork.journal.format import Kind
from runfork.journal.records import Batch
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runfork.index.sqlite.logs import Stretches
    from runfork.index.sqlite.tables import Tables
    from runfork.journal.records import MetricRows
    from runfork.model.arrays import Floats
    from runfork.model.attributes import Value

_KINDS = frozenset((Kind.CREATE, Kind.CONFIGS, Kind.STATUS, Kind.CLOSE, Kind.HEARTBEAT, Kind.SCHEMA))
_SERIES = code_of(AttributeType.FLOAT_SERIES)
_ELSEWHERE = frozenset((*DEFAULTS, *DERIVED))
"""Paths at which every run has something; who logs to them needs thought."""
_REMEMBERED = 256
_MOST, _MOST_BYTES = 512, 8 * 1024 * 1024
"""Runs that wait until they are stored when states are told next, and bytes of their journals, which take ten times as much as
Python objects. Twice as many wait at most."""


class _Key(NamedTuple):
    """What runs log in the same order: paths and types of their configs, how many each record has, and the paths of their rows."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    sizes: tuple[int, ...]
    series: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Layout:
    """The same by number.

    Args:
        codes: Of configs.
        numbers: Of their paths.
        records: The same, by record.
        streams: The paths of rows.
        arrangements: By what follows from others, where everything goes among the values of a run.
    """

    codes: list[int]
    numbers: list[int]
    records: list[Stretches]
    streams: list[list[int]]
    arrangements: dict[tuple[str, ...], Arrangement] = field(default_factory=dict)


@dataclass(frozen=True)
class _PlainRun:
    """A run on its way in.

    Args:
        number: The run.
        batch: Its journal, configs left out.
        layout: What it logs.
        values: Of configs. By themselves they are few objects, and what they were read from makes room for the next run.
        times: When each was logged.
        row: `journals.row_after`.
    """

    number: int
    batch: Batch
    layout: _Layout
    values: list[Any]
    times: list[int]
    row: tuple[Any, ...]

    @property
    def span(self) -> tuple[int, int]:
        """When its journal was created, and when the last of its frames was written."""
        return int(self.batch.identity.get("created", 0)), self.row[1]


class PlainRuns:
    """Takes in runs that are plain, within the caller's transaction; `flush` stores them. Until then only `RunTable` knows them."""

    def __init__(self, tables: Tables) -> None:
        self._connection = tables.connection
        self._runs = tables.runs
        self._logs = tables.logs
        self._values = tables.values
        self._stale = tables.stale
        self._writer = tables.writer
        self._layouts: dict[_Key, _Layout | None] = {}
        self._waiting: dict[str, _PlainRun] = {}
        self._bytes = 0

    @property
    def noted(self) -> Collection[str]:
        """The runs that are noted and not stored yet."""
        return self._waiting.keys()

    @property
    def is_large(self) -> bool:
        """Whether so much waits that it had better be stored now."""
        return len(self._waiting) >= _MOST or self._bytes >= _MOST_BYTES

    def forget(self) -> None:
        """Forget what is not stored, and the numbers of paths."""
        self._waiting.clear()
        self._bytes = 0
        self._layouts.clear()

    def journals(self, runs: Collection[int] | None) -> Iterator[tuple[Any, ...]]:
        """Yield what `runfork.index.sqlite.journals.read` says, of the runs that are not stored yet."""
        names = self._waiting if runs is None else [self._runs.names[number] for number in runs]
        for run in (self._waiting[name] for name in names if name in self._waiting):
            batch, (applied, last_time, _, state, is_closed, damage, _) = run.batch, run.row
            about = applied, last_time, state, is_closed, journals.stretches_of(damage), batch.carry
            yield run.number, batch.key.writer, batch.identity, *about

    # Taking in

    def take(self, batch: Batch) -> bool:
        """Take note of a batch if it is a whole plain run; return whether it is. Where anything is raised, nothing is noted."""
        runs, run_id = self._runs, batch.key.run_id
        if batch.start or run_id in runs.runs or runs.children.get(run_id) or not batch.records:
            return False
        if len(self._waiting) >= 2 * _MOST or self._bytes >= 2 * _MOST_BYTES:
            return False  # nobody tells their states
        if batch.records[-1].kind != Kind.CLOSE or (layout := self._find_layout(batch)) is None:
            return False
        creations = [(batch.key.writer, record) for record in batch.records if record.kind == Kind.CREATE]
        origin = origin_of(creations, created=int(batch.identity.get("created", 0)))
        if origin.parent is not None:
            return False
        entry = RunEntry(runs.new_number(), run_id, origin, origin.created, has_points=bool(batch.rows))
        row = journals.row_after(journals.JournalState(), batch)
        run = _PlainRun(entry.id, _without_configs(batch), layout, *_configs(batch), row)
        runs.save(entry)
        self._waiting[run_id] = run
        self._bytes += batch.end
        self._stale.taken.add(run_id)
        if origin.experiment_name is not None:
            self._stale.names.add(origin.experiment_name)
        return True

    def _find_layout(self, batch: Batch) -> _Layout | None:
        """Return what a run logs, and where; None if it is not plain."""
        if not all(record.kind in _KINDS for record in batch.records) or not all(map(self._is_plain, batch.rows)):
            return None
        bodies = [record.body for record in batch.records if record.kind == Kind.CONFIGS]
        types = [kind for body in bodies for kind, _ in body.values()]
        series = tuple(rows.paths for rows in batch.rows)
        key = _Key(tuple(chain.from_iterable(bodies)), tuple(types), tuple(map(len, bodies)), series)
        if key not in self._layouts:
            if len(self._layouts) >= _REMEMBERED:
                self._layouts.clear()
            self._layouts[key] = self._layout(key)
        return self._layouts[key]

    def _is_plain(self, rows: MetricRows) -> bool:
        """Return whether rows are few, on a step axis, and no step is there twice."""
        if rows.completion is not None or rows.clock_axis or not len(rows.steps) or not self._writer.fits(rows):
            return False
        steps = rows.steps.tolist()
        return all(map(lt, steps, steps[1:]))

    def _layout(self, key: _Key) -> _Layout | None:
        every = [*key.names, *chain.from_iterable(key.series)]
        if not SINGLE_CODES.keys() >= {*key.types} or not _ELSEWHERE.isdisjoint(every):
            return None
        numbers, streams = self._runs.path_ids(key.names), [*map(self._runs.path_ids, key.series)]
        if len({*numbers, *chain.from_iterable(streams)}) < len(every):
            return None
        ends = [*accumulate(key.sizes)]
        records = [stretches(numbers[end - size : end]) for size, end in zip(key.sizes, ends, strict=True)]
        return _Layout([SINGLE_CODES[kind] for kind in key.types], numbers, records, streams)

    # Storing

    def flush(self) -> None:
        """Store what was taken in, with all that follows from it."""
        if not self._waiting:
            return
        runs, self._waiting, self._bytes = [*self._waiting.values()], {}, 0
        groups = [group for run in runs for group in run.batch.rows]
        blocks = _blocks(groups)
        journal = self._store_journals(runs)
        found = _summaries(blocks)
        self._writer.store(self._store_streams(runs, journal), blocks, found)
        self._store_values(runs, iter(found))
        for run in runs:
            self._logs.note_plain(run.number)
            if run.batch.key.run_id not in self._stale.runs:
                self._stale.paths.pop(run.batch.key.run_id, None)

    def _store_journals(self, runs: list[_PlainRun]) -> int:
        """Return the number of the first; others follow it."""
        first = journals.begin(self._connection, ((run.number, run.batch, run.row) for run in runs))
        self._logs.add_plain_records(
            (run.number, journal, run.batch.records, run.layout.records) for journal, run in enumerate(runs, first)
        )
        return first

    def _store_streams(self, runs: list[_PlainRun], first_journal: int) -> int:
        """Return the number of the first; others follow it."""
        found = [
            (run.number, journal, _stream(run.batch, rows, paths))
            for journal, run in enumerate(runs, first_journal)
            for rows, paths in zip(run.batch.rows, run.layout.streams, strict=True)
        ]
        return self._logs.add_streams(found)

    def _store_values(self, runs: list[_PlainRun], summaries: Iterator[Floats]) -> None:
        alike: dict[int, tuple[Arrangement, list[Filling]]] = {}
        for run in runs:
            following = self._following(run)
            arrangement = run.layout.arrangements.get(key := tuple(following))
            if arrangement is None:
                arrangement = run.layout.arrangements[key] = self._arrange(run.layout, following)
            filling = self._filling(run, following, [next(summaries) for _ in run.batch.rows])
            alike.setdefault(id(arrangement), (arrangement, []))[1].append(filling)
        for arrangement, fillings in alike.values():
            for filling, values in zip(fillings, arrangement.fill(fillings), strict=True):
                self._values.add_whole(filling.source, values)

    def _filling(self, run: _PlainRun, following: dict[str, Value], summaries: list[Floats]) -> Filling:
        values = [*run.values, *map(single_of, following.values())]
        times = [*run.times, *(value.time for value in following.values())]
        extents = []
        for rows in run.batch.rows:
            values += rows.values[-1].tolist()
            times += [int(rows.times[-1])] * len(rows.paths)
            extents += [(int(rows.steps[0]), int(rows.steps[-1]))] * len(rows.paths)
        return Filling(values, times, run.number, summaries, extents)

    def _following(self, run: _PlainRun) -> dict[str, Value]:
        """Return what every run has, and what follows from the rest."""
        run_id = run.batch.key.run_id
        return {**default_values(self._runs.nodes[run_id]), **self._runs.derived(run_id, [run.span])}

    def _arrange(self, layout: _Layout, following: dict[str, Value]) -> Arrangement:
        numbers = [*layout.numbers, *map(self._runs.path_id, following), *chain.from_iterable(layout.streams)]
        codes = [*layout.codes, *(code_of(value.type) for value in following.values())]
        return Arrangement.of(numbers, codes + [_SERIES] * (len(numbers) - len(codes)))


def _configs(batch: Batch) -> tuple[list[Any], list[int]]:
    """Return the values of configs, and when each was logged."""
    values: list[Any] = []
    times: list[int] = []
    for record in batch.records:
        if record.kind == Kind.CONFIGS:
            values += [value for _, value in record.body.values()]
            times += [record.time] * len(record.body)
    return values, times


def _without_configs(batch: Batch) -> Batch:
    records = [one if one.kind != Kind.CONFIGS else one._replace(body={}) for one in batch.records]
    about = batch.key, batch.identity, batch.start, batch.end
    return Batch(*about, records=records, rows=batch.rows, last_time=batch.last_time, carry=batch.carry)


def _stream(batch: Batch, rows: MetricRows, paths: list[int]) -> Stream:
    """Return the stream of rows; its place is that of the last record before them."""
    position = int(rows.sequences[0])
    created = int(batch.identity.get("created", 0))
    order_time = max([created, *(one.order_time for one in batch.records if one.offset < position)])
    first = EditKey(order_time, batch.key.writer, position)
    return Stream(0, AttributeType.FLOAT_SERIES, False, first, int(rows.steps[0]), paths)


def _blocks(groups: list[MetricRows]) -> list[Block]:
    return [Block(rows.steps, rows.times, rows.sequences, np.ascontiguousarray(rows.values.T)) for rows in groups]


def _summaries(blocks: list[Block]) -> list[Floats]:
    """Return the summaries of the columns of blocks, worked out together where they have as many rows."""
    alike: dict[int, list[int]] = defaultdict(list)
    for place, block in enumerate(blocks):
        alike[len(block)].append(place)
    found: dict[int, Floats] = {}
    for places in alike.values():
        columns = [blocks[place].columns for place in places]
        ends = np.cumsum([*map(len, columns)])[:-1]
        found.update(zip(places, np.split(summarise(np.concatenate(columns)), ends), strict=True))
    return [found[place] for place in range(len(blocks))]
