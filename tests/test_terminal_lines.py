from __future__ import annotations

import re

from tests.typist import SECOND, Typist, finished
from tqdm import tqdm

from runfork.capture.terminal import MAX_REMEMBERED_COLUMNS, MAX_ROWS
from runfork.capture.terminal_lines import TerminalLines


def test_line_is_handed_out_when_its_newline_comes() -> None:
    typist = Typist()

    typist.write("hello")
    assert [] == typist.lines

    typist.write("\n")
    assert ["hello"] == typist.lines


def test_blank_lines_and_blanks_are_kept() -> None:
    assert ["a ", "", "  b", "\tc\t"] == finished("a \n\n  b\n\tc\t\n")


def test_text_without_newline_is_handed_out_at_the_end() -> None:
    assert ["a", "b"] == finished("a\nb")


def test_windows_line_ends_are_line_ends() -> None:
    typist = Typist().write("Hello\r\n", "split\r", "\nthrice\r\r\n\r\n")

    assert ["Hello", "split", "thrice", ""] == typist.lines
    assert [] == typist.snapshots


def test_colours_titles_and_links_are_left_out() -> None:
    text = "\x1b[1;32mok\x1b[0m \x1b]8;;https://x.org\x1b\\link\x1b]8;;\x07 \x1b]0;title\x07\x1b(Bend\n"

    assert ["ok link end"] == finished(text)


def test_coloured_lines_take_the_way_of_ordinary_ones() -> None:
    typist = Typist().write("\x1b[1;31mred\x1b[0m", " and \x1b[38;2;1;2;3mgrey\n", "\x1b[0m")

    assert typist.terminal._is_simple
    assert ["red and grey"] == typist.lines


def test_sequences_without_an_effect_leave_the_text() -> None:
    assert ["abcd", "ef"] == finished("a\x1b[2Pb\x1b[2@c\x1b=d\n", "e\x1bDf\x1b[?2004h\n")


def test_sequence_cut_between_two_writes_is_one_sequence() -> None:
    assert ["red"] == finished("\x1b", "[3", "1mred\x1b[", "0m", "\n")


def test_unfinished_string_sequence_does_not_swallow_the_next_line() -> None:
    assert ["a", "b"] == finished("a\x1b]0;never ends", " at all", "\nb\n")


def test_endless_sequence_is_given_up() -> None:
    terminal = TerminalLines()
    terminal.feed("\x1b]" + "x" * 5000, 0)

    assert len(terminal._escape) < 5000


def test_progress_bar_keeps_its_last_state() -> None:
    typist = Typist(interval=SECOND // 2).write("\r  0%", "\r 25%", "\r 50%", "\r 75%", "\r100%", "\n", "done\n")

    assert ["100%", "done"] == typist.lines
    assert ["  0%", " 50%"] == typist.snapshots


def test_progress_bar_is_handed_out_a_second_after_its_newline() -> None:
    typist = Typist().write("\r  0%", "\r100%", "\n")
    assert [] == typist.lines

    typist.wait(1.5)
    assert ["100%"] == typist.lines


def test_first_state_of_a_progress_bar_is_no_line() -> None:
    assert ["100%|###"] == finished(" 10%|#", "\r100%|###", "\n")


def test_state_is_seen_while_the_bar_stands_still() -> None:
    typist = Typist().write("\r  0%", "\r 10%").wait(1.2)
    assert ["  0%", " 10%"] == typist.snapshots

    typist.wait(60).wait(60)
    assert ["  0%", " 10%"] == typist.snapshots
    assert [] == typist.lines


def test_snapshots_come_once_a_second_at_most() -> None:
    typist = Typist(interval=SECOND // 100)
    for number in range(1000):
        typist.write(f"\r{number}")

    assert 10 == len(typist.snapshots)


def test_bar_that_is_left_open_is_handed_out_at_the_end() -> None:
    assert [" 50%"] == finished("\r  0%", "\r 50%")


def test_backspaces_draw_over_what_was_written() -> None:
    typist = Typist(interval=SECOND).write("working |", "\b/", "\b-", "\b \n", "next\n")

    assert ["working", "next"] == typist.lines
    assert ["working |", "working /", "working -"] == typist.snapshots


def test_prompt_is_handed_out_after_a_while() -> None:
    typist = Typist().write("Continue? ").wait(2)
    assert [] == typist.lines

    typist.wait(5).write("yes\n")
    assert ["Continue? ", "yes"] == typist.lines


def test_line_that_grows_is_not_cut() -> None:
    typist = Typist()
    for _ in range(10):
        typist.write(".").wait(2)

    assert ["..........x"] == typist.write("x\n").lines


def test_text_after_erasing_is_the_line() -> None:
    assert ["short", "next"] == finished("a long text", "\r\x1b[Kshort\n", "next\n")
    assert ["short", "next"] == finished("a long text", "\x1b[2K\x1b[1Gshort\n", "next\n")


def test_row_above_is_drawn_anew() -> None:
    typist = Typist().write("one\ntwo\n").write("\x1b[2A\x1b[2KONE\n\x1b[2KTWO\n", "after\n")

    assert ["one", "two", "ONE", "TWO", "after"] == typist.lines


def test_row_above_that_is_left_as_it_was_is_not_repeated() -> None:
    assert ["one", "two", "three"] == finished("one\ntwo\n\x1b[2A\n\nthree\n")


def test_nested_tqdm_bars_end_as_one_line_each() -> None:
    typist = Typist()
    outer = tqdm(range(3), file=typist, desc="outer", ascii=True, ncols=60, mininterval=0)
    for _ in outer:
        for _ in tqdm(range(4), file=typist, desc="inner", ascii=True, ncols=60, mininterval=0, leave=False):
            pass
    typist.write("trained\n")

    assert ["outer: 100%", "trained"] == [line[:11].strip() for line in typist.finish()]


def test_nested_tqdm_bars_have_a_history() -> None:
    typist = Typist()
    for _ in tqdm(range(3), file=typist, desc="outer", ascii=True, ncols=60, mininterval=0):
        for _ in tqdm(range(4), file=typist, desc="inner", ascii=True, ncols=60, mininterval=0, leave=False):
            pass

    states = "\n".join(typist.snapshots)
    assert re.search(r"outer:\s+33%", states)
    assert re.search(r"inner:\s+\d+%", states)


def test_line_written_beside_tqdm_bars_is_handed_out_at_once() -> None:
    typist = Typist()
    outer = tqdm(range(3), file=typist, desc="outer", ascii=True, ncols=60, mininterval=0)
    inner = tqdm(range(3), file=typist, desc="inner", ascii=True, ncols=60, mininterval=0, leave=False)
    outer.update()
    inner.update()

    tqdm.write("epoch 1: loss 0.3", file=typist)
    lines = list(typist.lines)
    inner.close()
    outer.close()

    assert ["epoch 1: loss 0.3"] == lines


def test_rows_for_several_bars_are_no_blank_lines() -> None:
    typist = Typist().write("\rone 0%", "\n\n\rthree 0%", "\x1b[2A", "\n\rtwo 0%", "\x1b[A", "\rone 9%")
    typist.write("\n\rtwo 9%", "\x1b[A", "\n\n\rthree 9%\n", "done\n")

    assert ["one 9%", "two 9%", "three 9%", "done"] == typist.finish()


def test_blank_line_after_a_bar_is_kept() -> None:
    assert ["100%", "", "", "done"] == finished("\r  0%", "\r100%", "\n", "\n", "\n", "done\n")


def test_line_printed_behind_a_bar_is_handed_out_at_once() -> None:
    typist = Typist().write("\r 10%|#", "INFO epoch 1", "\n")
    assert [" 10%|#INFO epoch 1"] == typist.lines

    typist.write("\r 20%|##", "\r100%|###", "\n", "done\n")
    assert [" 10%|#INFO epoch 1", "100%|###", "done"] == typist.lines


def test_rich_progress_ends_as_one_line_per_task() -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    typist = Typist(interval=SECOND // 5)
    console = Console(file=typist, force_terminal=True, width=80, legacy_windows=False)  # type: ignore[arg-type]
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f}%"))
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        tasks = [progress.add_task(name, total=4) for name in ("first", "second")]
        for count in range(8):
            progress.update(tasks[count % 2], advance=1)
            progress.refresh()
    typist.write("done\n")

    assert ["first 100%", "second 100%", "done"] == [
        re.sub(r"[^a-z0-9%]+", " ", line).strip() for line in typist.finish()
    ]
    assert any("first" in state and "second" in state for state in typist.snapshots)


def test_wide_characters_take_two_columns() -> None:
    assert ["日本 20%", "next"] == finished("abcd 10%", "\r日本 20%", "\n", "next\n")
    assert ["x 本", "next"] == finished("日本", "\rx", "\n", "next\n")
    assert ["a日", "b"] == finished("\x1b[1ma日\nb\n")


def test_combining_characters_stay_with_theirs() -> None:
    assert ["e\u0301: ok", "n"] == finished("\x1b[0me", "\u0301: ok\n", "n\n")


def test_tabs_survive_colours() -> None:
    assert ["a\tb"] == finished("\x1b[31ma\tb\x1b[0m\n")


def test_long_line_is_cut_between_characters() -> None:
    pieces = Typist(TerminalLines(max_line_bytes=16)).write("é" * 20 + "\nx\n").finish()

    assert ["é" * 8, "é" * 8, "é" * 4, "x"] == pieces


def test_megabytes_without_newline_stay_within_bounds() -> None:
    typist = Typist()
    for _ in range(40):
        typist.write("x" * 100_000)

    assert 3 == len(typist.lines)
    assert typist.terminal._part_bytes <= 1024 * 1024
    assert 4_000_000 == sum(map(len, typist.finish()))


def test_megabytes_in_colour_without_newline_stay_within_bounds() -> None:
    typist = Typist().write("\x1b[31m")
    for _ in range(40):
        typist.write("\x1b[1m" + "x" * 100_000)

    assert len(typist.terminal._row.cells) <= 1024 * 1024
    assert 4_000_000 == sum(map(len, typist.finish()))


def test_rows_are_forgotten_beyond_a_bound() -> None:
    typist = Typist().write("\x1b[?25l")
    for number in range(3 * MAX_ROWS):
        typist.write(f"\r{number}\n", f"\r{number}{'y' * 2 * MAX_REMEMBERED_COLUMNS}\n")

    assert len(typist.display()) <= MAX_ROWS + 1
    assert len(typist.terminal._held) <= MAX_ROWS
    assert 6 * MAX_ROWS == len(typist.finish())


def test_giant_cursor_movements_are_harmless() -> None:
    typist = Typist().write("\x1b[999999999C" + "x" + "\x1b[999999999A\x1b[999999999B\x1b[99999999999999999999Cy\n")

    assert sum(map(len, typist.finish())) < 5000


def test_cleared_screen_keeps_what_was_on_it() -> None:
    assert ["one", "half", "two"] == finished("one\nhalf\x1b[2J\x1b[Htwo\n")


def test_screen_that_is_drawn_again_and_again_ends_as_its_last_state() -> None:
    typist = Typist().write("before\n")
    for frame in range(50):
        typist.write("\x1b[2J\x1b[H", f"first {frame}\n", f"second {frame}\n")
    typist.wait(3).write("after\n")

    assert ["before", "first 0", "second 0", "first 49", "second 49", "after"] == typist.lines
    assert "first 4\nsecond 4" in typist.snapshots
    assert len(typist.snapshots) < 17
    assert typist.terminal._is_simple


def test_row_of_a_screen_is_drawn_anew_where_it_stands() -> None:
    typist = Typist().write("\x1b[2J\x1b[Hone\ntwo\nthree\n", "\x1b[2;1HTWO\x1b[4;1H", "next\n")

    assert ["one", "TWO", "three", "next"] == typist.display()[:4]
    assert ["one", "two", "three", "TWO", "next"] == typist.finish()


def test_screens_that_are_begun_seldom_are_all_kept() -> None:
    typist = Typist(interval=3 * SECOND)
    for epoch in range(3):
        typist.write(f"\x1b[2J\x1b[Hepoch {epoch}\n")

    assert ["epoch 0", "epoch 1", "epoch 2"] == typist.lines


def test_lines_after_a_cleared_screen_are_handed_out_at_once() -> None:
    assert ["one", "two"] == Typist().write("\x1b[H\x1b[2J\x1b[3J", "one\n", "two\n").lines


def test_other_screen_leaves_states_but_no_lines() -> None:
    typist = Typist().write("before\n", "half", "\x1b[?1049h")
    for frame in range(50):
        typist.write(f"\x1b[Hfirst {frame}\nsecond {frame}")
    typist.write("\x1b[?1049l", " a line\n", "after\n")

    assert ["before", "half a line", "after"] == typist.finish()
    assert "first 0\nsecond 0" == typist.snapshots[0]
    assert len(typist.snapshots) < 10


def test_other_screen_that_was_not_left_is_handed_out_at_the_end() -> None:
    assert ["half", "shown"] == finished("half", "\x1b[?1049h", "\x1b[Hshown")


def test_cursor_returns_to_where_it_was_saved() -> None:
    assert ["abcxef", "n"] == finished("abc\x1b7def\x1b8x\n", "n\n")
    assert ["one", "tw0", "three"] == finished("\x1b[?25lone\ntw\x1b7o\nthree\x1b80\n")


def test_text_that_a_model_writes_anew_from_a_saved_place_is_its_last_state() -> None:
    """As transformers' `TextDiffusionStreamer` does it."""
    typist = Typist().write("answer:\n", "\x1b7")
    for draft in ("a ? ?\n? ?", "a cat ?\n? mat", "a cat on\nthe mat"):
        typist.write(f"\x1b8\x1b[J{draft}")

    assert ["answer:", "a cat on", "the mat"] == typist.finish()


def test_lines_stay_ordinary_after_a_bar() -> None:
    typist = Typist().write("\r  0%", "\r100%\n", "a\n", "b\n")

    assert typist.terminal._is_simple
    assert ["100%", "a", "b"] == typist.lines


def test_hidden_cursor_delays_lines_but_loses_none() -> None:
    typist = Typist().write("\x1b[?25l", "a\n", "b\n", "\x1b[?25h").wait(2)

    assert ["a", "b"] == typist.lines


def test_separators_that_are_no_line_ends_are_kept() -> None:
    assert ["a\u2028b\u2029c"] == finished("a\u2028b\u2029c\n")
