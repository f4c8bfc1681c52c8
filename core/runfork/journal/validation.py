"""What the JSON of a header and of a record must hold, by its kind, so that whoever reads them need not ask.

A record whose checksum fits may still hold something else: another program wrote it, or a later version. What is not known is
left alone, as far as the rest can be understood without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.journal.format import FLAGS_TIMES, NAMESPACE, Kind
from runfork.model.identifiers import check_experiment_name, check_project, check_run_id
from runfork.model.steps import MAX_MICRO_STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The times that a calendar holds, from the year 1 to the year 9999, in microseconds since 1970."""
_INTEGERS = range(-(2**63), 2**63)
_LARGEST_FLOAT = 2**1023
_DIGEST = re.compile(r"[0-9A-Za-z]+")
"""Contents of files lie under their digest: nothing else may be named by one."""


def checked_identity(header: object) -> dict[str, Any]:
    """Return the JSON of a journal's header, without what is known and not as it must be where nothing hangs on it.

    Raises:
        ValueError: It does not say whose journal it is; the message says where.
    """
    if not isinstance(header, dict):
        raise ValueError(f"an object is needed, found {type(header).__name__}")  # noqa: TRY004  (what json raises, too)
    _need(header, "project", _passes(check_project), "a project")
    _need(header, "run_id", _passes(check_run_id), "a run id")
    _need(header, "writer", _passes(check_run_id), "the name of a writer")
    _need(header, "created", _is_time, "microseconds since 1970")
    return {name: value for name, value in header.items() if name not in _OF_PROCESSES or _OF_PROCESSES[name](value)}


def check_body(kind: Kind, body: object) -> None:
    """Check the JSON of one record.

    Raises:
        ValueError: It is not what records of this kind hold; the message says where.
    """
    if not isinstance(body, dict):
        raise ValueError(f"an object is needed, found {type(body).__name__}")  # noqa: TRY004  (what json raises, too)
    check = _CHECKS.get(kind)
    if check is not None:
        check(body)


def _need(body: Mapping[str, Any], name: str, is_right: Callable[[Any], bool], what: str) -> None:
    if not is_right(body.get(name)):
        raise ValueError(f"{name!r} must be {what}, found {body.get(name)!r:.60}")


def _passes(check: Callable[[object], object]) -> Callable[[Any], bool]:
    def is_right(value: Any) -> bool:
        try:
            check(value)
        except ArgumentError:
            return False
        return True

    return is_right


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_time(value: Any) -> bool:
    return type(value) is int and EARLIEST <= value <= LATEST


def _is_step(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_MICRO_STEP


_is_name = _passes(check_experiment_name)


def _is_integer(value: Any) -> bool:
    return type(value) is int and value in _INTEGERS


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= _LARGEST_FLOAT)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {str}


def _are_sizes(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_integer, value.values()))


def _or_none(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_right(value)


_is_name_or_none, _is_time_or_none, _is_bool_or_none = map(_or_none, (_is_name, _is_time, _is_bool))


def _check_creation(body: Mapping[str, Any]) -> None:
    _need(body, "experiment_name", _is_name_or_none, "a name or null")
    _need(body, "creation_time", _is_time_or_none, "microseconds since 1970")
    _need(body, "inherit_configs", _is_bool_or_none, "true or false")
    fork = body.get("fork")
    if fork is not None:
        if not isinstance(fork, dict):
            raise ValueError(f"'fork' must be an object or null, found {fork!r:.60}")
        _check_lineage(fork)


def _check_lineage(body: Mapping[str, Any]) -> None:
    _need(body, "parent", _is_name, "a run id")
    _need(body, "step", _is_step, "a step in micro-steps")
    _need(body, "mark", _is_name_or_none, "an id or null")
    _need(body, "mark_time", _is_time_or_none, "microseconds since 1970, or null")
    _need(body, "inherit_configs", _is_bool_or_none, "true or false")
    _need(body, "journals", _or_none(_are_sizes), "sizes in bytes by writer, or null")


def _check_mark(body: Mapping[str, Any]) -> None:
    _need(body, "mark", _is_name, "a string")
    _need(body, "journals", _or_none(_are_sizes), "sizes in bytes by writer, or null")
    cuts = body.get("cuts")
    if cuts is not None and not (isinstance(cuts, dict) and all(map(_is_integer, cuts.values()))):
        raise ValueError(f"'cuts' must be steps in micro-steps by path, found {cuts!r:.60}")


def _check_state(body: Mapping[str, Any]) -> None:
    _need(body, "state", _is_name_or_none, "a string")


def _is_file(value: Any) -> bool:
    if not (isinstance(value, dict) and _is_integer(value.get("size")) and value["size"] >= 0):
        return False
    return all(_is_text(value.get(name)) for name in ("sha256", "mime", "name")) and (
        _DIGEST.fullmatch(value["sha256"]) is not None
    )


_VALUES: dict[str, Callable[[Any], bool]] = {
    "float": _is_number,
    "int": _is_integer,
    "bool": _is_bool,
    "string": _is_text,
    "datetime": _is_integer,
    "string_set": _are_texts,
    "none": lambda value: value is None,
    "file": _is_file,
    NAMESPACE: lambda value: value is None,
}


_USUAL = {"float": float, "bool": bool, "string": str}
"""Types of which every value of a class is one."""


def _is_config(pair: Any) -> bool:
    if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):  # noqa: PLR2004  (type and value)
        return False
    is_right = _VALUES.get(pair[0])
    return is_right is None or is_right(pair[1])  # a type of a later version is for its readers


def _check_configs(body: Mapping[str, Any]) -> None:
    usual = _USUAL.get
    for path, pair in body.items():
        if type(pair) is list and len(pair) == 2:  # noqa: PLR2004  (type and value)
            kind, value = pair
            if type(kind) is str and type(value) is usual(kind):
                continue  # most are like this, and a call for each would take four times as long
        if not _is_config(pair):
            raise ValueError(f"{path!r:.80} must hold a type and a value of it, found {pair!r:.60}")


def _are_points(value: Any) -> bool:
    return isinstance(value, str) or _are_texts(value)


def _is_histogram(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    edges, counts, densities = (value.get(name) for name in ("edges", "counts", "densities"))
    heights = densities if counts is None else counts
    if None not in (counts, densities) or not (
        isinstance(edges, list) and isinstance(heights, list) and len(edges) == len(heights) + 1
    ):
        return False
    return all(map(_is_number, edges)) and all(map(_is_number, heights))


def _is_change_of_tags(value: Any) -> bool:
    return isinstance(value, dict) and all(_are_texts(value.get(name, [])) for name in ("add", "remove"))


def _by_path(is_right: Callable[[Any], bool], what: str) -> Callable[[Mapping[str, Any]], None]:
    def check(body: Mapping[str, Any]) -> None:
        for path, value in body.items():
            if not is_right(value):
                raise ValueError(f"{path!r:.80} must hold {what}, found {value!r:.60}")

    return check


_CHECKS: dict[Kind, Callable[[Mapping[str, Any]], None]] = {
    Kind.CREATE: _check_creation,
    Kind.LINEAGE: _check_lineage,
    Kind.MARK: _check_mark,
    Kind.STATUS: _check_state,
    Kind.CLOSE: _check_state,
    Kind.CONFIGS: _check_configs,
    Kind.STRINGS: _by_path(_are_points, "a string, or a list of strings"),
    Kind.HISTOGRAMS: _by_path(_is_histogram, "edges, and counts or densities between them"),
    Kind.FILES: _by_path(_is_file, "digest, size, type and name of a file"),
    Kind.TAGS: _by_path(_is_change_of_tags, "tags to add and to remove"),
}
_OF_PROCESSES: dict[str, Callable[[Any], bool]] = {
    "tag": lambda value: type(value) is int and 0 < value < 2**32,
    FLAGS_TIMES: _is_bool,
    "host": _is_text,
    "pid": _is_integer,
    "boot_id": _or_none(_is_text),
    "process_start": _or_none(_is_number),
    "rank": _is_integer,
    "forked_by": _is_text,
    "is_visitor": _is_bool,
    "journals": _are_sizes,
}
