"""``runfork plot``: charts in the terminal."""

from __future__ import annotations

import re

import pytest
from tests.command_line import call, call_json


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_plot_fits_its_width(lineage, width):
    text = call("plot", "gull", "--pruned", env={"COLUMNS": str(width)}).stdout

    assert max(map(len, text.splitlines())) <= width


def test_plot_draws_a_chart_per_metric_with_forks_and_nan(lineage):
    text = call("plot", "gull").stdout

    assert text.startswith("val/acc\n")
    assert "\ntrain/loss\n" in text
    assert "◆" in text
    assert "1 NaN" in text
    assert "fork at 80" in text


def test_plot_of_a_metric_that_is_not_there_names_those_that_are(lineage):
    message = call("plot", "gull", "nothing", exit_code=1).stderr

    assert "no metric matches 'nothing'; there are train/loss, val/acc" in message


def test_plot_adds_other_runs_with_letters_where_there_is_no_colour(lineage):
    text = call("plot", "gull", "train/loss", "--with", "side").stdout

    assert re.search(r"^a head", text, re.MULTILINE)
    assert re.search(r"^b side", text, re.MULTILINE)


def test_plot_for_machines_has_what_was_pruned(lineage):
    (curve,) = call_json("plot", "gull", "^train/", "--pruned")["curves"]

    assert curve["forks"] == [80]
    assert curve["points"] == 15
    assert [part["points"] for part in curve["pruned"]] == [2]
    assert curve["nan"] == 1


def test_plot_of_own_points_leaves_out_what_is_inherited(lineage):
    (curve,) = call_json("plot", "gull", "^train/", "--own")["curves"]

    assert (curve["points"], curve["range"]) == (6, [90, 140])
