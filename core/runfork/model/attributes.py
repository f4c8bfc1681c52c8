"""Attributes: paths and types. Pure: no I/O, no clock, no lock."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.messages import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PATH_BYTES = 1024
MAX_STRING_BYTES = 1024 * 1024

SYSTEM_NAMESPACES = ("sys/", "runtime/", "source_code/")
"""Namespaces that runfork fills in; they describe where a run took place rather than what it was."""


class AttributeType(str, Enum):
    """What a value is; the values are the query API's names. A path holds values of one family within a run."""

    FLOAT = "float"
    INT = "int"
    BOOL = "bool"
    STRING = "string"
    DATETIME = "datetime"
    STRING_SET = "string_set"
    FILE = "file"
    NONE = "none"
    FLOAT_SERIES = "float_series"
    STRING_SERIES = "string_series"
    HISTOGRAM_SERIES = "histogram_series"
    FILE_SERIES = "file_series"

    def __init__(self, name: str) -> None:
        self.is_series = name.endswith("_series")
        """Whether values of this type have steps."""
        self.family = "number" if name in ("float", "int") else name
        """What goes together at one path: float and int are numbers, every other type is a family of its own."""

    def takes(self, other: AttributeType) -> bool:
        """Return whether a path that holds this type holds `other`, too: its family, and None unless it is a series."""
        return other.family == self.family or (other is AttributeType.NONE and not self.is_series)


TEXTS = frozenset({AttributeType.STRING, AttributeType.STRING_SERIES})
"""Types whose values are texts."""


def check_path(path: object) -> str:
    """Return `path` if it can name an attribute.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It is empty, longer than 1024 bytes of UTF-8, or contains NUL.
    """
    if not issubclass(type(path), str):  # what an object says of its class may raise
        raise ArgumentTypeError(f"an attribute path must be a string, found {shown(path)}; name it like 'train/loss'")
    path = path if type(path) is str else str.__str__(cast("str", path))
    if not path:
        raise ArgumentError("an attribute path must not be empty, found ''; name it like 'train/loss'")
    size = len(path.encode("utf-8", "surrogatepass"))
    if size > MAX_PATH_BYTES:
        raise ArgumentError(
            f"an attribute path may have {MAX_PATH_BYTES} bytes, found {size} in {path[:40]!r}...; shorten it"
        )
    if "\0" in path or _has_surrogate(path):
        raise ArgumentError(f"an attribute path must be text without NUL, found {path!r}; rename it")
    return path


def check_series_path(path: object) -> str:
    """Return `path` if it can name a series.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It can name no attribute, or lies in ``sys/``.
    """
    name = check_path(path)
    if name == "sys" or name.startswith("sys/"):
        raise ArgumentError(f"{name!r} is runfork's own, and holds single values; choose a path outside sys/")
    return name


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def is_system_path(path: str) -> bool:
    """Return whether runfork itself fills in `path`."""
    return path.startswith(SYSTEM_NAMESPACES)


class Value(NamedTuple):
    """The value of one attribute of one run, inherited ones included.

    Args:
        type: Its type.
        value: float, int, bool, str, None; microseconds for datetime; frozenset[str] for a string set; FileReference for a
            file; for series the last value (float, str, Histogram or FileReference), None if there is no point.
        source_run: The run that logged it: the run itself or an ancestor.
        time: When it was logged.
        members: Of a string set that was logged as a list, the list: in order, with repetitions. None of other values, and of
            sets that tags made up.
        statistics: Of float series: last_step, first_step, count, min, max, average, variance (population) over finite values,
            nan, positive_infinity and negative_infinity counts; of other series last_step and count. Else None.
            Statistics of finite values are None where there is none.
    """

    type: AttributeType
    value: Any
    source_run: str
    time: int
    statistics: Mapping[str, Any] | None = None
    members: tuple[str, ...] | None = None

    @property
    def content(self) -> Any:
        """What readers are shown: of a string set the list that was logged, else its members sorted; else the value."""
        if self.type is not AttributeType.STRING_SET:
            return self.value
        return sorted(self.value) if self.members is None else list(self.members)


def state_in(values: Mapping[str, Value]) -> str | None:
    """Return the state of the run that has these values: running, finished, ...; None if nobody has worked it out."""
    state = values.get("sys/state")
    return None if state is None else str(state.value)
