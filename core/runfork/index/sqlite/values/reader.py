"""Values as readers see them, of many runs at a time: what runs of one shape have in common is worked out once."""

from __future__ import annotations

import json
import struct
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from runfork.index.sqlite.values.shape import STATISTICS, is_empty, member_list, read_text, type_of, unpacked
from runfork.model.attributes import TEXTS, AttributeType, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from runfork.index.sqlite.values.shape import Shape

_new_value: Callable[[Iterable[Any]], Value] = partial(tuple.__new__, Value)
"""`Value` of all its fields: a hundred thousand calls of a function in Python would take longer than all the rest."""

_LINE = struct.Struct(f"=qq{len(STATISTICS) - 2}d")
"""The statistics of one series."""


class ValueReader:
    """Reads the values of runs.

    Args:
        path_names: Paths by number.
        run_names: Runs by number.
        wanted: The numbers of the paths that are asked for; None for all.
    """

    def __init__(
        self, path_names: Mapping[int, str], run_names: Mapping[int, str], wanted: Collection[int] | None
    ) -> None:
        self._path_names = path_names
        self._run_names = run_names
        self._wanted = wanted
        self._plans: dict[int, _Plan] = {}

    def read(self, shape: Shape, numbers: bytes, series: bytes, texts: bytes, rest: bytes) -> dict[str, Value]:
        """Return the values of a run by path, sorted, from its shape and columns as tables hold them."""
        plan = self._plans.get(id(shape))
        if plan is None:
            plan = self._plans[id(shape)] = _Plan(shape, self._path_names, self._wanted)
        return plan.read(numbers, series, texts, unpacked(numbers, series, texts, rest), self._run_names)


class _Plan:
    """Where the values of runs of one shape are to be found. Keeps the shape, so that no other is taken for it."""

    def __init__(self, shape: Shape, path_names: Mapping[int, str], wanted: Collection[int] | None) -> None:
        self.shape = shape
        held = sorted(
            (path_names[path], place) for path, place in shape.places.items() if wanted is None or path in wanted
        )
        self._names = [name for name, _ in held]
        self._places = [place for _, place in held]
        codes = [shape.codes[place] for place in self._places]
        self._types = list(map(type_of, codes))
        ways = list(map(_way, codes))
        self._integers, self._bools, self._series, self._others = (
            [number for number, way in enumerate(ways) if way == wanted_way]
            for wanted_way in (_INTEGERS, _BOOLS, _SERIES, _OTHERS)
        )
        self._has_others = bool(self._integers or self._bools or self._others)
        self._taken = _taker(self._places)
        self._nothing: list[Any] = [None] * len(held)
        self._lines = [shape.series[self._places[number]] * _LINE.size for number in self._series]

    def read(
        self, numbers: bytes, series: bytes, texts: bytes, about: bytes, run_names: Mapping[int, str]
    ) -> dict[str, Value]:
        places, size = self._places, len(self.shape)
        contents = list(self._taken(struct.unpack(f"={size}d", numbers)))
        statistics, members = self._nothing.copy(), self._nothing.copy()
        whole = struct.unpack(f"={size}q", numbers) if self._has_others else ()
        for number in self._integers:
            contents[number] = whole[places[number]]
        for number in self._bools:
            contents[number] = bool(whole[places[number]])
        for number, line in zip(self._series, self._lines, strict=True):
            statistics[number] = _statistics(*_LINE.unpack_from(series, line))
        for number in self._others:
            place = places[number]
            row = self.shape.series.get(place)
            found = None if row is None else _LINE.unpack_from(series, row * _LINE.size)
            text = read_text(whole[place], texts)
            contents[number], statistics[number], members[number] = _other(self.shape.codes[place], text, found)
        times = self._taken(struct.unpack_from(f"={size}q", about))
        sources = map(run_names.__getitem__, self._taken(struct.unpack_from(f"={size}i", about, 8 * size)))
        read = map(_new_value, zip(self._types, contents, sources, times, statistics, members, strict=True))
        return dict(zip(self._names, read, strict=True))


def _taker(places: Sequence[int]) -> Callable[[Sequence[Any]], Iterable[Any]]:
    """Return what takes the values at some places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: [values[place] for place in places]


_FLOATS, _INTEGERS, _BOOLS, _SERIES, _OTHERS = range(5)
_WAYS = {
    AttributeType.FLOAT: _FLOATS,
    AttributeType.INT: _INTEGERS,
    AttributeType.DATETIME: _INTEGERS,
    AttributeType.BOOL: _BOOLS,
    AttributeType.FLOAT_SERIES: _SERIES,
}


def _way(code: int) -> int:
    """Return how a value of a code is read."""
    return _OTHERS if is_empty(code) else _WAYS.get(type_of(code), _OTHERS)


def _statistics(
    first: int,
    last: int,
    count: float,
    finite: float,
    minimum: float,
    maximum: float,
    mean: float,
    squares: float,
    nan: float,
    positive: float,
    negative: float,
) -> dict[str, Any]:
    """Return what is shown of a float series that has points. What is not there is stored as NaN."""
    return {
        "last_step": last,
        "count": int(count),
        "first_step": first,
        "min": minimum if minimum == minimum else None,  # noqa: PLR0124
        "max": maximum if maximum == maximum else None,  # noqa: PLR0124
        "average": mean if mean == mean else None,  # noqa: PLR0124
        "variance": squares / finite if finite and squares == squares else None,  # noqa: PLR0124
        "nan": int(nan),
        "positive_infinity": int(positive),
        "negative_infinity": int(negative),
    }


def _other(code: int, text: bytes, line: tuple[Any, ...] | None) -> tuple[Any, dict[str, Any] | None, Any]:
    """Return value, statistics and members of what is kept as text, or is not there."""
    kind = type_of(code)
    if kind is AttributeType.FLOAT_SERIES:  # one without a point
        return None, dict(_NO_POINTS), None
    statistics = None
    if line is not None:
        _, last, count, *_ = line
        statistics = {"last_step": None, "count": 0} if is_empty(code) else {"last_step": last, "count": int(count)}
    if is_empty(code) or kind is AttributeType.NONE:
        return None, statistics, None
    if kind in TEXTS:
        return text.decode("utf-8", "surrogatepass"), statistics, None
    raw = json.loads(text) if text else None
    if kind is AttributeType.STRING_SET:
        held = member_list(raw)
        return frozenset(held), None, tuple(held) if isinstance(raw, dict) else None
    from runfork.index.rules.edits import decode_value

    return None if raw is None else decode_value(kind, raw), statistics, None


_NO_POINTS: Mapping[str, Any] = {
    "last_step": None,
    "count": 0,
    "first_step": None,
    "min": None,
    "max": None,
    "average": None,
    "variance": None,
    "nan": 0,
    "positive_infinity": 0,
    "negative_infinity": 0,
}
