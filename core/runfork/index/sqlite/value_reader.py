"""Values as readers see them, of many runs at a time: what runs of one shape have in common is worked out once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.index.rules.edits import decode_value
from runfork.index.sqlite.values import is_empty, member_list, type_of
from runfork.model.attributes import AttributeType, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from runfork.index.sqlite.values import Row, RunValues, Shape

__all__ = ["ValueReader"]

_new_value: Callable[[Iterable[Any]], Value] = partial(tuple.__new__, Value)
"""`Value` of all its fields: a hundred thousand calls of a function in Python would take longer than all the rest."""


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

    def read(self, values: RunValues) -> dict[str, Value]:
        """Return the values of a run by path, sorted."""
        plan = self._plans.get(id(values.shape))
        if plan is None:
            plan = self._plans[id(values.shape)] = _Plan(values.shape, self._path_names, self._wanted)
        return plan.read(values, self._run_names)


class _Plan:
    """Where the values of runs of one shape are to be found. Keeps the shape, so that no other is taken for it."""

    def __init__(self, shape: Shape, path_names: Mapping[int, str], wanted: Collection[int] | None) -> None:
        self.shape = shape
        held = sorted(
            (path_names[path], place) for path, place in shape.places.items() if wanted is None or path in wanted
        )
        self._names = [name for name, _ in held]
        self._places = np.array([place for _, place in held], np.int64)
        codes = [shape.codes[place] for _, place in held]
        self._types = list(map(type_of, codes))
        self._integers, self._bools, self._strings, self._series, self._others = (
            [number for number, code in enumerate(codes) if _way(code) == way] for way in range(1, 6)
        )
        self._lines = [shape.series[held[number][1]] for number in self._series]

    def read(self, values: RunValues, run_names: Mapping[int, str]) -> dict[str, Value]:
        numbers, places = values.numbers[self._places], self._places.tolist()
        contents: list[Any] = numbers.view(np.float64).tolist()
        if self._integers or self._bools:
            whole = numbers.tolist()
            for number in self._integers:
                contents[number] = whole[number]
            for number in self._bools:
                contents[number] = bool(whole[number])
        for number in self._strings:
            contents[number] = values.texts[places[number]].decode("utf-8", "surrogatepass")
        statistics: list[Any] = [None] * len(places)
        for number, shown in zip(self._series, _statistics(values, self._lines), strict=True):
            statistics[number] = shown
        sources = [run_names[run] for run in values.sources[self._places].tolist()]
        times = values.times[self._places].tolist()
        nothing = [None] * len(places)
        read = list(map(_new_value, zip(self._types, contents, sources, times, statistics, nothing, strict=True)))
        for number in self._others:
            read[number] = _value_of(values.row(places[number]), run_names)
        return dict(zip(self._names, read, strict=True))


_FLOATS, _INTEGERS, _BOOLS, _STRINGS, _SERIES, _OTHERS = range(6)
_WAYS = {
    AttributeType.FLOAT: _FLOATS,
    AttributeType.INT: _INTEGERS,
    AttributeType.DATETIME: _INTEGERS,
    AttributeType.BOOL: _BOOLS,
    AttributeType.STRING: _STRINGS,
    AttributeType.FLOAT_SERIES: _SERIES,
}


def _way(code: int) -> int:
    """Return how a value of a code is read."""
    return _OTHERS if is_empty(code) else _WAYS.get(type_of(code), _OTHERS)


def _statistics(values: RunValues, lines: Sequence[int]) -> list[dict[str, Any]]:
    """Return what is shown of float series that have points."""
    rows = values.series[lines]
    numbers = rows.view(np.float64).astype(object)
    numbers[np.isnan(rows.view(np.float64))] = None
    return [
        {
            "last_step": last,
            "count": int(count),
            "first_step": first,
            "min": minimum,
            "max": maximum,
            "average": mean,
            "variance": squares / finite if finite and squares is not None else None,
            "nan": int(nan),
            "positive_infinity": int(positive),
            "negative_infinity": int(negative),
        }
        for (_, first, last, *_), (
            count,
            _,
            _,
            finite,
            minimum,
            maximum,
            mean,
            squares,
            nan,
            positive,
            negative,
        ) in zip(rows.tolist(), numbers.tolist(), strict=True)
    ]


def _value_of(row: Row, run_names: Mapping[int, str]) -> Value:
    """Return the value of a row."""
    kind, raw = row.kind, row.value
    members = None
    value: Any
    statistics: dict[str, Any] | None = None
    if kind is AttributeType.STRING_SET:
        held = member_list(raw)
        value, members = frozenset(held), tuple(held) if isinstance(raw, dict) else None
    elif raw is None or row.points == 0:
        value = None
    else:
        value = decode_value(kind, raw)
    if kind is AttributeType.FLOAT_SERIES:  # one without a point
        statistics = dict(_NO_POINTS)
    elif kind.is_series:
        statistics = {"last_step": row.last_step, "count": row.points}
    return Value(kind, value, run_names[row.source], row.time, statistics, members)


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
