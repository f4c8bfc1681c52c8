"""The first records of a run, read without the columnar reader, so that reopening a run stays quick."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from runfork.journal.format import FRAME_HEADER, HEADER_SIZE, KIND_AT, Flag, Kind, is_of_newer_version
from runfork.journal.frame_search import frames_in, open_journal
from runfork.journal.validation import check_body
from runfork.model.steps import NO_STEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_BLOCK_BYTES = 256 * 1024
_MOST_JOURNALS = 50
_ROWS = frozenset((Kind.METRICS, Kind.PREVIEW, Kind.SELECTION))
_POINTS = frozenset((Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES))


class FirstRecord(NamedTuple):
    """A CREATE or LINEAGE record: its place among the run's records, its kind and its body."""

    order_time: int
    writer: str
    offset: int
    kind: int
    body: Mapping[str, Any]


def creation_of(records: Iterable[FirstRecord]) -> dict[str, Any]:
    """Return what a run's CREATE and LINEAGE records amount to: the body of a CREATE record with the name and fork that stand.

    The CREATE of the writer with the smallest name stands; a later one gives the run a name if it had none. The first fork
    stands, by (order_time, writer, offset); a later record of the same fork may add the mark.
    """
    records = list(records)
    creates = sorted((one for one in records if one.kind == Kind.CREATE), key=lambda one: one[1:3])
    body: dict[str, Any] = dict(creates[0].body) if creates else {}
    if len(creates) == len(records) == 1 and not body.get("fork"):  # as most are
        return {**body, "experiment_name": body.get("experiment_name"), "fork": None}
    forks = [one for one in records if one.kind == Kind.LINEAGE]
    if body.get("fork"):
        inherits = {"inherit_configs": body.get("inherit_configs", True)}
        forks.append(creates[0]._replace(body={**inherits, **body["fork"]}))
    forks.sort(key=lambda one: one[:3])
    names = (one.body.get("experiment_name") for one in creates)
    body["experiment_name"] = next((name for name in names if name is not None), None)
    body["fork"] = _first_fork([one.body for one in forks])
    return body


def _first_fork(forks: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    if not forks:
        return None
    place = forks[0]["parent"], forks[0]["step"]
    with_mark = (one for one in forks if one.get("mark") is not None and (one["parent"], one["step"]) == place)
    return forks[0] if forks[0].get("mark") is not None else next(with_mark, forks[0])


def read_creation(journals: Iterable[Path]) -> Mapping[str, Any] | None:
    """Return what the first records of a run amount to, as `creation_of` says: all of its CREATE and LINEAGE records.

    Args:
        journals: Its journals. Each is read up to its first point on a step axis: no run gets a parent after that.

    Returns:
        The body; None if there is no readable CREATE.
    """
    found: list[FirstRecord] = []
    for path in journals:
        with suppress(OSError), open_journal(path) as file:
            found += _first_records(file, path.stem)
    return creation_of(found) if any(one.kind == Kind.CREATE for one in found) else None


def _first_records(file: BinaryIO, writer: str) -> Iterator[FirstRecord]:
    position, order_time, size = 0, 0, _BLOCK_BYTES
    while True:
        file.seek(position)
        data = file.read(size)
        if position == 0 and is_of_newer_version(data):
            return
        end = 0
        for start, end in frames_in(data, 0):
            _, _, kind, flags, _, _, step, time = FRAME_HEADER.unpack_from(data, start)
            if kind in _ROWS or (kind in _POINTS and step != NO_STEP):
                if not flags & Flag.CLOCK_AXIS:
                    return
                continue
            order_time = max(order_time, time)
            body = body_of(kind, data[start + HEADER_SIZE : end])
            if body is not None:
                yield FirstRecord(order_time, writer, position + start, kind, body)
        if len(data) < size:
            return
        if end:
            position, size = position + end, _BLOCK_BYTES
        else:  # a frame that is longer than that
            size *= 2


def body_of(
    kind: int, payload: bytes, *, kinds: tuple[Kind, ...] = (Kind.CREATE, Kind.LINEAGE)
) -> dict[str, Any] | None:
    """Return the JSON of a record of one of these kinds, if it is that and holds what it must."""
    if kind not in kinds:
        return None
    try:
        body = json.loads(payload)
        check_body(Kind(kind), body)
    except (ValueError, RecursionError):
        return None
    return dict(body)


def config_types(journals: Iterable[Path]) -> dict[str, str]:
    """Return the names of the types that the first configs of a run have, by path; None is left out, since it fits every type.

    Args:
        journals: Its journals, in order. Of each of the first fifty the beginning is read, which is where configs stand.
    """
    found: dict[str, str] = {}
    for path in islice(journals, _MOST_JOURNALS):
        with suppress(OSError), open_journal(path) as file:
            data = file.read(_BLOCK_BYTES)
            if is_of_newer_version(data):
                continue
            for kind, payload in _frames(data):
                if kind == Kind.CONFIGS and (body := body_of(kind, payload, kinds=(Kind.CONFIGS,))) is not None:
                    found = {name: pair[0] for name, pair in body.items() if pair[1] is not None} | found
    return found


def creation_in(data: bytes) -> dict[str, Any] | None:
    """Return what the CREATE and LINEAGE records in the bytes of one journal amount to; None without a CREATE."""
    records = [
        FirstRecord(0, "", place, kind, body)
        for place, (kind, payload) in enumerate(_frames(data))
        if (body := body_of(kind, payload)) is not None
    ]
    return creation_of(records) if any(one.kind == Kind.CREATE for one in records) else None


def _frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and payload of the frames that can be read, wherever they begin."""
    for start, end in frames_in(data, 0):
        yield data[start + KIND_AT], data[start + HEADER_SIZE : end]
