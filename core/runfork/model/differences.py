"""Differences between runs: what a fork changed, and where several runs disagree. Pure: no I/O, no clock, no lock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from runfork.model.attributes import AttributeType, is_system_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.model.attributes import Value

_NUMBERS = (AttributeType.INT, AttributeType.FLOAT)


@dataclass(frozen=True)
class Change:
    """One config that differs between a parent and its child.

    Args:
        path: The attribute.
        before: What the parent has; None if it has nothing there.
        after: What the child has; None if it has nothing there.
    """

    path: str
    before: Value | None
    after: Value | None

    @property
    def kind(self) -> Literal["added", "changed", "removed"]:
        """What happened to the path on the way from the parent to the child."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True)
class ComparisonRow:
    """One attribute across several runs.

    Args:
        path: The attribute.
        values: What each run has, None where it has nothing; in the order of the runs.
        differs: Whether they are not all the same.
    """

    path: str
    values: tuple[Value | None, ...]
    differs: bool


def config_changes(parent: Mapping[str, Value], child: Mapping[str, Value]) -> list[Change]:
    """Return the configs that differ between a run and its parent, by path; system namespaces, files and series left out.

    Args:
        parent: The parent's values, inherited ones included.
        child: The child's values, inherited ones included.
    """
    paths = sorted(path for path in {*parent, *child} if not is_system_path(path))
    changes = [Change(path, _config(parent.get(path)), _config(child.get(path))) for path in paths]
    return [change for change in changes if not same_value(change.before, change.after)]


def _config(value: Value | None) -> Value | None:
    return None if value is None or value.type.is_series or value.type is AttributeType.FILE else value


def compare_values(runs: Sequence[Mapping[str, Value]]) -> list[ComparisonRow]:
    """Return every path that one of `runs` has, sorted, with what each of them has there; series stand for their last value."""
    rows = []
    for path in sorted({path for values in runs for path in values}):
        found = tuple(values.get(path) for values in runs)
        rows.append(ComparisonRow(path, found, differs=not all(same_value(found[0], one) for one in found[1:])))
    return rows


def same_value(left: Value | None, right: Value | None) -> bool:
    """Return whether two values read the same: NaN equals NaN, the int 1 the float 1.0, True neither; lists by their order."""
    if left is None or right is None:
        return left is right
    if left.type is not right.type and not (left.type in _NUMBERS and right.type in _NUMBERS):
        return False
    return _same(left.value, right.value) and (None in (left.members, right.members) or left.members == right.members)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right):
        return True
    return bool(left == right)
