r"""Turning what a program writes to a terminal into the lines that a person would have read there. Pure.

Most text is lines, and goes through as it came. The rest is drawing: progress bars return with ``\r`` or backspaces, or move
the cursor up to rows that they wrote before. It keeps the last rows as a terminal does and hands out a row

- at once when it ends in ``\n`` or ``\r\n`` and nothing returned to it, or a line was printed behind what was drawn,
- when something returned to it (it is *live*): once the cursor has left it for good, which is taken to be so when an ordinary
  line follows, or when it has not been drawn anew for a second. Its last state is the line.

States that live rows had in between are handed out as snapshots, one a second at most and only if something changed.

Colours and the like are not in the text of a line: it is `StyledText` where it has some. Snapshots have none. There is no right
margin. A cleared screen, and a jump to an absolute row, begin a
new screen below what was there; one that is begun again within two seconds is the same one, drawn anew. What is drawn on the
terminal's other screen, where it leaves no trace, becomes snapshots only.

Memory is bounded: by `MAX_ROWS` rows of each screen, of which no more than `MAX_REMEMBERED_COLUMNS` columns are kept once the
cursor has left them, and one row of `max_line_bytes`.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from runfork.capture.control_sequences import has_control, split_unfinished, tokenise
from runfork.capture.terminal import MAX_JUMP, MAX_REMEMBERED_COLUMNS, MAX_ROWS, NOTHING, Output, Terminal
from runfork.capture.terminal_row import TerminalRow, split_by_bytes
from runfork.model.styled_text import MAX_WRITTEN, PLAIN, restyled, style_after, styled, without_styles

if TYPE_CHECKING:
    from runfork.capture.control_sequences import Token

_SECOND = 1_000_000
_SETTLE_TIME = _SECOND
_PARTIAL_TIME = 5 * _SECOND
_CURSOR, _OTHER_SCREEN = "25", "1049"
"""Modes that are switched."""


class TerminalLines(Terminal):
    """Reads what programs write to a terminal.

    It knows the sequences that rich, tqdm, Keras, click, transformers, and what prints like them write: those that move the cursor,
    save and hide it, erase, clear the screen, and show the other one. All others are left out: those that editors need, too.
    """

    has_styles = False
    """Whether any line may be `StyledText`."""

    def _reset(self) -> None:
        super()._reset()
        self._parts: list[str] = []
        self._part_bytes = 0
        self._written: list[str] = []
        self._written_size = 0
        self._style = PLAIN
        self._saved_style = PLAIN
        self._escape = ""
        self._is_simple = True

    def feed(self, text: str, now: int) -> Output:
        """Take what was written at `now` (microseconds, not decreasing), and return what is finished by it."""
        self._now = now
        if self._is_simple and not has_control(plain := without_styles(text)):
            if plain is text and not self._written and self._style is PLAIN:
                return self._append(text)
            return self._append_styled(text)
        self._edit(text)
        return self._take_output()

    def flush(self, now: int) -> Output:
        """Return what is due by the time `now`: settled rows, snapshots, and text that has waited 5 s for its newline.

        Such text, a prompt for example, becomes a line; what comes later begins a new one.
        """
        for row in list(self._held):
            if now - row.touched >= _SETTLE_TIME and self._main is None:
                self._held.remove(row)
                self._emit(row)
        if now - self._now >= _PARTIAL_TIME and not self._row.is_live and not self._below and not self._is_drawing(now):
            self._break_line()
        self._take_snapshot(now)
        return self._take_output()

    def finish(self) -> Output:
        """Return everything that is left, and begin anew."""
        self._absorb_parts()
        rows = self._leave_other_screen()
        self._emit_held()
        for row in (self._row, *reversed(self._below), *rows):
            if not row.is_blank() or (row.cells and not row.is_live):
                self._emit(row)
        self._reset()
        return self._take_output()

    # Text without control characters, while nothing is live: the way of almost everything.

    def _append(self, text: str) -> Output:
        if "\n" not in text:
            self._append_part(text)
            return self._take_output() if self._output.lines else NOTHING
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

    def _append_styled(self, text: str) -> Output:
        """As `_append`, where styles are chosen or were before: what was written of a line is kept beside its text."""
        self.has_styles = True
        if not self._written:
            self._written.append("".join(self._parts))
        lines: list[str] = []
        *ended, rest = text.split("\n")
        for written in ended:
            self._hold_written(written)
            plain = "".join((*self._parts, without_styles(written)))
            self._parts.clear()
            self._part_bytes = 0
            lines += split_by_bytes(self._take_written(plain), self._limit)
        self._remember(lines)
        if rest:
            self._hold_written(rest)
            self._append_part(without_styles(rest))
            lines += self._take_output().lines
        return Output(lines, []) if lines else NOTHING

    def _hold_written(self, written: str) -> None:
        self._written.append(written)
        self._written_size += len(written)
        if self._written_size > MAX_WRITTEN:
            self._style = style_after("".join(self._written), self._style)
            self._written = [""]

    def _take_written(self, text: str) -> str:
        """Return the text of the line that was begun, with its styles if they could be kept."""
        written, before = "".join(self._written), self._style
        self._style = style_after(written, before)
        is_whole = self._written_size <= MAX_WRITTEN
        self._written.clear()
        self._written_size = 0
        return styled(text, written, before, self._style) if is_whole else text

    def _append_part(self, text: str) -> None:
        self._parts.append(text)
        self._part_bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if self._part_bytes > self._limit or len(self._parts) > MAX_REMEMBERED_COLUMNS:
            *pieces, rest = split_by_bytes("".join(self._parts), self._limit)
            self._output.lines.extend(pieces)
            if pieces and self._written:
                self._written_size = MAX_WRITTEN + 1  # of a line that is cut no piece has styles
            self._parts = [rest]
            self._part_bytes = len(rest.encode("utf-8", "surrogatepass"))

    def _remember(self, lines: list[str]) -> None:
        self._place += len(lines)
        for line in islice(lines, max(0, len(lines) - MAX_ROWS), None):
            self._above.append(line if len(line) <= MAX_REMEMBERED_COLUMNS else line[:MAX_REMEMBERED_COLUMNS])

    def _absorb_parts(self) -> None:
        """Bring appended text into the cursor's row, so that it can be edited."""
        if self._parts or self._written:
            text = "".join(self._parts)
            self._column = self._row.write_styled(self._column, self._take_written(text) if self._written else text)
            self._parts.clear()
            self._part_bytes = 0

    def _break_line(self) -> None:
        self._absorb_parts()
        if self._row.cells and not self._returns:
            self._emit(self._row)
            self._row = TerminalRow()
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
            or self._is_drawing(self._now)
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
        else:
            self._control(token)

    def _write(self, text: str) -> None:
        if self._row.is_live and not self._has_moved and not self._is_drawing(self._now):
            # Who draws begins with a movement of the cursor. This is a line that is printed behind a progress bar.
            self._row.is_released = True
        self._column = self._row.write(self._column, text, self._style)
        if len(self._row.cells) > self._limit:
            self._cut_row()

    def _cut_row(self) -> None:
        """Hand out what no longer fits into one line, so that a row without end takes no memory without end."""
        *pieces, rest = split_by_bytes("".join(self._row.cells), self._limit)
        if pieces:
            self._output.lines.extend(pieces)
            self._row.cells.clear()
            self._column = self._row.write(0, rest)

    def _start_new_line(self) -> None:
        row = self._row
        if self._returns and self._is_wiped():
            self._clear_row()
        self._returns = 0
        is_drawn = row.is_live and not (row.is_released and row.cells)
        is_gap = bool(self._held) and row.is_blank()  # perhaps where the next of several bars will be drawn
        self._leave_downwards(hold=is_drawn or is_gap or self._is_drawing(self._now))

    # Control sequences.

    def _control(self, token: Token) -> None:
        final = token.text
        if final == "m":
            self.has_styles = True
            self._style = restyled(self._style, token.parameters)
            return
        self._apply_returns()
        self._has_moved = True
        if token.parameters.startswith("?"):
            if final in "hl":
                self._set_modes(token.parameters[1:].split(";"), is_on=final == "h")
            return
        number = min(token.number(), MAX_JUMP)
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
            self._saved_style = self._style
        elif final == "8" and self._saved is not None:
            self._go_to(*self._saved)
            self._style = self._saved_style

    def _set_modes(self, modes: list[str], *, is_on: bool) -> None:
        if _CURSOR in modes:
            self._is_cursor_hidden = not is_on
        if _OTHER_SCREEN in modes and is_on is (self._main is None):
            if is_on:
                self._show_other_screen()
            else:
                self._take_snapshot(self._now)
                self._leave_other_screen()
