"""What descriptions of models and optimizers look like, whatever framework they are of. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SUMMARY_ROWS = 500
_NUMBERS = 2
"""So many columns of a table of layers hold numbers: the last ones."""


def layer_table(rows: Sequence[tuple[str, ...]], total: tuple[str, ...]) -> str:
    """Return a table of layers as text.

    Args:
        rows: The names of the columns, then a row for each layer; the last two columns hold numbers. What is more than
            `MAX_SUMMARY_ROWS` is counted in a row of its own.
        total: The last row.
    """
    shown = [*rows[:MAX_SUMMARY_ROWS]]
    if len(rows) > MAX_SUMMARY_ROWS:
        shown.append((f"... {len(rows) - MAX_SUMMARY_ROWS} more", *[""] * (len(total) - 1)))
    shown.append(total)
    widths = [max(len(row[column]) for row in shown) for column in range(len(total))]
    return "\n".join(_line(row, widths) for row in shown)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    texts = len(row) - _NUMBERS
    cells = [
        cell.ljust(width) if column < texts else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def parameter_counts(total: int, trainable: int, size_bytes: int) -> dict[str, Any]:
    """Return attributes below ``model/parameters/``."""
    return {
        "model/parameters/total": total,
        "model/parameters/trainable": trainable,
        "model/parameters/frozen": total - trainable,
        "model/parameters/size_bytes": size_bytes,
    }


def numbered(kinds: Iterable[str]) -> list[str]:
    """Return a name for each of several things: its kind, numbered where there are several of one kind."""
    found = list(kinds)
    counts, seen, names = Counter(found), Counter[str](), []
    for kind in found:
        names.append(f"{kind}-{seen[kind]}" if counts[kind] > 1 else kind)
        seen[kind] += 1
    return names


def plain_number(value: Any) -> Any:
    """Return a number, or what holds one, as a float, so that a setting has one type in every run; anything else as it is."""
    if hasattr(value, "item"):
        value = value.item()
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
