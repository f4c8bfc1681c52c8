"""Tables without lines: columns that fit the width, those of least interest left out where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment, Segments
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions

_GAP = 2
_MIN_FLEXIBLE = 12


class Cell(NamedTuple):
    """Text on one line, with a style."""

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

    @cached_property
    def width(self) -> int:
        """How wide the column would like to be."""
        return max([cell_len(self.title), *(cell_len(cell.text) for cell in self.cells)])

    @property
    def least(self) -> int:
        """How wide it is at least, with its heading in full."""
        return min(self.width, max(_MIN_FLEXIBLE, cell_len(self.title))) if self.is_flexible else self.width


class _Stack:
    """The cells of a column below each other: rich lays out one of these ten times faster than as many cells of its own."""

    def __init__(self, cells: Sequence[Cell], *, gap: int, is_number: bool) -> None:
        self.cells = cells
        self.gap = gap
        self.is_number = is_number

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        width = options.max_width - self.gap
        for text, style in self.cells:
            blanks = width - cell_len(text)
            shown = set_cell_size(text, width - 1) + "…" if blanks < 0 else text
            before = self.gap + max(blanks, 0) if self.is_number else self.gap
            yield Segment(" " * before + shown, console.get_style(style) if style else None)
            yield Segment.line()


def print_table(console: Console, columns: Sequence[Column], *, indent: int = 0, has_titles: bool = True) -> list[str]:
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
    kept, left_out = _choose_columns(columns, room)
    table = Table.grid()  # without its padding, whose share of a column's width depends on rich's version
    stacks = []
    for at, (column, width) in enumerate(zip(kept, _widths(kept, room), strict=True)):
        gap = _GAP if at else 0
        table.add_column(width=gap + width)
        title = [Cell(column.title, "dim")] if has_titles else []
        stacks.append(_Stack([*title, *column.cells], gap=gap, is_number=column.is_number))
    table.add_row(*stacks)
    options = console.options.update(width=max(room, _least(kept)))
    _print_segments(console, console.render_lines(table, options, pad=False), indent=indent)
    return left_out


def split_columns(columns: Sequence[Column], *, beside: Column, width: int) -> list[list[Column]]:
    """Return columns in as many parts as it takes for each to fit into `width`, beside a column that stands in every part."""
    parts: list[list[Column]] = [[]]
    for column in columns:
        if parts[-1] and _least([beside, *parts[-1], column]) > width:
            parts.append([])
        parts[-1].append(column)
    return parts


def _least(columns: Sequence[Column]) -> int:
    return sum(column.least for column in columns) + _GAP * (len(columns) - 1)


def _choose_columns(columns: Sequence[Column], room: int) -> tuple[list[Column], list[str]]:
    kept = list(columns)
    left_out: list[str] = []
    while _least(kept) > room and (optional := [column for column in kept if column.is_optional]):
        kept = [column for column in kept if column is not optional[-1]]
        left_out.insert(0, optional[-1].title)
    return kept, left_out


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    """Return how wide each column is: the widest flexible ones give way, down to what shows their headings in full."""
    widths = [column.width for column in columns]
    for _ in range(sum(widths) + _GAP * (len(columns) - 1) - room):
        spare = [at for at, column in enumerate(columns) if widths[at] > column.least]
        if not spare:
            break
        widths[max(spare, key=widths.__getitem__)] -= 1
    return widths


def print_lines(console: Console, lines: Iterable[Iterable[tuple[str, str | None]]]) -> None:
    """Print lines that already have their width, each as stretches of text with a style."""
    _print_segments(
        console,
        ([Segment(text, console.get_style(style) if style else None) for text, style in line] for line in lines),
    )


def _print_segments(console: Console, lines: Iterable[list[Segment]], *, indent: int = 0) -> None:
    """Print lines without the blanks at their ends, however wide they are."""
    printed: list[Segment] = []
    for line in lines:
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            *before, (text, style, _) = line
            printed += [Segment(" " * indent), *before, Segment(text.rstrip(), style)]
        printed.append(Segment.line())
    console.print(Segments(printed), crop=False, end="")
