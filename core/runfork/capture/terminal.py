"""A small terminal: rows around a cursor, how they are drawn anew, and what of them is handed out. Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from runfork.capture.terminal_row import TerminalRow, split_by_bytes
from runfork.model.attributes import MAX_STRING_BYTES

MAX_ROWS = 64
"""How many rows the cursor can go back up."""

MAX_REMEMBERED_COLUMNS = 4096

MAX_JUMP = 1024
"""Farthest column that a cursor movement reaches past the end of a row; a terminal would stop at its right margin."""

_SNAPSHOT_INTERVAL = 1_000_000

_FRAME_TIME = 2_000_000
"""Microseconds after which a cleared screen is a new one, rather than the same drawn anew."""


class Output(NamedTuple):
    """What came of some input.

    Args:
        lines: Finished lines, in the order in which they were finished; those with colours are `StyledText`.
        snapshots: States of live rows; several rows that are drawn together are one snapshot of several lines.
    """

    lines: list[str]
    snapshots: list[str]


NOTHING = Output([], [])


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
    """The last rows that were written.

    Rows above the cursor are in `_above`, those below it, the nearest last, in `_below`; `_held` are those of either that may be
    drawn anew. `_place` counts rows, so that `_saved` and `_origin` (the first row of the screen, where it is known) name some.

    Args:
        max_line_bytes: Longer lines are cut into pieces of at most so many bytes of UTF-8, between characters.
    """

    def __init__(self, *, max_line_bytes: int = MAX_STRING_BYTES) -> None:
        self._limit = max_line_bytes
        self._output = Output([], [])
        self._last_snapshot: int | None = None
        self._reset()

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
        self._returns = 0

    # What is handed out.

    def _take_output(self) -> Output:
        output = self._output
        if not output.lines and not output.snapshots:
            return NOTHING
        self._output = Output([], [])
        return output

    def _emit(self, row: TerminalRow) -> None:
        text = row.text()
        if text != row.emitted and (text or not row.is_live) and self._main is None:
            row.emitted = text
            self._output.lines.extend(split_by_bytes(row.with_styles(text), self._limit))

    def _emit_held(self) -> None:
        held, self._held = self._held, []
        for row in held:
            self._emit(row)

    def _take_snapshot(self, now: int) -> None:
        if self._last_snapshot is not None and now - self._last_snapshot < _SNAPSHOT_INTERVAL:
            return
        texts = []
        for row in (*self._held, self._row, *reversed(self._below)):
            if (row.is_live or self._is_drawing(now)) and (text := row.text()) and text != row.snapshot:
                row.snapshot = text
                texts.append(text)
        if texts:
            self._last_snapshot = now
            self._output.snapshots.append("\n".join(texts))

    # Drawing anew.

    def _redraw(self) -> None:
        """Note that the cursor's row is drawn anew from here on; its state up to now may be worth a snapshot."""
        self._has_moved = True
        self._row.is_live = True
        self._row.is_released = False
        self._take_snapshot(self._now)

    def _apply_returns(self) -> None:
        r"""Do what a ``\r`` does, now that it is known not to be part of a line's end."""
        returns, self._returns = self._returns, 0
        if not returns:
            return
        self._has_moved = True
        if returns == 1 and self._is_wiped():
            self._clear_row()
        else:
            self._redraw()
        self._column = 0

    def _is_wiped(self) -> bool:
        """Whether a progress bar was overwritten with blanks to the cursor, to make room for something else."""
        return self._row.is_live and self._column > 0 and self._row.is_blank()

    def _clear_row(self) -> None:
        self._row.cells.clear()
        self._row.is_released = True

    # The cursor.

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
        return min(column, max(MAX_JUMP, len(self._row.cells)))

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

    def _leave_downwards(self, *, hold: bool) -> None:
        row = self._row
        if hold and len(row.cells) <= MAX_REMEMBERED_COLUMNS:
            row.touched = self._now
            self._held.append(row)
        else:
            self._emit_held()
            self._emit(row)
            row.is_live = row.is_released = False
            del row.cells[MAX_REMEMBERED_COLUMNS:]
        if (
            len(self._above) == MAX_ROWS
            and (oldest := self._above[0]) in self._held
            and isinstance(oldest, TerminalRow)
        ):
            self._held.remove(oldest)
            self._emit(oldest)
        self._above.append(row)
        self._row = self._below.pop() if self._below else TerminalRow()
        self._column = 0
        self._place += 1

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
