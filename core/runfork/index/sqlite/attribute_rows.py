"""Values as rows of the attribute table, and back: what is compared stands in columns of its own."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from runfork.index.conditions import TEXTS, set_text
from runfork.index.edits import decode_value
from runfork.index.sqlite import summaries
from runfork.index.sqlite.run_entries import storable
from runfork.index.sqlite.schema import TYPE_NUMBERS, TYPES
from runfork.model.attributes import AttributeType, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = [
    "ATTRIBUTE_COLUMNS",
    "AttributeRow",
    "coded",
    "members_in",
    "merged_row",
    "read_value",
    "set_row",
    "single_row",
    "statistics_columns",
    "summary_rows",
]

ATTRIBUTE_COLUMNS = (
    "type, number, text, is_nan, payload, source, time, clock_axis, count, first_step, last_step, finite, minimum,"
    " maximum, mean, squares, nan, positive, negative"
)


class AttributeRow(NamedTuple):
    """A row without its run and path: `ATTRIBUTE_COLUMNS`. Those from `clock_axis` on are None of single values."""

    type: int
    number: Any
    text: str | None
    is_nan: bool
    payload: str | None
    source: int
    time: int
    clock_axis: bool | None = None
    points: int | None = None
    first_step: int | None = None
    last_step: int | None = None
    finite: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    squares: float | None = None
    nan: int | None = None
    positive: int | None = None
    negative: int | None = None

    @property
    def kind(self) -> AttributeType:
        """The type by name."""
        return TYPES[self.type]


_PLAIN_NUMBERS = (AttributeType.INT, AttributeType.BOOL, AttributeType.DATETIME)


def coded(kind: AttributeType, value: Any, raw: Any) -> tuple[Any, str | None, bool, str | None]:
    """Return a value as number, text, is_nan and payload: what is compared, and, where that is not all, its JSON."""
    if kind is AttributeType.NONE:
        return None, None, False, None
    if kind is AttributeType.FLOAT or kind is AttributeType.FLOAT_SERIES:
        number = float(value)
        return (None, None, True, None) if math.isnan(number) else (number, None, False, None)
    if kind in _PLAIN_NUMBERS:
        return value, None, False, None
    if kind in TEXTS:
        text = storable(value)
        return None, text, False, None if text == value else json.dumps(value)
    members = storable(set_text(value)) if kind is AttributeType.STRING_SET else None
    return None, members, False, json.dumps(raw)


def single_row(kind: AttributeType, value: Any, raw: Any, *, source: int, time: int) -> AttributeRow:
    """Return the row of a single value; `raw` is the value as in the journal, of a string set its members in order."""
    return AttributeRow(TYPE_NUMBERS[kind], *coded(kind, value, raw), source, time)


def set_row(value: frozenset[str], members: Sequence[str] | None, *, source: int, time: int) -> AttributeRow:
    """Return the row of a string set; `members` is the list that was logged, if one was."""
    raw = sorted(value) if members is None else {"members": members}
    return single_row(AttributeType.STRING_SET, value, raw, source=source, time=time)


def members_in(payload: str | None) -> list[str]:
    """Return the members of a string set from its payload: a sorted list of them, or an object that holds the list logged."""
    found: Any = json.loads(payload or "[]")
    return list(found["members"] if isinstance(found, dict) else found)


def summary_rows(rows: Floats) -> Floats:
    """Return summaries of what the table holds: count, finite, minimum, maximum, mean, squares, nan, positive, negative."""
    found = summaries.empty_summaries(len(rows))
    names = ("COUNT", "FINITE", "MINIMUM", "MAXIMUM", "MEAN", "SQUARES", "NAN", "POSITIVE", "NEGATIVE")
    found[:, [getattr(summaries, name) for name in names]] = rows
    return found


def statistics_columns(numbers: Sequence[Any], first_step: int, last_step: int) -> tuple[Any, ...]:
    """Return the columns from `count` on; SQLite keeps NaN as NULL, and whole numbers in its INTEGER columns as such."""
    count, finite, minimum, maximum, mean, squares, _, _, nan, positive, negative = numbers
    return count, first_step, last_step, finite, minimum, maximum, mean, squares, nan, positive, negative


def merged_row(earlier: AttributeRow, later: AttributeRow) -> AttributeRow:
    """Return the row of a series made of two, one of them beginning after the other's end."""
    if not later.points:
        return earlier
    assert earlier.first_step is not None
    assert later.last_step is not None
    numbers = summary_rows(np.array([(row.points, *row[11:]) for row in (earlier, later)], np.float64))
    merged = summaries.merge_summaries(numbers[:1], numbers[1:])[0]
    return AttributeRow(*later[:8], *statistics_columns(merged.tolist(), earlier.first_step, later.last_step))


def read_value(row: Sequence[Any], names: dict[int, str]) -> Value:
    """Return the value that a row of `ATTRIBUTE_COLUMNS` holds."""
    number_of_type, number, text, is_nan, payload, source, time, _, count = row[:9]
    kind = TYPES[number_of_type]
    statistics = _statistics(kind, row[8:]) if kind.is_series else None
    value: Any
    members = None
    if kind.is_series and not count:
        value = None
    elif kind is AttributeType.STRING_SET:
        held = members_in(payload)
        value, members = frozenset(held), tuple(held) if str(payload).startswith("{") else None
    elif is_nan:
        value = math.nan
    elif payload is not None:
        value = decode_value(kind, json.loads(payload))
    elif text is not None:
        value = text
    else:
        value = bool(number) if kind is AttributeType.BOOL else number
    return Value(kind, value, names[source], time, statistics, members)


def _statistics(kind: AttributeType, row: Sequence[Any]) -> dict[str, Any]:
    count, first, last, finite, minimum, maximum, mean, squares, nan, positive, negative = row
    if kind is not AttributeType.FLOAT_SERIES:
        return {"last_step": last, "count": count}
    return {
        "last_step": last,
        "count": count,
        "first_step": first,
        "min": minimum,
        "max": maximum,
        "average": mean,
        "variance": squares / finite if finite and squares is not None else None,
        "nan": nan,
        "positive_infinity": positive,
        "negative_infinity": negative,
    }
