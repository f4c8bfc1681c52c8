"""From log calls to journal records: the training thread's side of logging, and nothing else.

A call whose metrics have the same names as an earlier call costs one dict look-up, one ``struct`` pack, one checksum and one
``write(2)``. Everything slower happens once per set of names.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zlib import crc32

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.journal.format import (
    FRAME_PREFIX,
    MAX_PAYLOAD,
    MAX_SCHEMA_IDS,
    SYNC,
    Flag,
    Kind,
    encode_frame,
    encode_json,
)
from runfork.model import distributed_tensors
from runfork.model.attributes import AttributeType, check_series_path
from runfork.model.clock import now_us
from runfork.model.conversion import convert_metric, to_micros
from runfork.model.flattening import flatten, told_name
from runfork.model.messages import shown, type_name
from runfork.model.steps import NO_STEP, to_micro_steps
from runfork.writing.path_types import PathTypes
from runfork.writing.schemas import Pool, Schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from runfork.journal.writer import JournalWriter
    from runfork.writing.problems import Problems

MAX_SCHEMAS = 4096
"""Sets of names that are remembered; a caller that never repeats one costs time, not memory."""

SETS_UNTIL_POOL = 64
"""New sets of names after which those seen so far become a pool; again after as many that have a name which is not in it."""

MAX_POOL = 4096
"""Names in a pool: a row takes a bit for each."""

FIRST_REPEAT_BYTES = 4096
LARGEST_REPEAT_BYTES = 64 * 1024 * 1024
REPEATED_SHARE = 8
"""SCHEMA frames are written again after so many bytes, then whenever the journal doubles; an eighth of it at most is theirs."""

_MAX_JSON_BYTES = 8 * 1024 * 1024
_MICRO = 1_000_000
_MAX_WHOLE_STEP = 10**12
_MAX_ROW = 32_768
_BY_PATH = frozenset((Kind.CONFIGS, Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES, Kind.TAGS))
_METRICS = int(Kind.METRICS)
_NUMBERS = frozenset((int, float, bool))
_FINITE = frozenset((OrderedDict, defaultdict, Counter))
"""Like dict: their keys come to an end, and reading them raises nothing."""


def check_mapping(data: object, needed: str) -> Any:
    """Return `data` if it is a mapping, or calls itself one.

    Raises:
        ArgumentTypeError: It is none; the message begins with `needed`.
    """
    try:
        is_mapping = issubclass(type(data), Mapping) or isinstance(data, Mapping)
    except Exception:  # what an object says of its class may raise anything
        is_mapping = False
    if not is_mapping:
        raise ArgumentTypeError(f"{needed}, found {type_name(data)} {shown(data)}")
    return data


def _flags(*, clock_axis: bool, is_given: bool) -> int:
    return int(Flag.CLOCK_AXIS) * clock_axis | int(Flag.GIVEN_TIME) * is_given


class Recorder:
    """Encodes log calls into the records of one journal. Every method may be called from any thread.

    Args:
        journal: Where the records go.
        problems: Where values that cannot be logged are counted.
    """

    def __init__(self, journal: JournalWriter, problems: Problems) -> None:
        self._journal = journal
        self._problems = problems
        self.types = PathTypes(problems)
        self.has_points = False
        self.on_first_point: Callable[[], None] | None = None
        self.is_closed = False
        self.forget_journal()

    def forget_journal(self) -> None:
        """Begin anew: the journal behind this recorder is another one now (after ``os.fork()``)."""
        self._lock = threading.RLock()
        self._schemas: dict[tuple[Any, ...], Schema] = {}
        self._other_schemas: dict[tuple[Any, ...], Schema] = {}  # previews, clock axis, names that need flattening
        self._pool: Pool | None = None
        self._seen_names: dict[str, None] = {}
        self._new_sets = 0
        self.tag = int.from_bytes(os.urandom(4), "little") | 1  # 0 is the tag of journals without one
        """What marks the frames of the journal: readers tell them from those of others, should a disk mix them up."""
        self._next_schema = 1
        self._repeated_bytes = 0

    def close(self) -> None:
        """Refuse whatever comes from now on; each is counted."""
        self.is_closed = True
        self.__dict__.pop("log_metrics", None)
        self._schemas = {}
        self._pool = None

    # Metrics

    def log_metrics(self, data: Any, step: Any) -> None:
        """Append one row, stamped now. `data` is a mapping of path to number."""
        try:
            is_finite = type(data) is dict or type(data) in _FINITE
            schema = self._schemas.get(tuple(data)) if is_finite else None
            if schema is not None:
                micro = step * _MICRO if type(step) is int and 0 <= step < _MAX_WHOLE_STEP else to_micro_steps(step)
                body = schema.pack(_METRICS, 0, SYNC, schema.identifier, micro, time.time_ns() // 1000, *data.values())
                self._journal.write(FRAME_PREFIX.pack(schema.payload_length, crc32(body, schema.length_crc)) + body)
                return
            if is_finite and (pool := self._pool) is not None:
                moment = time.time_ns() // 1000
                frame = pool.selection(data, micro=to_micro_steps(step), moment=moment, flags=0)
                if frame is not None:
                    self._journal.write(frame)
                    return
        except Exception:  # noqa: S110  a user's value may raise anything from __float__: the slow path says which
            pass
        self.log_row(data, step)

    def beware_of_distributed_tensors(self) -> None:
        """Look at each value before it is packed, from when this process has joined others. Costs the others nothing."""
        if not self.is_closed and "log_metrics" not in self.__dict__ and distributed_tensors.can_be_here():
            self.log_metrics = self._log_looked_at  # type: ignore[method-assign]

    def _log_looked_at(self, data: Any, step: Any) -> None:
        """Append one row; packing asks no value for its number that only all processes together can tell."""
        values = data.values() if type(data) is dict or type(data) in _FINITE else ()
        if _NUMBERS.issuperset(map(type, values)) or not any(map(distributed_tensors.is_distributed, values)):
            Recorder.log_metrics(self, data, step)
        else:
            self.log_row(data, step)

    def log_row(
        self,
        data: Any,
        step: Any,
        *,
        timestamp: object = None,
        completion: float | None = None,
        clock_axis: bool = False,
    ) -> None:
        """Append one row, checking each path and value; `completion` makes it a preview, `clock_axis` takes micro-steps."""
        micro = step if clock_axis else to_micro_steps(step)
        moment = self.moment_of(timestamp)
        row = self._checked_row(data, clock_axis=clock_axis)
        if not row or self._refuses("metrics", count=len(row)):
            return
        self._note_points(clock_axis=clock_axis)
        flags = _flags(clock_axis=clock_axis, is_given=timestamp is not None)
        names = tuple(row)
        if completion is None and not clock_axis and names not in self._schemas and (pool := self._pool) is not None:
            frame = pool.selection(row, micro=micro, moment=moment, flags=flags)
            if frame is not None:
                self._journal.write(frame)
                return
        for start in range(0, len(names), _MAX_ROW):  # all names of a row must fit into one frame
            paths = names[start : start + _MAX_ROW]
            schema = self._schema(paths, is_preview=completion is not None, clock_axis=clock_axis)
            if schema is not None:
                values = [row[path] for path in paths]
                self._journal.write(schema.row(values, micro=micro, moment=moment, completion=completion, flags=flags))

    def moment_of(self, timestamp: object) -> int:
        """Return a timestamp as microseconds since 1970: now, and the caller is warned, where it is no time.

        Raises:
            ArgumentTypeError: It is neither a time nor a number.
        """
        if timestamp is None:
            return now_us()
        try:
            return to_micros(timestamp)
        except ArgumentTypeError:
            raise
        except ArgumentError as error:
            self._problems.warn("timestamp", f"points were logged with the present time: {error}")
            return now_us()

    def _checked_row(self, data: Any, *, clock_axis: bool) -> dict[str, float]:
        """Return the paths and values that can be logged; the others are dropped, each with its reason."""
        if type(data) is not dict or any(type(value) not in _NUMBERS for value in data.values()):
            data = flatten(check_mapping(data, "metrics must be a dict of path to number"))
        row: dict[str, float] = {}
        for path, value in data.items():
            try:
                number = convert_metric(value)
                name = check_series_path(path)
            except ArgumentError as error:
                what = told_name("metric", path, value)
                self._problems.drop(what, f"{what} not logged: {error}")
                continue
            if self.types.claim(name, AttributeType.FLOAT_SERIES, clock_axis=clock_axis):
                row[name] = number
        return row

    def _schema(self, paths: tuple[str, ...], *, is_preview: bool, clock_axis: bool) -> Schema | None:
        """Return the schema of a row's names, written to the journal before its first use."""
        is_plain = not is_preview and not clock_axis
        cache, key = (self._schemas, paths) if is_plain else (self._other_schemas, (paths, is_preview, clock_axis))
        with self._lock:
            schema = cache.get(key)
            if schema is None:
                if self._next_schema >= MAX_SCHEMA_IDS - 1:  # ids begin again, with other names
                    self._schemas, self._other_schemas, self._pool, self._next_schema = {}, {}, None, 1
                    cache = self._schemas if is_plain else self._other_schemas
                schema = Schema(self._next_identifier(), paths, is_preview=is_preview)
                if not self._define(schema):
                    return None
                if len(cache) >= MAX_SCHEMAS:
                    cache.clear()
                cache[key] = schema
                if is_plain:
                    self.beware_of_distributed_tensors()
                    self._fill_pool(paths)
        return schema

    def _next_identifier(self) -> int:
        self._next_schema += 1
        return (self.tag + self._next_schema - 1) & 0xFFFFFFFF

    def _define(self, schema: Schema) -> bool:
        """Write a schema's names; return whether they are in the journal: rows without them could not be read."""
        lost = self._journal.lost_records
        self._journal.write(schema.definition())
        schema.repeat_at = self._journal.size + FIRST_REPEAT_BYTES
        return self._journal.lost_records == lost

    def _fill_pool(self, paths: tuple[str, ...]) -> None:
        """Take note of a new set of names; where there are many, make a pool of the names, for rows that have some of them."""
        self._new_sets += 1
        self._seen_names.update(dict.fromkeys(paths))
        if self._new_sets < SETS_UNTIL_POOL:
            return
        self._new_sets = 0
        if len(self._seen_names) > MAX_POOL:
            self._seen_names = dict.fromkeys(tuple(self._seen_names)[-MAX_POOL:])
        pool = Pool(self._next_identifier(), tuple(self._seen_names))
        if self._define(pool):
            self._pool = pool

    def repeat_schemas(self) -> None:
        """Write the names of rows again where much was written since: should one copy be damaged, another stands for it."""
        if self._journal.backlog_bytes or not self._lock.acquire(blocking=False):  # a signal handler must not wait here
            return
        try:
            frames, size = [], self._journal.size
            pool = () if self._pool is None else (self._pool,)
            for schema in (*pool, *self._schemas.values(), *self._other_schemas.values()):
                if schema.repeat_at <= size and self._repeated_bytes * REPEATED_SHARE <= size:
                    frames.append(schema.definition())
                    self._repeated_bytes += len(frames[-1])
                    schema.repeat_at = size + min(size, LARGEST_REPEAT_BYTES)
        finally:
            self._lock.release()
        for frame in frames:
            self._journal.write(frame)

    # Everything else

    def record(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        step: int = NO_STEP,
        time_us: int | None = None,
        clock_axis: bool = False,
        is_given: bool = False,
    ) -> None:
        """Append one record with a JSON body; one that is too long for a frame is split between its paths.

        Args:
            kind: What it says.
            body: The JSON.
            step: Micro-steps.
            time_us: When it was; None is now.
            clock_axis: The step is Unix time.
            is_given: The time is what the user passed.
        """
        moment = now_us() if time_us is None else time_us
        payload = encode_json(dict(body))
        if len(payload) > _MAX_JSON_BYTES and len(body) > 1 and kind in _BY_PATH:
            paths = list(body)
            middle = len(paths) // 2
            for half in (paths[:middle], paths[middle:]):
                part = {path: body[path] for path in half}
                self.record(kind, part, step=step, time_us=moment, clock_axis=clock_axis, is_given=is_given)
        elif len(payload) > MAX_PAYLOAD:
            self._problems.drop("payload", f"{kind.name.lower()} of {len(payload):,} bytes were not logged: log a file")
        else:
            flags = _flags(clock_axis=clock_axis, is_given=is_given)
            self._journal.write(encode_frame(kind, payload, time=moment, step=step, schema=self.tag, flags=flags))

    def record_points(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        step: int,
        time_us: int | None,
        clock_axis: bool = False,
        is_given: bool = False,
    ) -> None:
        """Append points of string, histogram or file series; the arguments are those of `record`."""
        if body and not self._refuses("points", count=len(body)):
            self._note_points(clock_axis=clock_axis)
            self.record(kind, body, step=step, time_us=time_us, clock_axis=clock_axis, is_given=is_given)

    def _note_points(self, *, clock_axis: bool) -> None:
        if clock_axis or self.has_points:
            return
        self.has_points = True
        if self.on_first_point is not None:
            self.on_first_point()

    def record_values(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Append single values."""
        if body and not self._refuses("values", count=len(body)):
            self.record(kind, body)

    def _refuses(self, what: str, *, count: int) -> bool:
        if self.is_closed:
            sentence = f"{what} were logged after the run was closed and are not kept; open another run for them"
            self._problems.drop("closed", sentence, count=count)
        return self.is_closed
