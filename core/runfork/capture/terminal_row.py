"""One row of a terminal: columns of text that can be overwritten. Pure."""

from __future__ import annotations

import unicodedata
from itertools import chain, repeat
from typing import TYPE_CHECKING

from runfork.model.styled_text import PLAIN, StyledText, parts_of, styled, write_parts

if TYPE_CHECKING:
    from runfork.model.styled_text import Style

_TAB_COLUMNS = 8
_MAX_COMBINED = 32
"""Longest cell: a character with what combines with it; the rest is dropped, so that a cell cannot grow without bound."""


class TerminalRow:
    """A row that is being written: one string per column, and what has become of it so far.

    Columns after the first one of a wide character or tab hold the empty string, so joining the cells gives the text.
    """

    __slots__ = ("cells", "emitted", "is_live", "is_released", "snapshot", "styles", "touched")

    def __init__(self, text: str = "") -> None:
        self.cells: list[str] = [] if isinstance(text, StyledText) else to_cells(text)
        self.styles: list[Style] = []
        """One per column; columns behind its end are plain, and what is behind the end of the cells is out of date."""
        self.emitted: str | None = None
        """The text that was last handed out as a line."""
        self.snapshot: str | None = None
        """The text that was last handed out as a state of a progress bar."""
        self.is_live = False
        """Something returned to it to draw it anew, so it is not finished just because the cursor leaves it."""
        self.is_released = False
        """It was live, but holds ordinary text: it was blanked to make room for it, or has it behind what was drawn."""
        self.touched = 0
        """When the cursor last left it downwards."""
        if isinstance(text, StyledText):
            self.write_styled(0, text)

    def text(self) -> str:
        """Return what a reader sees; trailing blanks of a live row are padding, and left out."""
        text = "".join(self.cells)
        return text.rstrip() if self.is_live else text

    def with_styles(self, text: str) -> str:
        """Return `text`, with which the row begins, in its styles."""
        if not self.styles:
            return text
        parts: list[tuple[str, Style]] = []
        room = len(text)
        styles = chain(self.styles, repeat(PLAIN))
        for cell, style in zip(self.cells, styles, strict=False):
            parts.append((cell[:room], style))
            room -= len(cell)
            if room <= 0:
                break
        return styled(text, write_parts(parts), PLAIN, PLAIN)

    def is_blank(self) -> bool:
        """Return whether there is nothing to see."""
        return not "".join(self.cells).strip()

    def write_styled(self, column: int, text: str) -> int:
        """As `write`, in the styles of the text."""
        for part, style in parts_of(text):
            column = self.write(column, part, style)
        return column

    def write(self, column: int, text: str, style: Style = PLAIN) -> int:
        """Write `text` over the row from `column` on, and return the column after it."""
        if "\t" not in text or column >= len(self.cells):
            return self._overwrite(column, text, style)
        for number, part in enumerate(text.split("\t")):
            if number and column < len(self.cells):  # over what is there a tab is a movement
                column += _TAB_COLUMNS - column % _TAB_COLUMNS
            elif number:
                column = self._overwrite(column, "\t", style)
            column = self._overwrite(column, part, style) if part else column
        return column

    def _overwrite(self, column: int, text: str, style: Style) -> int:
        cells = self.cells
        size = len(cells)
        if column > len(cells):
            cells.extend(" " * (column - len(cells)))
        if text.isascii() and text.isprintable():
            written: list[str] | str = text
        else:
            written = self._combine(column, text)
        end = column + len(written)
        self._cut_wide(column)
        if end < len(cells):
            self._cut_wide(end)
        cells[column:end] = written
        if style is not PLAIN or self.styles:
            self._paint(size, column, end, style)
        return end

    def _paint(self, size: int, start: int, end: int, style: Style) -> None:
        """Give columns a style, of a row that had `size` columns."""
        styles = self.styles
        del styles[size:]
        styles.extend([PLAIN] * (end - len(styles)))
        styles[start:end] = [style] * (end - start)

    def _combine(self, column: int, text: str) -> list[str]:
        """Return the cells of `text`; what combines with the character before it is put there."""
        first = 0
        while first < len(text) and column and _columns_of(text[first]) == 0:
            at = column - 1
            while at and not self.cells[at]:
                at -= 1
            self.cells[at] = (self.cells[at] + text[first])[:_MAX_COMBINED]
            first += 1
        return to_cells(text[first:], column)

    def _cut_wide(self, column: int) -> None:
        """Turn a wide character that lies across the left edge of `column` into blanks."""
        cells = self.cells
        if column >= len(cells) or cells[column]:
            return
        start = column
        while start and not cells[start]:
            start -= 1
        end = column
        while end < len(cells) and not cells[end]:
            end += 1
        cells[start:end] = " " * (end - start)

    def erase(self, start: int, end: int | None = None) -> None:
        """Blank the columns from `start` up to `end`, which is excluded; None is the end of the row."""
        cells = self.cells
        if start < len(cells):
            self._cut_wide(start)
        if end is None or end >= len(cells):
            del cells[start:]
        else:
            self._cut_wide(end)
            cells[start:end] = " " * (end - start)
            for column in range(start, min(end, len(self.styles))):
                self.styles[column] = PLAIN


def to_cells(text: str, column: int = 0) -> list[str]:
    """Return `text` as one string per column, if it begins in `column` (which decides how wide a tab is)."""
    if text.isascii() and "\t" not in text:
        return list(text)
    cells: list[str] = []
    for character in text:
        is_tab = character == "\t"
        width = _TAB_COLUMNS - (column + len(cells)) % _TAB_COLUMNS if is_tab else _columns_of(character)
        if width:
            cells.append(character)
            cells.extend([""] * (width - 1))
        elif cells:
            at = next(place for place in range(len(cells) - 1, -1, -1) if cells[place])
            cells[at] = (cells[at] + character)[:_MAX_COMBINED]
    return cells


def _columns_of(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1


def split_by_bytes(text: str, limit: int) -> list[str]:
    """Cut `text` into pieces of at most `limit` bytes of UTF-8 (at least 4), never through a character."""
    if len(text) * 4 <= limit:
        return [text]
    data = text.encode("utf-8", "surrogatepass")
    pieces = []
    start = 0
    while len(data) - start > limit:
        end = start + limit
        while data[end] & 0xC0 == 0x80:  # noqa: PLR2004 - a byte inside a character
            end -= 1
        pieces.append(data[start:end])
        start = end
    pieces.append(data[start:])
    return [piece.decode("utf-8", "surrogatepass") for piece in pieces]
