"""What records say, one value at a time: edits of single values, and points of series other than metrics. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.journal.format import NAMESPACE, Kind
from runfork.model.attributes import AttributeType
from runfork.model.steps import NO_STEP
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from runfork.journal.records import Record

ALWAYS_INHERITED = frozenset({"sys/tags", "sys/group_tags", "sys/description"})
_OF_ONE_RUN = frozenset({"sys", "runtime", "source_code"})
_SINGLE = {kind.value: kind for kind in AttributeType if not kind.is_series}


class EditKey(NamedTuple):
    """The order of edits in a run, over all its writers."""

    order_time: int
    writer: str
    offset: int


class Edit(NamedTuple):
    """One change of a single value.

    Args:
        key: Its place among the run's edits.
        time: When it was logged.
        type: The value's type.
        value: As in the journal; for changes of a string set ``{"add": [...], "remove": [...]}``.
        replaces: Whether it replaces what was there (False for changes of a string set).
    """

    key: EditKey
    time: int
    type: AttributeType
    value: Any
    replaces: bool = True


class Replacement(NamedTuple):
    """A description that replaced a whole namespace: single values below it that were set before, or are inherited, are gone.

    Args:
        key: Its place among the run's edits. What the description itself set has the same place, and stays.
        namespace: A beginning of paths, with the slash at its end.
    """

    key: EditKey
    namespace: str


def edits_of(record: Record, writer: str) -> Iterator[tuple[str, Edit]]:
    """Yield the single values that a record sets, by path. Types that this version does not know are left out."""
    key = EditKey(record.order_time, writer, record.offset)
    if record.kind == Kind.CONFIGS:
        for path, (name, value) in record.body.items():
            if (kind := _SINGLE.get(name)) is not None:
                yield path, Edit(key, record.time, kind, value)
    elif record.kind == Kind.TAGS:
        for path, change in record.body.items():
            yield path, Edit(key, record.time, AttributeType.STRING_SET, change, replaces=False)
    elif record.kind == Kind.FILES and record.step == NO_STEP:
        for path, value in record.body.items():
            yield path, Edit(key, record.time, AttributeType.FILE, value)


def replacements_of(record: Record, writer: str) -> Iterator[Replacement]:
    """Yield the namespaces that a record replaces. What is runfork's own is replaced by nobody."""
    if record.kind == Kind.CONFIGS:
        key = EditKey(record.order_time, writer, record.offset)
        for path, (name, _) in record.body.items():
            if name == NAMESPACE and path.endswith("/") and path.partition("/")[0] not in _OF_ONE_RUN:
                yield Replacement(key, path)


def newest_replacement(replacements: Iterable[Replacement], path: str) -> EditKey | None:
    """Return the place of the last replacement of a namespace that `path` is below, None if there is none."""
    return max((one.key for one in replacements if path.startswith(one.namespace)), default=None)


def points_of(record: Record) -> Iterator[tuple[str, AttributeType, list[Any]]]:
    """Yield the points of string, histogram and file series by path; several stand one micro-step apart, from `record.step`."""
    if record.kind == Kind.STRINGS:
        for path, value in record.body.items():
            if value or isinstance(value, str):  # not for lists without a text
                yield path, AttributeType.STRING_SERIES, value if isinstance(value, list) else [value]
    elif record.kind == Kind.HISTOGRAMS:
        for path, value in record.body.items():
            yield path, AttributeType.HISTOGRAM_SERIES, [value]
    elif record.kind == Kind.FILES and record.step != NO_STEP:
        for path, value in record.body.items():
            yield path, AttributeType.FILE_SERIES, [value]


def decode_value(kind: AttributeType, value: Any) -> Any:
    """Turn a value as the journal holds it into the one that readers see."""
    if kind in (AttributeType.FILE, AttributeType.FILE_SERIES):
        return FileReference(value["sha256"], value["size"], value["mime"], value["name"])
    if kind is AttributeType.HISTOGRAM_SERIES:
        counts, densities = value.get("counts"), value.get("densities")
        return Histogram(
            tuple(value["edges"]),
            counts=None if counts is None else tuple(counts),
            densities=None if densities is None else tuple(densities),
        )
    if kind is AttributeType.STRING_SET:
        return frozenset(value)
    if kind is AttributeType.NONE:
        return None
    return float(value) if kind is AttributeType.FLOAT else value


def fold(edits: Iterable[Edit], start: frozenset[str] = frozenset()) -> Any:
    """Return what edits of one family, in order, amount to; those of a string set change `start`, or what is there then."""
    result: Any = start
    for edit in edits:
        if edit.replaces:
            result = decode_value(edit.type, edit.value)
        else:
            result = (result or frozenset()) | frozenset(edit.value.get("add", ()))
            result -= frozenset(edit.value.get("remove", ()))
    return result


def members_of(edit: Edit) -> tuple[str, ...] | None:
    """Return the list that the last edit of a value set it to, if it is a list of strings."""
    is_list = edit.type is AttributeType.STRING_SET and edit.replaces
    return tuple(edit.value) if is_list else None


def is_inherited(path: str, kind: AttributeType, *, configs: bool) -> bool:
    """Return whether a child takes over a single value.

    Args:
        path: Its path.
        kind: Its type.
        configs: Whether the child inherits configs.
    """
    if path.partition("/")[0] in _OF_ONE_RUN:
        return path in ALWAYS_INHERITED
    return configs or kind is AttributeType.FILE


def families_left_out(kinds: Collection[AttributeType]) -> int:
    """Return how many families of types at one path do not stand there."""
    families = {kind.family for kind in kinds if kind is not AttributeType.NONE}
    return max(0, len(families) - 1)
