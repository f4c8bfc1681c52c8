"""Our terminal against an emulator of one, and against itself where its input is cut in another way."""

from __future__ import annotations

import itertools
import unicodedata

import pyte
import pyte.modes
from hypothesis import example, given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS
from tests.typist import Typist, finished

from runfork.capture.terminal_lines import TerminalLines

TEXT = st.text(alphabet="ab \t日é\u2028", max_size=20)
LINES = st.lists(TEXT, min_size=1, max_size=10)
TOKENS = st.sampled_from(
    [
        "a",
        "bc",
        "  ",
        "日",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\b",
        "\x1b[K",
        "\x1b[1K",
        "\x1b[2K",
        "\x1b[A",
        "\x1b[2A",
        "\x1b[B",
        "\x1b[C",
        "\x1b[3C",
        "\x1b[D",
        "\x1b[5G",
        "\x1b[E",
        "\x1b[F",
        "\x1b[J",
        "e\u0301",
        "\x1b[31m",
        "\x1b[?25l",
        "\x1b[?25h",
        "\x07",
    ]
)


@given(LINES, st.lists(st.integers(0, 200)))
def test_plain_text_comes_out_as_it_went_in_however_it_is_cut(lines: list[str], cuts: list[int]) -> None:
    text = "\n".join(lines) + "\n"
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]

    assert lines == finished(*pieces)


SCREENS = st.sampled_from(
    [
        "\x1b[H",
        "\x1b[3;2H",
        "\x1b[2J",
        "\x1b[3J",
        "\x1b7",
        "\x1b8",
        "\x1b[?1049h",
        "\x1b[?1049l",
    ]
)


@given(st.lists(TOKENS | SCREENS, max_size=40), st.lists(st.integers(0, 200)))
def test_rows_do_not_depend_on_how_the_input_was_cut(tokens: list[str], cuts: list[int]) -> None:
    text = "".join(tokens)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    whole, cut = Typist(interval=0), Typist(interval=0)

    whole.write(text)
    cut.write(*(text[a:b] for a, b in itertools.pairwise(places)))

    rows = whole.display()
    assert rows == cut.display()
    handed_out = {line.rstrip() for line in cut.finish()}
    assert [] == [row for row in rows if row and row not in handed_out]


@given(st.lists(st.sampled_from(["a", "bc", "日", "é", "\n", "\x1b[31m", "\t"]), max_size=40), st.integers(4, 9))
def test_pieces_of_long_lines_do_not_depend_on_how_the_input_was_cut(tokens: list[str], limit: int) -> None:
    whole = Typist(TerminalLines(max_line_bytes=limit)).write("".join(tokens)).finish()
    cut = Typist(TerminalLines(max_line_bytes=limit)).write(*tokens).finish()

    assert "".join(whole) == "".join(cut)
    assert all(len(line.encode()) <= limit for line in whole + cut)


def terminal_display(text: str) -> list[str]:
    screen = pyte.Screen(250, 120)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(text)
    screen.lines = max(screen.buffer, default=-1) + 1  # where nothing was written nothing need be drawn
    rows = [row.rstrip() for row in screen.display]
    while rows and not rows[-1]:
        rows.pop()
    return rows


def without_trailing_blank(rows: list[str]) -> list[str]:
    rows = [unicodedata.normalize("NFC", row).expandtabs() for row in rows]
    while rows and not rows[-1]:
        rows.pop()
    return rows


NARROW = TOKENS.filter(lambda token: token != "日")  # pyte leaves halves of wide characters behind


@given(st.lists(NARROW, max_size=40))
@example(["a", "\r", "\n", "\x1b[A", "b"])
@example(["a", "\x1b[5G", "\x1b[1K", "\x1b[D", "b"])
@example(["bc", "\r", "\t", "a"])
def test_rows_are_those_of_a_terminal(tokens: list[str]) -> None:
    typist = Typist().write(*tokens)

    assert terminal_display("".join(tokens)) == without_trailing_blank(typist.display())


@given(st.lists(NARROW, max_size=40))
def test_every_row_that_a_terminal_would_show_at_the_end_was_handed_out(tokens: list[str]) -> None:
    lines = without_trailing_blank([line.rstrip() for line in Typist().write(*tokens).finish()])

    assert [] == [row for row in terminal_display("".join(tokens)) if row and row not in lines]


@given(
    st.text(CHARACTERS, max_size=60),
    st.text(alphabet="\x00\x1b[]()?;012479AHJKPmsulh\r\n\bab", max_size=60),
)
def test_any_text_is_survived(first: str, second: str) -> None:
    typist = Typist().write(first, second).wait(10).write(second, first)

    assert all("\n" not in line and "\x1b" not in line for line in typist.finish())
