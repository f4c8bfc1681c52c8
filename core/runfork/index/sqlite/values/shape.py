"""Where a run has what, and the bytes in which its values are stored: all that reading a table takes, without NumPy.

Which paths a run has, and of what kinds, is its `Shape`; the runs of a project mostly share a few. A number has its place by the
shape alone. So a filter or a sort reads the numbers of each run, whatever else the run has, and a new row of a thousand
metrics changes a thousand statistics in one go.
"""

from __future__ import annotations

import json
import struct
import zlib
from array import array
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.index.sqlite.sealing import check_seal, checksum, to_json
from runfork.model.attributes import TEXTS, AttributeType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from runfork.model.arrays import Integers

STATISTICS = (
    "first_step",
    "last_step",
    "count",
    "finite",
    "min",
    "max",
    "mean",
    "squares",
    "nan",
    "positive",
    "negative",
)
"""The columns of the statistics of series: int64 for steps, and float64 for the others, a row of `summaries`."""
STEPS = 2
"""So many columns of the statistics are steps."""

ON_CLOCK, EMPTY, TYPE = 16, 32, 15
"""A code is the number of a type, and these: a series on the clock axis, a series without a committed point."""
FLOATS = frozenset(TYPE_NUMBERS[kind] for kind in (AttributeType.FLOAT, AttributeType.FLOAT_SERIES))
INTEGERS = frozenset(TYPE_NUMBERS[kind] for kind in (AttributeType.INT, AttributeType.BOOL, AttributeType.DATETIME))
FIXED = {
    **{TYPES[number]: "f8" for number in FLOATS},
    **{TYPES[number]: "i8" for number in INTEGERS},
}
"""Types whose values take eight bytes, and how they are coded, in NumPy's words."""
WORDS = frozenset(TYPE_NUMBERS[kind] for kind in TEXTS)
NONE = TYPE_NUMBERS[AttributeType.NONE]
CHECKSUM = struct.Struct("<I")


def code_of(kind: AttributeType, *, clock_axis: bool = False, is_empty: bool = False) -> int:
    """Return the code of a type; `is_empty` is a series without a committed point."""
    return TYPE_NUMBERS[kind] + ON_CLOCK * clock_axis + EMPTY * is_empty


SINGLE_CODES = {
    kind.value: code_of(kind)
    for kind in AttributeType
    if not kind.is_series and kind not in (AttributeType.STRING_SET, AttributeType.FILE)
}
"""The codes of single values that hide what is inherited, by what journals call their types."""


def type_of(code: int) -> AttributeType:
    """Return the type that a code says."""
    return TYPES[code & TYPE]


def is_empty(code: int) -> bool:
    """Return whether a code says that a series has no committed point."""
    return bool(code & EMPTY)


class Shape:
    """Which paths a run has, by number, sorted, and the code of each."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.codes = data[len(data) // 5 * 4 :]

    @staticmethod
    def of(paths: Sequence[int], codes: bytes) -> Shape:
        """Return the shape of sorted paths and their codes."""
        return _shape(array("i", paths).tobytes() + codes)

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def paths(self) -> npt.NDArray[np.int32]:
        """The paths, sorted."""
        import numpy as np

        return np.frombuffer(self.data, np.int32, len(self))

    @cached_property
    def places(self) -> dict[int, int]:
        """Where each path is."""
        return {path: place for place, path in enumerate(array("i", self.data[: 4 * len(self)]))}

    @cached_property
    def floats(self) -> list[int]:
        """The places of floats, series among them."""
        return [place for place, code in enumerate(self.codes) if code & TYPE in FLOATS]

    @cached_property
    def integers(self) -> list[int]:
        """The places of whole numbers, bools and times."""
        return [place for place, code in enumerate(self.codes) if code & TYPE in INTEGERS]

    @cached_property
    def texts(self) -> list[int]:
        """The places of what is kept as text, or as JSON."""
        numbers = FLOATS | INTEGERS | {NONE}
        return [place for place, code in enumerate(self.codes) if code & TYPE not in numbers]

    @cached_property
    def series(self) -> dict[int, int]:
        """The places of series, and which row of the statistics is theirs."""
        found = (place for place, code in enumerate(self.codes) if TYPES[code & TYPE].is_series)
        return {place: row for row, place in enumerate(found)}

    @cached_property
    def lines(self) -> Integers:
        """By place, which row of the statistics is that of its series; -1 where there is none."""
        import numpy as np

        found = np.full(len(self), -1, np.int64)
        found[list(self.series)] = list(self.series.values())
        return found

    def codes_at(self, places: Integers) -> npt.NDArray[np.uint8]:
        """Return the codes at some places; those at -1 mean nothing."""
        import numpy as np

        return np.frombuffer(self.codes, np.uint8)[places] if self.codes else np.zeros(len(places), np.uint8)

    def kinds(self) -> Iterator[tuple[int, int]]:
        """Yield each path and the number of its type."""
        return zip(self.places, (code & TYPE for code in self.codes), strict=True)


_shape = lru_cache(maxsize=256)(Shape)
"""Many runs have the same shape."""


def unpacked(numbers: bytes, series: bytes, texts: bytes, rest: bytes) -> bytes:
    """Return the times and sources of values, once all of their columns are found to be as they were stored.

    Raises:
        ValueError: They are not.
    """
    check_seal(rest)
    if CHECKSUM.unpack_from(rest)[0] != checksum(numbers, series, texts):
        raise ValueError("the checksum of a run's values differs")
    return zlib.decompress(rest[CHECKSUM.size : -CHECKSUM.size])


def read_text(slot: int, texts: bytes) -> bytes:
    """Return the part of a run's texts that a number in the place of a text stands for."""
    start, length = slot >> 32, slot & 0xFFFFFFFF
    return texts[start : start + length]


def decode_text(kind: AttributeType, data: bytes) -> Any:
    """Return what can be compared of a text, or of the members of a string set; None of a value of another type."""
    if kind is AttributeType.STRING_SET:
        return frozenset(member_list(json.loads(data)))
    return data.decode("utf-8", "surrogatepass") if kind in TEXTS else None


def text_of(kind: int, value: Any) -> bytes:
    """Return what is neither number nor None as a run's texts hold it, by the number of its type."""
    if kind not in WORDS:
        return to_json(value).encode("ascii")
    if not isinstance(value, str):
        raise TypeError(f"a text must be a string, found {type(value).__name__}")
    return value.encode("utf-8", "surrogatepass")


def member_list(raw: Any) -> list[str]:
    """Return the members of a string set from its row: a sorted list of them, or an object that holds the list logged."""
    return list(raw["members"] if isinstance(raw, dict) else raw)
