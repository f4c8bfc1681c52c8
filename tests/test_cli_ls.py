"""``runfork ls``: experiments and runs as a table, filtered, sorted and cut."""

from __future__ import annotations

import re

import pytest
from tests.command_line import call, call_json

from runfork import Run
from runfork.journal.format import Kind


def test_more_than_there_can_be_is_refused_in_one_sentence(lineage):
    for arguments in (("ls",), ("tail", "head", "--no-follow"), ("show", "head", "--console")):
        message = call(*arguments, "-n", "99999999999999999999", exit_code=2).stderr

        assert re.fullmatch(r"runfork: \w+ must be a whole number from 0 to \d+, found 99999999999999999999\n", message)
    assert call_json("ls", "-n", "999999999")["total"] > 0


def test_ls_lists_experiments_by_their_heads(lineage):
    document = call_json("ls")

    (item,) = document["items"]
    assert (document["mode"], document["total"]) == ("experiments", 1)
    assert (item["experiment"], item["run_id"], item["run_count"]) == ("gull", "head", 2)
    assert (item["state"], item["last_step"]) == ("finished", 140)


def test_what_stands_millionths_behind_a_step_is_shown_at_it_and_told_exactly_to_machines(data_directory):
    with Run("gull", run_id="r") as run:
        run.log_metrics({"loss": 1.0}, step=23)
        run.log_metrics({"loss": 0.5}, step=23.000007)
    shown = [call(*words).stdout for words in (("ls",), ("show", "r"), ("lineage", "gull"), ("tail", "r"))]

    assert [] == [text for text in shown if "23.0" in text or "23" not in text]
    assert call_json("ls")["items"][0]["last_step"] == 23.000007
    assert "23.000007" in call("export", "points").stdout


def test_ls_shows_metrics_of_most_interest_by_default(lineage):
    lines = call("ls").stdout.splitlines()

    assert lines[0].split() == ["EXPERIMENT", "RUNS", "HEAD", "STATE", "STEP", "val/acc", "train/loss", "CREATED"]
    assert lines[1].split()[:6] == ["gull", "2", "head", "finished", "140", "0.4"]
    assert lines[2] == "1 run without an experiment; --runs lists them"


def test_ls_lists_runs_with_their_forks(lineage):
    items = call_json("ls", "--runs")["items"]

    assert {item["run_id"]: item["fork"] for item in items} == {
        "side": {"parent": "root", "step": 50},
        "head": {"parent": "root", "step": 80},
        "root": None,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lr == 0.2", ["head"]),
        ("`train/loss` > 0.4", ["side"]),
        ('sys/tags CONTAINS "baseline" AND lr < 0.15', ["side", "root"]),
    ],
)
def test_ls_filters_by_a_query(lineage, query, expected):
    assert [item["run_id"] for item in call_json("ls", "--runs", "--filter", query)["items"]] == expected


def test_a_query_that_cannot_be_read_is_wrong_usage(lineage):
    assert "cannot read the filter 'lr <'" in call("ls", "--filter", "lr <", exit_code=2).stderr


def test_ls_without_a_match_says_so(lineage):
    assert "satisfy the filter" in call("ls", "--filter", "lr > 5", exit_code=1).stderr


def test_ls_without_a_match_is_an_empty_list_for_machines(lineage):
    assert call_json("ls", "--filter", "lr > 5")["items"] == []


def test_ls_sorts_by_an_aggregate(lineage):
    rising = call_json("ls", "--runs", "--sort", "min(train/loss)")["items"]
    falling = call_json("ls", "--runs", "--sort", "min(train/loss)", "--reverse")["items"]

    assert [item["run_id"] for item in rising] == ["root", "head", "side"]
    assert [item["run_id"] for item in falling] == ["side", "head", "root"]


def test_ls_shows_chosen_columns(lineage):
    values = call_json("ls", "--columns", "lr, max(train/loss),sys/tags,nothing")["items"][0]["values"]

    assert values == {"lr": 0.2, "max(train/loss)": 1.0, "sys/tags": ["baseline"], "nothing": None}


def test_ls_tells_of_columns_that_no_run_has(lineage):
    result = call("ls", "--columns", "lr,nothing,train/los")

    expected = "runfork: no run has 'nothing', 'train/los'; did you mean 'train/loss'?"
    assert [expected] == [line for line in result.stderr.splitlines() if "no run" in line]


@pytest.mark.parametrize(
    "command",
    [("tail", "gull", "--no-follow"), ("compare", "head", "root"), ("export", "runs"), ("export", "points", "head")],
)
def test_a_pattern_that_matches_no_attribute_is_told_with_the_closest(lineage, command):
    message = call(*command, "--attributes", "^train/los$").stderr

    assert message == "runfork: no attribute matches '^train/los$'; did you mean 'train/loss'?\n"
    assert call(*command, "--attributes", "^train/loss$").stderr == ""


def test_the_words_of_tables_filter_sort_and_stand_as_columns(lineage):
    query = 'parent == "root" and state == "finished" and created > 2000-01-01'
    items = call_json("ls", "--runs", "--filter", query, "--sort", "run", "--columns", "experiment,state")["items"]

    assert [item["run_id"] for item in items] == ["head", "side"]
    assert items[0]["values"] == {"experiment": "gull", "state": "finished"}
    titles = call("ls", "--runs", "--columns", "state,created,parent").stdout.splitlines()[0].split()
    assert titles == ["RUN", "EXPERIMENT", "FORK", "OF", "AT", "STATE", "STEP", "parent", "CREATED"]


def test_values_of_several_kinds_are_sorted_and_shown(lineage):
    for value in (1, "auto", True, None):
        with Run("kinds", run_id=f"is-{value}") as run:
            run.recorder.record(Kind.CONFIGS, {"lr": ["none", None]}) if value is None else run.log_configs(
                {"lr": value}
            )

    document = call_json("ls", "--runs", "--sort", "lr", "--columns", "lr", "--reverse")
    lines = call(
        "ls", "--runs", "--sort", "lr", "--columns", "lr", "--filter", 'experiment == "kinds"'
    ).stdout.splitlines()

    numbers = [item["run_id"] for item in document["items"] if item["run_id"] in ("is-1", "root", "head", "side")]
    assert [item["run_id"] for item in document["items"]] == [*numbers, "is-True", "is-auto", "is-None"]
    assert numbers[:2] == ["is-1", "head"]
    assert [line.split()[4] for line in lines[1:]] == ["1", "true", "auto", "None"]


def test_ls_says_how_many_more_there_are(lineage):
    lines = call("ls", "--runs", "-n", "1").stdout.splitlines()

    assert lines[-1] == "2 more; -n 0 lists all"


def test_sorting_by_what_no_run_has_is_wrong_usage(lineage):
    assert "cannot sort by 'nothing'" in call("ls", "--sort", "nothing", exit_code=2).stderr


def test_the_loss_that_training_goes_by_is_a_column_however_many_validation_metrics_there_are(data_directory):
    with Run("gull", run_id="many", source_tracking_config=None) as run:
        names = ["train/loss", "val/loss", "val/accuracy", "val/f1", "val/auc", "test/loss"]
        run.log_metrics(dict.fromkeys(names, 1.0), step=1)

    assert "train/loss" in call_json("ls")["items"][0]["values"]
