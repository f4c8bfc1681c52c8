r"""Turning what a program writes to a terminal into the lines that a person would have read there. Pure.

Most text is lines, and goes through as it came. The rest is drawing: progress bars return with ``\r`` or backspaces, or move
the cursor up to rows that they wrote before. The editor keeps the last rows as a terminal does and hands out a row

- at once when it ends in ``\n`` or ``\r\n`` and nothing returned to it, or a line was printed behind what was drawn,
- when something returned to it (it is *live*): once the cursor has left it for good, which is taken to be so when an ordinary
  line follows, or when it has not been drawn anew for a second. Its last state is the line.

States that live rows had in between are handed out as snapshots, one a second at most and only if something changed.

Colours and other attributes are left out. There is no right margin. A cleared screen, and a jump to an absolute row, begin a
new row. Memory is bounded: by `MAX_ROWS` rows, of which no more than `MAX_REMEMBERED_COLUMNS` columns are kept once the cursor
has left them, and one row of `max_line_bytes`.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from runfork.attributes import MAX_STRING_BYTES
from runfork.capture.row import Row, split_by_bytes
from runfork.capture.tokens import Token, has_control, split_unfinished, tokenise

__all__ = ["MAX_REMEMBERED_COLUMNS", "MAX_ROWS", "LineEditor", "Output"]

MAX_ROWS = 64
"""How many rows the cursor can go back up."""

MAX_REMEMBERED_COLUMNS = 4096

_MAX_JUMP = 1024
"""Farthest column that a cursor movement reaches past the end of a row; a terminal would stop at its right margin."""

_ESCAPES = {"M": "A", "D": "B", "E": "E"}
"""Escape sequences that do the same as control sequences with these ends."""

_SECOND = 1_000_000
_SNAPSHOT_INTERVAL = _SECOND
_SETTLE_TIME = _SECOND
_PARTIAL_TIME = 5 * _SECOND


class Output(NamedTuple):
    """What came of some input.

    Args:
        lines: Finished lines, in the order in which they were finished.
        snapshots: States of live rows; several rows that are drawn together are one snapshot of several lines.
    """

    lines: list[str]
    snapshots: list[str]


_NOTHING = Output([], [])


class LineEditor:
    """A terminal's rows around the cursor, and what of them was handed out.

    Args:
        max_line_bytes: Longer lines are cut into pieces of at most so many bytes of UTF-8, between characters.
    """

    def __init__(self, *, max_line_bytes: int = MAX_STRING_BYTES) -> None:
        self._limit = max_line_bytes
        self._output = Output([], [])
        self._now = 0
        self._last_snapshot: int | None = None
        self._above: deque[Row | str] = deque(maxlen=MAX_ROWS)
        self._held: list[Row] = []
        self._reset_cursor()

    def _reset_cursor(self) -> None:
        self._row = Row()
        self._column = 0
        self._below: list[Row] = []
        self._parts: list[str] = []
        self._part_bytes = 0
        self._returns = 0
        self._is_cursor_hidden = False
        self._escape = ""
        self._is_simple = True
        self._has_moved = False

    def feed(self, text: str, now: int) -> Output:
        """Take what was written at `now` (microseconds, not decreasing), and return what is finished by it."""
        self._now = now
        if self._is_simple and not has_control(text):
            return self._append(text)
        self._edit(text)
        return self._take_output()

    def flush(self, now: int) -> Output:
        """Return what is due by the time `now`: settled rows, snapshots, and text that has waited 5 s for its newline.

        Such text, a prompt for example, becomes a line; what comes later begins a new one.
        """
        for row in list(self._held):
            if now - row.touched >= _SETTLE_TIME:
                self._held.remove(row)
                self._emit(row)
        if (
            now - self._now >= _PARTIAL_TIME
            and not self._row.is_live
            and not self._below
            and not self._is_cursor_hidden
        ):
            self._break_line()
        self._take_snapshot(now)
        return self._take_output()

    def finish(self) -> Output:
        """Return everything that is left, and begin anew."""
        self._absorb_parts()
        self._emit_held()
        for row in (self._row, *reversed(self._below)):
            if not row.is_blank() or (row.cells and not row.is_live):
                self._emit(row)
        self._above.clear()
        self._reset_cursor()
        return self._take_output()

    def display(self) -> list[str]:
        """Return the rows as a terminal would show them, without trailing blanks: those above the cursor, its own, those below."""
        self._absorb_parts()
        above = [row if isinstance(row, str) else "".join(row.cells) for row in self._above]
        return [
            text.rstrip() for text in (*above, *("".join(row.cells) for row in (self._row, *reversed(self._below))))
        ]

    def _take_output(self) -> Output:
        output = self._output
        if not output.lines and not output.snapshots:
            return _NOTHING
        self._output = Output([], [])
        return output

    # Text without control characters, while nothing is live: the way of almost everything.

    def _append(self, text: str) -> Output:
        if "\n" not in text:
            self._append_part(text)
            return self._take_output() if self._output.lines else _NOTHING
        lines = text.split("\n")
        rest = lines.pop()
        if self._parts:
            self._parts.append(lines[0])
            lines[0] = "".join(self._parts)
            self._parts.clear()
            self._part_bytes = 0
        if len(text) + len(lines[0]) > self._limit // 4:
            lines = [piece for line in lines for piece in split_by_bytes(line, self._limit)]
        self._remember(lines)
        if self._output.lines:
            lines = self._take_output().lines + lines
        if rest:
            self._append_part(rest)
            if self._output.lines:
                lines += self._take_output().lines
        return Output(lines, [])

    def _append_part(self, text: str) -> None:
        self._parts.append(text)
        self._part_bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if self._part_bytes > self._limit or len(self._parts) > MAX_REMEMBERED_COLUMNS:
            *pieces, rest = split_by_bytes("".join(self._parts), self._limit)
            self._output.lines.extend(pieces)
            self._parts = [rest]
            self._part_bytes = len(rest.encode("utf-8", "surrogatepass"))

    def _remember(self, lines: list[str]) -> None:
        for line in islice(lines, max(0, len(lines) - MAX_ROWS), None):
            self._above.append(line[:MAX_REMEMBERED_COLUMNS])

    def _absorb_parts(self) -> None:
        """Bring appended text into the cursor's row, so that it can be edited."""
        if self._parts:
            self._column = self._row.write(self._column, "".join(self._parts))
            self._parts.clear()
            self._part_bytes = 0

    def _break_line(self) -> None:
        self._absorb_parts()
        if self._row.cells and not self._returns:
            self._emit(self._row)
            self._row = Row()
            self._column = 0

    # Everything else: a small terminal.

    def _edit(self, text: str) -> None:
        self._absorb_parts()
        self._has_moved = False
        text, self._escape = split_unfinished(self._escape + text)
        for token in tokenise(text):
            self._handle(token)
        self._is_simple = not (
            self._row.cells
            or self._row.is_live
            or self._column
            or self._returns
            or self._below
            or self._held
            or self._is_cursor_hidden
            or self._escape
        )

    def _handle(self, token: Token) -> None:
        if token.kind == "carriage":
            self._returns += 1
        elif token.kind == "newline":
            self._start_new_line()
        elif token.kind == "text":
            self._apply_returns()
            self._write(token.text)
        elif token.kind == "backspace":
            self._apply_returns()
            self._redraw()
            self._column = max(0, self._column - len(token.text))
        elif token.kind == "control":
            self._control(token)
        elif token.text in _ESCAPES:
            self._control(Token("control", _ESCAPES[token.text]))

    def _write(self, text: str) -> None:
        if self._row.is_live and not self._has_moved:
            # Who draws begins with a movement of the cursor. This is a line that is printed behind a progress bar.
            self._row.is_released = True
        self._column = self._row.write(self._column, text)
        if len(self._row.cells) > self._limit:
            self._cut_row()

    def _cut_row(self) -> None:
        """Hand out what no longer fits into one line, so that a row without end takes no memory without end."""
        *pieces, rest = split_by_bytes("".join(self._row.cells), self._limit)
        if pieces:
            self._output.lines.extend(pieces)
            self._row.cells.clear()
            self._column = self._row.write(0, rest)

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

    def _redraw(self) -> None:
        """Note that the cursor's row is drawn anew from here on; its state up to now may be worth a snapshot."""
        self._has_moved = True
        self._row.is_live = True
        self._row.is_released = False
        self._take_snapshot(self._now)

    def _take_snapshot(self, now: int) -> None:
        if self._last_snapshot is not None and now - self._last_snapshot < _SNAPSHOT_INTERVAL:
            return
        texts = []
        for row in (*self._held, self._row, *reversed(self._below)):
            if (row.is_live or self._is_cursor_hidden) and (text := row.text()) and text != row.snapshot:
                row.snapshot = text
                texts.append(text)
        if texts:
            self._last_snapshot = now
            self._output.snapshots.append("\n".join(texts))

    def _start_new_line(self) -> None:
        row = self._row
        if self._returns and self._is_wiped():
            self._clear_row()
        self._returns = 0
        is_drawn = row.is_live and not (row.is_released and row.cells)
        is_gap = bool(self._held) and row.is_blank()  # perhaps where the next of several bars will be drawn
        self._leave_downwards(hold=is_drawn or is_gap or self._is_cursor_hidden)

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
        if len(self._above) == MAX_ROWS and (oldest := self._above[0]) in self._held and isinstance(oldest, Row):
            self._held.remove(oldest)
            self._emit(oldest)
        self._above.append(row)
        self._row = self._below.pop() if self._below else Row()
        self._column = 0

    def _emit_held(self) -> None:
        held, self._held = self._held, []
        for row in held:
            self._emit(row)

    def _emit(self, row: Row) -> None:
        text = row.text()
        if text != row.emitted and (text or not row.is_live):
            row.emitted = text
            self._output.lines.extend(split_by_bytes(text, self._limit))

    # Control sequences.

    def _control(self, token: Token) -> None:
        final = token.text
        if final == "m":
            return
        self._apply_returns()
        self._has_moved = True
        if token.parameters.startswith("?"):
            if "25" in token.parameters[1:].split(";") and final in "hl":
                self._is_cursor_hidden = final == "l"
            return
        number = min(token.number(), _MAX_JUMP)
        self._move(final, max(1, number))
        if final in "K@PX":
            self._redraw()
            self._change_row(final, number)
        elif final == "J":
            self._erase_in_screen(number)
        elif final in "Hf":
            self._begin_screen()
            self._column = self._reach(max(0, token.number(1) - 1))

    def _move(self, final: str, number: int) -> None:
        column = self._column
        if final in "AF":
            self._move_up(number)
        elif final in "BEe":
            self._move_down(number)
        elif final in "DG`":
            self._redraw()
            self._column = max(0, column - number) if final == "D" else self._reach(number - 1)
        elif final in "Ca":
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

    def _take_above(self) -> Row:
        row = self._above.pop()
        if isinstance(row, str):
            text, row = row, Row(row)
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

    def _change_row(self, final: str, number: int) -> None:
        row, column = self._row, self._column
        if final == "@":
            row.insert_blanks(column, max(1, number))
        elif final == "P":
            row.remove(column, max(1, number))
        elif final == "X":
            row.erase(column, column + max(1, number))
        elif number == 0:
            row.erase(column)
        else:
            row.erase(0, column + 1 if number == 1 else None)

    def _erase_in_screen(self, mode: int) -> None:
        self._redraw()
        if mode == 0:
            self._row.erase(self._column)
            for row in self._below:
                row.cells.clear()
        elif mode > 1:
            self._begin_screen()

    def _begin_screen(self) -> None:
        """Hand out what is on the screen, and begin below it."""
        self._emit_held()
        for row in (self._row, *reversed(self._below)):
            if not row.is_blank():
                self._emit(row)
        self._above.clear()
        self._below.clear()
        self._row = Row()
        self._column = 0
