"""A small terminal: rows around a cursor, and the control sequences that move it and change them. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from runfork.capture.terminal_row import TerminalRow

if TYPE_CHECKING:
    from runfork.capture.control_sequences import Token

__all__ = ["MAX_REMEMBERED_COLUMNS", "MAX_ROWS", "Terminal"]

MAX_ROWS = 64
"""How many rows the cursor can go back up."""

MAX_REMEMBERED_COLUMNS = 4096

_MAX_JUMP = 1024
"""Farthest column that a cursor movement reaches past the end of a row; a terminal would stop at its right margin."""

_CURSOR, _OTHER_SCREEN = "25", "1049"
"""Modes that are switched."""

_FRAME_TIME = 2_000_000
"""Microseconds after which a cleared screen is a new one, rather than the same drawn anew."""


class _Screen(NamedTuple):
    """The terminal's own screen, while the other one is shown."""

    above: deque[TerminalRow | str]
    held: list[TerminalRow]
    row: TerminalRow
    column: int
    below: list[TerminalRow]
    place: int
    origin: int | None


class Terminal:
    """The last rows that were written. What becomes of a row is decided by who inherits.

    Rows above the cursor are in `_above`, those below it, the nearest last, in `_below`; `_held` are those of either that may be
    drawn anew. `_place` counts rows, so that `_saved` and `_origin` (the first row of the screen, where it is known) name some.

    It knows the sequences that rich, tqdm, Keras, click, transformers, and what prints like them write: those that move the cursor,
    save and hide it, erase, clear the screen, and show the other one. All others are left out: those that editors need, too.
    """

    def _reset(self) -> None:
        self._now = 0
        self._above: deque[TerminalRow | str] = deque(maxlen=MAX_ROWS)
        self._row = TerminalRow()
        self._column = 0
        self._below: list[TerminalRow] = []
        self._held: list[TerminalRow] = []
        self._has_moved = False
        self._is_cursor_hidden = False
        self._place = 0
        self._saved: tuple[int, int] | None = None
        self._origin: int | None = None
        self._frames = 0
        self._frame_time = 0
        self._main: _Screen | None = None

    def _apply_returns(self) -> None:
        """Do what carriage returns that were held back do."""
        raise NotImplementedError

    def _redraw(self) -> None:
        """Note that the cursor's row is drawn anew from here on."""
        raise NotImplementedError

    def _take_snapshot(self, now: int) -> None:
        """Hand out the states of what is drawn, if it is time to."""
        raise NotImplementedError

    def _leave_downwards(self, *, hold: bool) -> None:
        """Go to the row below; hand out the one that is left, unless it is held because it may be drawn anew."""
        raise NotImplementedError

    def _emit(self, row: TerminalRow) -> None:
        """Hand out a row as a line."""
        raise NotImplementedError

    def _emit_held(self) -> None:
        """Hand out the rows that are held."""
        raise NotImplementedError

    # Control sequences.

    def _control(self, token: Token) -> None:
        final = token.text
        if final == "m":
            return
        self._apply_returns()
        self._has_moved = True
        if token.parameters.startswith("?"):
            if final in "hl":
                self._set_modes(token.parameters[1:].split(";"), is_on=final == "h")
            return
        number = min(token.number(), _MAX_JUMP)
        self._move(final, max(1, number))
        if final == "K":
            self._redraw()
            self._erase_in_row(number)
        elif final == "J":
            self._erase_in_screen(number)
        elif final in "Hf":
            self._jump(max(token.number(), 1) - 1, max(token.number(1), 1) - 1)
        elif final == "7":
            self._saved = self._place, self._column
        elif final == "8" and self._saved is not None:
            self._go_to(*self._saved)

    def _set_modes(self, modes: list[str], *, is_on: bool) -> None:
        if _CURSOR in modes:
            self._is_cursor_hidden = not is_on
        if _OTHER_SCREEN in modes and is_on is (self._main is None):
            if is_on:
                self._show_other_screen()
            else:
                self._take_snapshot(self._now)
                self._leave_other_screen()

    def _move(self, final: str, number: int) -> None:
        column = self._column
        if final in "AF":
            self._move_up(number)
        elif final in "BE":
            self._move_down(number)
        elif final in "DG":
            self._redraw()
            self._column = max(0, column - number) if final == "D" else self._reach(number - 1)
        elif final == "C":
            self._column = self._reach(column + number)
        if final in "EF":
            self._column = 0

    def _reach(self, column: int) -> int:
        return min(column, max(_MAX_JUMP, len(self._row.cells)))

    def _move_up(self, number: int) -> None:
        self._apply_returns()
        for _ in range(number):
            if not self._above:
                return
            if not self._row.is_blank():
                self._redraw()
                if len(self._row.cells) > MAX_REMEMBERED_COLUMNS:
                    self._emit(self._row)
                    del self._row.cells[MAX_REMEMBERED_COLUMNS:]
            self._below.append(self._row)
            self._row = self._take_above()
            self._place -= 1

    def _take_above(self) -> TerminalRow:
        row = self._above.pop()
        if isinstance(row, str):
            text, row = row, TerminalRow(row)
            row.emitted = text
        elif row in self._held:
            self._held.remove(row)
        row.is_live = True
        row.is_released = row.is_released and row.is_blank()
        return row

    def _move_down(self, number: int) -> None:
        for _ in range(min(number, MAX_ROWS)):
            column = self._column
            self._row.is_live = True
            self._leave_downwards(hold=True)
            self._column = column

    def _erase_in_row(self, mode: int) -> None:
        if mode == 0:
            self._row.erase(self._column)
        else:
            self._row.erase(0, self._column + 1 if mode == 1 else None)

    def _erase_in_screen(self, mode: int) -> None:
        self._redraw()
        if mode == 0:
            self._row.erase(self._column)
            for row in self._below:
                row.cells.clear()
        elif mode > 1:
            self._clear_screen()

    # Screens.

    def _is_drawing(self, now: int) -> bool:
        """Whether rows are drawn, though nothing returned to them yet."""
        is_animated = self._frames > 1 and now - self._frame_time < _FRAME_TIME
        return self._is_cursor_hidden or is_animated or self._main is not None

    def _clear_screen(self) -> None:
        if self._begin_frame():
            self._go_to(self._origin or 0, 0)
            for row in (self._row, *self._below):
                row.cells.clear()

    def _jump(self, line: int, column: int) -> None:
        if self._begin_frame() and self._origin is not None:
            self._go_to(self._origin + min(line, MAX_ROWS - 1), column)
        else:
            self._column = self._reach(column)

    def _begin_frame(self) -> bool:
        """Return whether what comes is drawn over the screen that was begun; if not, begin one."""
        is_same = self._origin is not None and self._now - self._frame_time < _FRAME_TIME
        is_next = is_same and (self._place != self._origin or bool(self._row.cells))
        self._frame_time = self._now
        if is_next:
            self._frames += 1
        elif not is_same and self._main is None:
            self._frames = 1
            self._begin_screen()
        return is_same or self._main is not None

    def _go_to(self, place: int, column: int) -> None:
        if place < self._place:
            self._move_up(self._place - place)
        elif place > self._place:
            self._move_down(place - self._place)
        if self._row.cells:
            self._redraw()
        self._column = self._reach(column)

    def _begin_screen(self) -> None:
        """Hand out what is on the screen, and begin below it."""
        self._emit_held()
        for row in (self._row, *reversed(self._below)):
            if not row.is_blank():
                self._emit(row)
        self._clear_rows()

    def _clear_rows(self) -> None:
        self._above = deque(maxlen=MAX_ROWS)
        self._below = []
        self._row = TerminalRow()
        self._column = 0
        self._origin = self._place = 0
        self._saved = None

    def _show_other_screen(self) -> None:
        self._main = _Screen(self._above, self._held, self._row, self._column, self._below, self._place, self._origin)
        self._held = []
        self._clear_rows()

    def _leave_other_screen(self) -> list[TerminalRow]:
        """Go back to the terminal's own screen, if it is not shown; return the rows of the other one."""
        if self._main is None:
            return []
        rows = [*self._held, self._row, *reversed(self._below)]
        self._above, self._held, self._row, self._column, self._below, self._place, self._origin = self._main
        self._main = None
        return rows
