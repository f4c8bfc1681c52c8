"""Colours of what is printed: as a terminal shows them, told by `pyte`, and at no cost to the lines themselves."""

from __future__ import annotations

import re
import time
from typing import Any

import pyte
import pyte.modes
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyte.graphics import FG_BG_256
from tests.typist import Typist, finished

from runfork.capture.terminal_lines import TerminalLines
from runfork.capture.terminal_row import TerminalRow
from runfork.model.styled_text import (
    MAX_PARTS,
    MAX_WRITTEN,
    PLAIN,
    Style,
    StyledText,
    parts_of,
    read_parts,
    restyled,
    style_after,
    write_parts,
)

NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
COLOURS = [
    *(f"\x1b[{code}m" for code in (0, 1, 3, 4, 7, 9, 22, 23, 24, 27, 29, 30, 31, 37, 39, 42, 47, 49, 90, 97, 101, 107)),
    "\x1b[m",
    "\x1b[1;31;44m",
    "\x1b[;32m",
    "\x1b[38;5;3m",
    "\x1b[38;5;208m",
    "\x1b[48;5;17;4m",
    "\x1b[38;2;1;2;3m",
    "\x1b[1;48;2;255;128;0;3m",
]
CODES = st.sampled_from(COLOURS)
TEXTS = st.sampled_from(["a", "bc", "  d", "\n", "\n", "\t", "e\u0301"])
DRAWN = st.sampled_from(
    ["\r", "\r\n", "\b", "\x1b[K", "\x1b[1K", "\x1b[A", "\x1b[B", "\x1b[3C", "\x1b[D", "\x1b[5G", "\x1b[?25l"]
)


def looks(style: Style) -> tuple[Any, ...]:
    """Return a style as pyte describes it, which knows nothing of dim letters."""

    def name(colour: int | str | None) -> str:
        if colour is None:
            return "default"
        if isinstance(colour, str):
            return colour[1:]
        if colour < 16:
            return ("bright" if colour > 7 else "") + NAMES[colour % 8]
        return str(FG_BG_256[colour])

    named = (name(style.foreground), name(style.background))
    return (*named, style.bold, style.italic, style.underline, style.inverse, style.strike)


def shown_by_pyte(text: str) -> list[list[tuple[Any, ...]]]:
    screen = pyte.Screen(250, 120)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(text)
    used = range(max(screen.buffer, default=-1) + 1)
    rows = [[screen.buffer[row][column] for column in range(60)] for row in used]
    basic = {FG_BG_256[number]: ("bright" if number > 7 else "") + NAMES[number % 8] for number in range(16)}
    return [
        [
            (
                c.data,
                basic.get(c.fg, c.fg),
                basic.get(c.bg, c.bg),
                c.bold,
                c.italics,
                c.underscore,
                c.reverse,
                c.strikethrough,
            )
            for c in row
            if c.data.strip()
        ]
        for row in rows
    ]


def shown_by_us(typist: Typist) -> list[list[tuple[Any, ...]]]:
    terminal = typist.terminal
    terminal._absorb_parts()
    rows = [*terminal._above, terminal._row, *reversed(terminal._below)]
    texts = [row.with_styles("".join(row.cells)) if isinstance(row, TerminalRow) else row for row in rows]
    return [
        [(character, *looks(style)) for part, style in parts_of(text) for character in re.findall(r"e\u0301|\S", part)]
        for text in texts
    ]


def same(ours: list[Any], theirs: list[Any]) -> bool:
    size = max(len(ours), len(theirs))
    return [*ours, *[[]] * (size - len(ours))] == [*theirs, *[[]] * (size - len(theirs))]


@given(st.lists(st.one_of(CODES, TEXTS, DRAWN), max_size=40))
@example(["\x1b[31m", "a", "\n", "b", "\x1b[A", "\x1b[m", "c"])
def test_characters_look_as_a_terminal_shows_them(tokens: list[str]) -> None:
    typist = Typist().write(*tokens)

    theirs = [[(c.replace("é", "e\u0301"), *look) for c, *look in row] for row in shown_by_pyte("".join(tokens))]
    assert same(shown_by_us(typist), theirs)


@given(st.lists(st.one_of(CODES, TEXTS), max_size=40))
def test_each_line_stands_alone(tokens: list[str]) -> None:
    whole = shown_by_pyte("".join(tokens))

    alone = [
        shown_by_pyte(line.written if isinstance(line, StyledText) else line) or [[]] for line in finished(*tokens)
    ]

    assert all(len(rows) == 1 for rows in alone)
    assert same([rows[0] for rows in alone], whole)


ANY_CODE = st.text(alphabet="0123456789;:<=>? ", max_size=12).map(lambda parameters: f"\x1b[{parameters}m")


@given(
    st.lists(st.one_of(CODES, ANY_CODE, TEXTS, DRAWN, st.sampled_from(["\x1b", "\x1b[", "日", "\udc80"])), max_size=60)
)
def test_what_is_written_is_the_line_and_sequences_of_colours(tokens: list[str]) -> None:
    for limit in (1024 * 1024, 7):
        for line in Typist(TerminalLines(max_line_bytes=limit)).write(*tokens).finish():
            if isinstance(line, StyledText):
                assert re.sub(r"\x1b\[[0-9;:]*m", "", line.written) == line
                assert style_after(line.written, PLAIN) is PLAIN
                parts = read_parts(line.written)
                assert "".join(part for part, _ in parts) == line
                assert read_parts(write_parts(parts)) == parts


@given(st.lists(st.one_of(TEXTS, DRAWN), max_size=60), st.data())
def test_colours_change_no_line(tokens: list[str], data: st.DataObject) -> None:
    coloured = [f"{data.draw(CODES)}{token}" for token in tokens]
    written, plain = Typist(interval=0), Typist(interval=0)
    # a cursor that moves tells drawing from printing: both must be drawn, or simple, alike
    for with_colours, without in zip(coloured, tokens, strict=True):
        written.write(with_colours)
        plain.write(without)

    assert written.finish() == plain.finish()
    assert written.snapshots == plain.snapshots


@pytest.mark.parametrize(
    ("sequence", "style"),
    [
        ("38:5:200", Style(200)),
        ("38:2:1:2:3", Style("#010203")),
        ("38:2::1:2:3", Style("#010203")),
        ("48:2::255:255:255", Style(None, "#ffffff")),
        ("38;5;256", PLAIN),
        ("38;5", PLAIN),
        ("38;2;1;2", PLAIN),
        ("38", PLAIN),
        ("38;7;1", Style(bold=True, inverse=True)),
        ("58;5;1;3", Style(italic=True)),
        ("58;2;1;2;3;9", Style(strike=True)),
        ("4:3", Style(underline=True)),
        ("4;4:0", PLAIN),
        ("21", Style(underline=True)),
        ("1;2;22", PLAIN),
        ("5;8;53;999999999;77", PLAIN),
        (">4;2", PLAIN),
        ("?4", PLAIN),
        ("1;" * 200, PLAIN),
        ("9" * 10_000, PLAIN),
        ("31;;32", Style(2)),
        ("38;5;9", Style(9)),
    ],
)
def test_sequences_are_read(sequence: str, style: Style) -> None:
    assert restyled(PLAIN, sequence) == style


def test_sequences_that_show_nothing_cost_nothing() -> None:
    lines = finished("\x1b[0mplain\x1b[m\n", "\x1b[31m\x1b[0m\n", "\x1b[31m\n\x1b[0mafter\n", "\x1b[>4;2mkeys\n")

    assert lines == ["plain", "", "", "after", "keys"]
    assert [type(line) for line in lines] == [str, str, str, StyledText, str]


@pytest.mark.parametrize(("total", "at_once"), [(50_000, 1), (1_000_000, 10_000)])
def test_countless_sequences_in_a_line_take_neither_memory_nor_time(total: int, at_once: int) -> None:
    typist = Typist(interval=0)
    piece = "\x1b[31m\x1b[42m" * (at_once // 2) or "\x1b[35m"
    began = time.process_time()
    for _ in range(total // at_once):
        typist.write(piece)
        assert sum(map(len, typist.terminal._written)) < 2 * MAX_WRITTEN + len(piece)
    lines = typist.write("x\n", "\x1b[my\n").finish()

    assert time.process_time() - began < 20
    assert lines == ["x", "y"]
    assert type(lines[0]) is str


def test_a_line_that_is_another_colour_with_each_letter_has_a_bounded_number_of_parts() -> None:
    (line,) = finished("".join(f"\x1b[38;5;{number % 256}mx" for number in range(3000)) + "\n")

    parts = parts_of(line)
    assert (len(parts), sum(len(text) for text, _ in parts)) == (MAX_PARTS, 3000)
    assert parts[-2][1] != PLAIN
    assert parts[-1][1] == PLAIN


def test_a_progress_bar_keeps_the_colours_of_its_last_state() -> None:
    typist = Typist()
    for done in range(1, 4):
        typist.write(f"\r\x1b[32m{'#' * done}\x1b[90m{'-' * (3 - done)}\x1b[0m {done}/3")
    lines = typist.write("\n").finish()

    assert [parts_of(line) for line in lines] == [[("###", Style(2)), (" 3/3", PLAIN)]]
