"""``runfork show``: all that is known of a run."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from tests.command_line import call, call_json

from runfork import Run


def test_show_has_state_lineage_configs_series_and_files(lineage):
    text = call("show", "gull").stdout

    for expected in (
        r"^head  finished$",
        r"^  experiment  gull \(head\)$",
        r"^  lineage     root ─80→ head$",
        r"^  tags        baseline$",
        r"^  lr           0.2$",
        r"^  model/depth  4    inherited$",
        r"^  train/loss +NaN +140 +0.0123\d+ +1 +15$",
        r"^  weights  weights \(5 B\)$|^  weights  .*\(5 B\)$",
    ):
        assert re.search(expected, text, re.MULTILINE), f"{expected}\n{text}"


def test_show_says_the_date_of_an_old_run_once(data_directory):
    Run(run_id="old", creation_time=datetime(2020, 2, 3, tzinfo=timezone.utc)).close()

    assert re.search(r"^  created +2020-02-0[234] [0-9:]{8}; ran ", call("show", "old").stdout, re.MULTILINE)


def test_show_finds_a_run_by_the_beginning_of_its_id(lineage):
    assert call_json("show", "ro")["run_id"] == "root"


def test_show_for_machines_says_where_each_value_comes_from(lineage):
    document = call_json("show", "head")

    assert document["lineage"] == [{"run_id": "root", "fork_step": None}, {"run_id": "head", "fork_step": 80}]
    assert document["attributes"]["model/depth"]["source_run"] == "root"
    assert document["attributes"]["train/loss"]["value"] == "NaN"
    assert document["attributes"]["train/loss"]["statistics"]["last_step"] == 140


def test_an_unknown_run_is_not_found_and_the_closest_is_named(lineage):
    assert "did you mean 'gull'" in call("show", "gul1", exit_code=1).stderr


def test_an_ambiguous_beginning_names_the_candidates(lineage):
    with Run(None, run_id="roof"):
        pass

    message = call("show", "roo", exit_code=2).stderr

    assert "roof" in message
    assert "root" in message


def test_show_console_has_the_last_lines(data_directory, run_script, monkeypatch):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    run_script(
        """
        from runfork import Run
        run = Run("talk", run_id="talk", enable_console_log_capture=True)
        for n in range(30):
            print("line", n)
        run.close()
        """
    )

    assert call("show", "talk", "--console", "-n", "2").stdout.splitlines() == ["line 28", "line 29"]
