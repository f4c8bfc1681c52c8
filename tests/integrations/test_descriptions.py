"""What descriptions have in common, whatever framework they are of."""

from __future__ import annotations

import numpy as np
import pytest

from runfork.training.descriptions import MAX_SUMMARY_ROWS, layer_table, numbered, plain_number


def test_a_table_of_layers_has_texts_on_the_left_and_numbers_on_the_right():
    table = layer_table(
        [("name", "type", "parameters", "trainable"), ("a", "Linear", "1,000", "7")], ("total", "Net", "1,000", "7")
    )

    assert table.splitlines() == [
        "name   type    parameters  trainable",
        "a      Linear       1,000          7",
        "total  Net          1,000          7",
    ]


def test_a_long_table_says_how_many_layers_it_leaves_out():
    rows = [
        ("name", "parameters", "trainable"),
        *[(f"layer{index}", "1", "1") for index in range(MAX_SUMMARY_ROWS + 4)],
    ]
    lines = layer_table(rows, ("total", "504", "504")).splitlines()

    assert MAX_SUMMARY_ROWS + 2 == len(lines)
    assert "... 5 more" == lines[-2]


def test_things_of_one_kind_are_numbered():
    assert ["Adam-0", "SGD", "Adam-1"] == numbered(["Adam", "SGD", "Adam"])


@pytest.mark.parametrize(
    ("value", "plain"),
    [(1, 1.0), (True, True), (None, None), ("mean", "mean"), (np.float32(0.5), 0.5), ((1, 2), (1, 2))],
)
def test_a_setting_that_is_a_number_is_a_float(value, plain):
    assert (plain, type(plain)) == (plain_number(value), type(plain_number(value)))
