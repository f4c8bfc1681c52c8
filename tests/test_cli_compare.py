"""``runfork compare``: runs side by side."""

from __future__ import annotations

import re

from tests.command_line import call, call_json


def test_compare_puts_runs_side_by_side(lineage):
    lines = call("compare", "root", "gull").stdout.splitlines()

    assert lines[0].split() == ["root", "head", "Δ"]
    assert any(re.fullmatch(r"lr +0\.1 +0\.2 +\+0\.1 \(\+100\.0%\)", line) for line in lines)


def test_compare_leaves_out_what_is_the_same(lineage):
    paths = [row["path"] for row in call_json("compare", "root", "gull", "--only-differences")["attributes"]]

    assert "lr" in paths
    assert "model/depth" not in paths


def test_compare_needs_two_runs(lineage):
    assert "two runs or more" in call("compare", "root", exit_code=2).stderr


def test_a_run_compared_with_itself_has_no_differences(lineage):
    assert call("compare", "root", "root", "--only-differences").stdout == "no differences\n"
