"""Columns of tables before anybody chooses their form: what runs hold at a path, and the one type that suits all of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runfork.model.attributes import Value
    from runfork.query.source import Source

_LAST_VALUES = {AttributeType.FLOAT_SERIES: AttributeType.FLOAT, AttributeType.STRING_SERIES: AttributeType.STRING}
_NUMBERS = {AttributeType.FLOAT, AttributeType.INT}


@dataclass(frozen=True)
class AttributeColumn:
    """What runs hold at one path, of some of the types that it has.

    Args:
        title: The column's name.
        path: The path.
        types: The types; "none" is among them only if it is the only one.
        cells: For each run its value; None where there is none of these types, and where None was logged.
    """

    title: str
    path: str
    types: frozenset[AttributeType]
    cells: Sequence[Value | None]

    @cached_property
    def type(self) -> AttributeType | None:
        """The type that all values have, series that of their last one; float for numbers of both types, if each is a float.

        None if there is no such type.
        """
        kinds = {_LAST_VALUES.get(kind, kind) for kind in self.types}
        if kinds == _NUMBERS:
            ints = (cell.value for cell in self.cells if cell is not None and isinstance(cell.value, int))
            return AttributeType.FLOAT if all(float(number) == number for number in ints) else None
        return kinds.pop() if len(kinds) == 1 else None


def read_columns(
    source: Source,
    run_ids: Sequence[str],
    shown: Iterable[tuple[str, str, AttributeType]],
    *,
    with_type: bool = False,
) -> list[AttributeColumn]:
    """Read what runs hold, as columns sorted by title.

    Args:
        source: The project.
        run_ids: The rows.
        shown: Title, path and type of what is read; one path may come with several types.
        with_type: Whether titles end in the type, and each family of types has a column of its own.
    """
    types: dict[tuple[str, str], set[AttributeType]] = {}
    for title, path, kind in shown:
        types.setdefault((title, path), set()).add(kind)
    values = source.index.values(run_ids, paths=[path for _, path in types]) if types else {}
    columns = []
    for (title, path), found in types.items():
        held = [values.get(run_id, {}).get(path) for run_id in run_ids]
        for name, some in _titles(title, found - {AttributeType.NONE} or found, with_type=with_type).items():
            cells = [cell if cell and cell.type in some and cell.value is not None else None for cell in held]
            columns.append(AttributeColumn(name, path, frozenset(some), cells))
    return sorted(columns, key=lambda column: column.title)


def _titles(title: str, types: set[AttributeType], *, with_type: bool) -> dict[str, set[AttributeType]]:
    """Return the columns that show a path: one for all its types, or one for each family where titles carry the type."""
    if not with_type:
        return {title: types}
    families: dict[str, set[AttributeType]] = {}
    for kind in types:
        families.setdefault(kind.family, set()).add(kind)
    return {f"{title}:{min(kind.value for kind in found)}": found for found in families.values()}  # float before int
