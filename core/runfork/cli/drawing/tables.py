"""Tables without lines: columns that fit the width, those of least interest left out where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runfork.cli.drawing.console import OutputConsole

__all__ = ["Cell", "Column", "print_lines", "print_table", "split_columns"]

_GAP = 2
_MIN_FLEXIBLE = 12


@dataclass(frozen=True)
class Cell:
    """Text with a style."""

    text: str
    style: str | None = None


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        title: Its heading.
        cells: One per row.
        is_number: Aligned to the right.
        is_optional: Left out where the table is too wide; the last optional column goes first.
        is_flexible: May be cut with an ellipsis, down to a dozen characters.
    """

    title: str
    cells: Sequence[Cell]
    is_number: bool = False
    is_optional: bool = False
    is_flexible: bool = False

    @property
    def width(self) -> int:
        """How wide the column would like to be."""
        return max([cell_len(self.title), *(cell_len(cell.text) for cell in self.cells)])


def print_table(
    console: OutputConsole, columns: Sequence[Column], *, indent: int = 0, has_titles: bool = True
) -> list[str]:
    """Print a table as wide as the console at most.

    Args:
        console: Where to.
        columns: From left to right; each has as many cells as the others.
        indent: Blanks in front of each line.
        has_titles: Whether to print a line of headings.

    Returns:
        The titles of the columns that were left out.
    """
    room = console.width - indent
    kept, left_out = _choose(list(columns), room)
    widths = _widths(kept, room)
    if has_titles:
        titles = [Cell(column.title, "dim") for column in kept]
        _print_row(console, kept, titles, widths, indent)
    for row in zip(*(column.cells for column in kept), strict=True):
        _print_row(console, kept, row, widths, indent)
    return left_out


def split_columns(columns: Sequence[Column], *, beside: Column, width: int) -> list[list[Column]]:
    """Return columns in as many parts as it takes for each to fit into `width`, beside a column that stands in every part."""
    parts: list[list[Column]] = [[]]
    for column in columns:
        if parts[-1] and sum(map(_least, [beside, *parts[-1], column])) + _GAP * (len(parts[-1]) + 1) > width:
            parts.append([])
        parts[-1].append(column)
    return parts


def _least(column: Column) -> int:
    return min(column.width, max(_MIN_FLEXIBLE, cell_len(column.title))) if column.is_flexible else column.width


def _choose(columns: list[Column], room: int) -> tuple[list[Column], list[str]]:
    left_out: list[str] = []
    while sum(map(_least, columns)) + _GAP * (len(columns) - 1) > room:
        optional = [column for column in columns if column.is_optional]
        if not optional:
            break
        columns = [column for column in columns if column is not optional[-1]]
        left_out.insert(0, optional[-1].title)
    return columns, left_out


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    widths = [column.width for column in columns]
    excess = sum(widths) + _GAP * (len(columns) - 1) - room
    while excess > 0:
        flexible = [at for at, column in enumerate(columns) if column.is_flexible and widths[at] > _least(column)]
        if not flexible:
            break
        widest = max(flexible, key=lambda at: widths[at])
        widths[widest] -= 1
        excess -= 1
    return widths


def _print_row(
    console: OutputConsole, columns: Sequence[Column], cells: Sequence[Cell], widths: Sequence[int], indent: int
) -> None:
    line = Text(" " * indent)
    for at, (column, cell, width) in enumerate(zip(columns, cells, widths, strict=True)):
        text = cell.text if cell_len(cell.text) <= width else set_cell_size(cell.text, max(width - 1, 0)) + "…"
        blank = " " * (width - cell_len(text))
        line.append((" " * _GAP if at else "") + (blank if column.is_number else ""))
        line.append(text, cell.style)
        line.append("" if column.is_number else blank)
    line.rstrip()
    _print(console, line)


def print_lines(console: OutputConsole, lines: Sequence[Sequence[tuple[str, str | None]]]) -> None:
    """Print lines that already have their width, each as stretches of text with a style."""
    for line in lines:
        text = Text()
        for part, style in line:
            text.append(part, style)
        _print(console, text)


def _print(console: OutputConsole, text: Text) -> None:
    console.print(text, no_wrap=True, overflow="ignore", crop=False)
