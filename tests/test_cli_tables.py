"""Tables that fit."""

from __future__ import annotations

import io

import pytest

from runfork.cli.drawing.console import OutputConsole
from runfork.cli.drawing.tables import Cell, Column, print_table, split_columns


def printed(columns, width, **options):
    output = io.StringIO()
    console = OutputConsole(file=output, width=width, highlight=False, markup=False)
    left_out = print_table(console, columns, **options)
    return output.getvalue().splitlines(), left_out


def column(title, *texts, **options):
    return Column(title, [Cell(text) for text in texts], **options)


def test_columns_stand_two_blanks_apart():
    lines, _ = printed([column("A", "x", "yyy"), column("B", "1", "10", is_number=True)], 40)

    assert lines == ["A     B", "x     1", "yyy  10"]


def test_the_last_optional_column_goes_first():
    columns = [column("A", "a" * 10), column("B", "b" * 10, is_optional=True), column("C", "c" * 10, is_optional=True)]

    lines, left_out = printed(columns, 25)

    assert left_out == ["C"]
    assert lines[0].split() == ["A", "B"]


def test_flexible_columns_are_cut_with_an_ellipsis():
    lines, left_out = printed([column("A", "a" * 50, is_flexible=True), column("B", "b" * 10)], 30)

    assert left_out == []
    assert lines[1] == "a" * 17 + "…  " + "b" * 10


@pytest.mark.parametrize("text", ["日本語" * 20, "plain " * 20, "🦤" * 30])
def test_wide_characters_are_counted_by_cells(text):
    from rich.cells import cell_len

    lines, _ = printed([column("A", text, is_flexible=True), column("B", "b")], 40)

    assert all(cell_len(line) <= 40 for line in lines)


def test_markup_in_values_is_text():
    lines, _ = printed([column("A", "[bold]x[/bold]")], 40)

    assert lines[1] == "[bold]x[/bold]"


def test_columns_that_do_not_fit_beside_each_other_stand_in_parts_that_do():
    beside = Column("", [Cell("train/loss")], is_flexible=True)
    columns = [Column(f"run-{number:015}", [Cell("1")], is_flexible=True) for number in range(7)]

    parts = split_columns(columns, beside=beside, width=100)

    assert [column for part in parts for column in part] == columns
    assert all(10 + sum(2 + column.width for column in part) <= 100 for part in parts)
    assert [4, 3] == [len(part) for part in parts]
