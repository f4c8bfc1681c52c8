"""Order of rows by what is no attribute: the last step, alone or among attributes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from runfork.index.rules.conditions import sort_key
from runfork.model.patterns import Pattern
from runfork.query.pages import resolve_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.index.interface import Index, RunRow
    from runfork.query.pages import Order
    from runfork_server.served_project import ServedProject

LAST_STEP = "last_step"
"""The column that every table has; the word means an attribute where runs have one of that name."""


def needs_steps(index: Index, order: Sequence[Order]) -> bool:
    """Return whether the last step is among what is sorted by."""
    is_asked = any(is_last_step(one) for one in order)
    return is_asked and not index.definitions(pattern=Pattern(names=frozenset([LAST_STEP])))


def sort_by_steps(project: ServedProject, rows: Sequence[RunRow], order: Sequence[Order]) -> list[RunRow]:
    """Return rows sorted as an index sorts them, but for the last step; those without one come last in either direction.

    Args:
        project: The project.
        rows: The rows, in the order that those have which are equal.
        order: By what, that which counts most first.
    """
    found = [*rows]
    for one in reversed(order):
        keys = _steps(project, found) if is_last_step(one) else _values(project.index, found, one)
        found = _sorted(found, keys, is_descending=one.is_descending)
    return found


def is_last_step(order: Order) -> bool:
    """Return whether this is the last step, or an attribute of that name."""
    return order.column.path == LAST_STEP and order.column.aggregate is None


def _steps(project: ServedProject, rows: Sequence[RunRow]) -> dict[str, tuple[int, Any] | None]:
    summaries = project.summaries.of(row.node.run_id for row in rows)
    return {run_id: None if one.last_step is None else (0, one.last_step) for run_id, one in summaries.items()}


def _values(index: Index, rows: Sequence[RunRow], order: Order) -> dict[str, tuple[int, Any] | None]:
    (sort,) = resolve_order(index, [order])
    path = sort.attribute.name
    values = index.values([row.node.run_id for row in rows], paths=[path])
    return {run_id: sort_key(held.get(path), sort) for run_id, held in values.items()}


def _sorted(rows: Sequence[RunRow], keys: Mapping[str, tuple[int, Any] | None], *, is_descending: bool) -> list[RunRow]:
    groups: dict[int, list[tuple[Any, RunRow]]] = defaultdict(list)
    without: list[RunRow] = []
    for row in rows:
        key = keys.get(row.node.run_id)
        if key is None:
            without.append(row)
        else:
            groups[key[0]].append((key[1], row))
    for entries in groups.values():
        entries.sort(key=lambda entry: entry[0], reverse=is_descending)
    return [row for place in sorted(groups) for _, row in groups[place]] + without
