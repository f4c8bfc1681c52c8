"""The commands, on real runs on disk."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timedelta, timezone

import pytest
from tests.command_line import call, call_json

from runfork import Run
from runfork.journal.format import Kind

PROJECT = "tests/project"


# Which project


def test_a_missing_data_directory_is_told_in_one_sentence(tmp_path):
    result = call("ls", "--dir", str(tmp_path / "nowhere"), exit_code=1)

    assert re.fullmatch(r"runfork: there is no data directory at '.*nowhere'; .*--dir\n", result.stderr)


def test_a_data_directory_that_is_a_file_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    result = call("ls", "--dir", str(tmp_path / "file"), exit_code=1)

    assert re.fullmatch(r"runfork: the data directory '.*file' is a file, .*; name another with --dir\n", result.stderr)


def test_the_only_project_is_read_if_none_was_asked_for(lineage, monkeypatch):
    monkeypatch.delenv("RUNFORK_PROJECT")

    assert call_json("ls")["project"] == PROJECT


def test_a_project_without_runs_names_those_that_have(lineage):
    with Run(None, project="other/things"):
        pass

    message = call("ls", "--project", "tests/projects", exit_code=1).stderr

    assert "'tests/projects' has no runs" in message
    assert "found 'other/things', 'tests/project'" in message
    assert message.rstrip().endswith("--project tests/project")


def test_the_default_project_without_runs_names_those_that_have(lineage, monkeypatch, tmp_path):
    monkeypatch.delenv("RUNFORK_PROJECT")
    monkeypatch.chdir(tmp_path)
    with Run(None, project="other/things"):
        pass

    assert "the default project 'local/" in call("ls", exit_code=1).stderr


def test_the_second_part_of_a_project_is_enough(lineage):
    assert call_json("ls", "--project", "project")["project"] == PROJECT


# What a fork takes over


def _checkpoint_before_validation(when):
    """A checkpoint in epoch 0, whose first validation comes after it; the parent goes on for two epochs."""
    with Run("imported", run_id="first", creation_time=when) as run:
        run.log_configs({"lr": 0.1})
        run.add_tags(["baseline"])
        run.log_metrics({"train/loss": 1.0}, step=100)
        mark = run.checkpoint_mark(100)
        run.log_configs({"lr": 0.5})
        for epoch in range(2):
            run.log_metrics({"val/acc": 0.5 + epoch / 10}, step=epoch)
    return mark


@pytest.mark.parametrize("days", [-400, 400])
def test_a_fork_has_what_stood_at_the_checkpoint_whatever_clocks_say(data_directory, days):
    when = datetime.now(timezone.utc) + timedelta(days=days)
    mark = _checkpoint_before_validation(when)
    with Run(run_id="second", resume_from=mark, creation_time=when - timedelta(days=1)) as run:
        run.log_metrics({"train/loss": 0.5}, step=101)

    shown = call_json("show", "imported")
    assert call_json("ls")["items"][0]["run_id"] == "second"
    attributes = {path: one["value"] for path, one in shown["attributes"].items()}
    assert (attributes["lr"], attributes["sys/tags"]) == (0.1, ["baseline"])
    assert "val/acc" not in attributes


def test_a_resume_that_fails_at_once_leaves_the_experiment_what_it_was(data_directory):
    with Run("gull", run_id="first") as run:
        run.log_metrics({"loss": 1.0}, step=1)
    with pytest.raises(ZeroDivisionError), Run("gull", run_id="second"):
        raise ZeroDivisionError

    (item,) = call_json("ls")["items"]
    assert (item["run_id"], item["state"]) == ("first", "finished")


@pytest.mark.parametrize("command", [("show",), ("lineage",), ("plot",), ("export", "points")])
def test_a_name_of_a_run_that_is_an_experiment_of_another_head_is_told(data_directory, command):
    with Run("job", run_id="job") as run:
        run.log_metrics({"loss": 1.0}, step=1)

    assert call(*command, "job").stderr == ""
    with Run("job", run_id="job-2", fork_run_id="job", fork_step=1) as run:
        run.log_metrics({"loss": 0.5}, step=2)
    expected = "runfork: 'job' is a run and an experiment: the run is meant; the experiment's head is 'job-2'\n"
    assert call(*command, "job").stderr == expected
    assert call(*command, "job-2").stderr == ""


# What a fork has no more


def test_what_a_description_replaced_is_shown_as_removed(data_directory):
    with Run("gull", run_id="first") as first:
        first.describe({"trainer": {"gradient_clip_val": 0.5, "max_epochs": 2}}, replaces=["trainer"])
        first.log_metrics({"loss": 1.0}, step=1)
    with Run("gull", run_id="second", fork_run_id="first", fork_step=1) as second:
        second.describe({"trainer": {"max_epochs": 4}}, replaces=["trainer"])
        second.log_metrics({"loss": 0.5}, step=2)

    [family] = call_json("lineage")["families"]
    changes = {change["path"]: change for run in family["runs"] for change in run["changes"]}
    compared = {row["path"]: row["values"] for row in call_json("compare", "first", "second")["attributes"]}
    assert changes["trainer/gradient_clip_val"]["kind"] == "removed"
    assert changes["trainer/max_epochs"]["kind"] == "changed"
    assert compared["trainer/gradient_clip_val"] == [0.5, None]
    assert "trainer/gradient_clip_val" in call("lineage").stdout


# ls


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


# show


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


# lineage


def test_lineage_draws_forks_changes_and_what_was_kept(lineage):
    lines = call("lineage", "gull").stdout.splitlines()

    assert lines[0] == "gull  3 runs, steps 0\u2013140"
    assert lines[1].startswith("● root         0\u201380, pruned to 100")
    assert lines[2].startswith("├─○ side  @50  60")
    assert lines[3].startswith("● head    @80  1\u2013140") or lines[3].startswith("● head    @80  90\u2013140")
    assert lines[4] == "    lr: 0.1 → 0.2"


def test_lineage_for_machines_has_ranges_and_changes(lineage):
    (family,) = call_json("lineage", "gull")["families"]

    runs = {run["run_id"]: run for run in family["runs"]}
    assert family["lineage"] == ["root", "head"]
    assert (runs["root"]["kept"], runs["root"]["pruned"]) == ([0, 80], [80, 100])
    assert (runs["side"]["steps"], runs["side"]["kept"], runs["side"]["pruned"]) == ([60, 60], None, None)
    assert runs["head"]["changes"] == [{"path": "lr", "kind": "changed", "before": 0.1, "after": 0.2}]


def test_lineage_without_a_name_draws_every_run_once(lineage):
    with Run(None, run_id="alone"):
        pass

    families = call_json("lineage")["families"]

    assert [family["focus"] for family in families] == ["head", "alone"]


def test_lineage_of_a_run_is_seen_from_it(lineage):
    (family,) = call_json("lineage", "side")["families"]

    assert {run["run_id"]: run["kept"] for run in family["runs"]}["root"] == [0, 50]


# compare


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


# tail


def test_tail_shows_the_last_events_and_the_state(lineage):
    lines = call("tail", "gull", "-n", "2").stdout.splitlines()

    assert lines == ["step 140  train/loss NaN", "step 90  samples  a sample", "head finished"]


def test_tail_for_machines_is_a_line_per_event(lineage):
    events = [json.loads(line) for line in call("tail", "gull", "-n", "3", "--json").stdout.splitlines()]

    assert [event["kind"] for event in events] == ["metrics", "metrics", "line", "state"]
    assert events[1]["values"] == {"train/loss": "NaN"}


def test_tail_takes_what_matches(lineage):
    lines = call("tail", "gull", "--attributes", "samples").stdout.splitlines()

    assert lines == ["step 90  samples  a sample", "head finished"]


def test_tail_shows_nothing_inherited(lineage):
    assert call("tail", "side").stdout.splitlines() == ["step 60  train/loss 0.5", "side finished"]


# plot


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


# Damage


def test_the_other_commands_read_past_damage(lineage):
    (journal,) = (lineage / "tests" / "project" / "root").glob("*.journal")
    data = bytearray(journal.read_bytes())
    data[-300] ^= 0xFF
    journal.write_bytes(data)

    result = call("ls", "--json")

    assert json.loads(result.stdout)["items"][0]["run_id"] == "head"
    assert re.fullmatch(
        r"runfork: damage in the journal /.*[.]journal was skipped; 'runfork fsck' tells more\n", result.stderr
    )


def test_the_other_commands_read_past_what_is_no_journal(lineage):
    (lineage / "tests" / "project" / "root" / "x.journal").write_bytes(b"something else entirely")

    assert re.fullmatch(
        r"runfork: the journal /.*[.]journal could not be read: .*; 'runfork fsck' tells more\n", call("ls").stderr
    )


# demo


def test_the_demo_without_its_libraries_says_what_to_install(data_directory, monkeypatch):
    for name in ("torch", "pytorch_lightning", "sklearn"):
        monkeypatch.setitem(sys.modules, name, None)

    message = call("demo", exit_code=1).stderr

    needs = "torch and pytorch_lightning and sklearn"
    assert message == f'runfork: the demo needs {needs}: pip install "runfork[demo]"\n'


# plugins


def test_plugins_lists_names_versions_and_hooks(data_directory):
    plugins = {plugin["name"]: plugin for plugin in call_json("plugins")["plugins"]}

    assert plugins["runfork.cli.commands"]["hooks"] == ["register_commands"]
    assert plugins["runfork.cli.commands"]["version"]


def test_a_plugin_that_fails_is_told_with_the_reason(data_directory, monkeypatch):
    monkeypatch.setattr("runfork.cli.group.BUILT_IN", ("runfork.cli.commands", "runfork.no_such_module"))

    document = call_json("plugins", exit_code=1)

    assert "No module named" in document["failures"]["runfork.no_such_module"]


def test_the_help_tells_of_plugins_that_failed(data_directory, monkeypatch):
    monkeypatch.setattr("runfork.cli.group.BUILT_IN", ("runfork.cli.commands", "runfork.no_such_module"))

    assert "Plugins that failed: runfork.no_such_module" in " ".join(call("--help").stdout.split())


# The command line itself


def test_without_a_command_the_help_is_shown(data_directory):
    assert call().stdout == call("--help").stdout


def test_a_failed_run_shows_the_last_line_of_what_ended_it(data_directory):
    with pytest.raises(ZeroDivisionError), Run(None, run_id="broken"):
        raise ZeroDivisionError("division by zero")

    assert "  failed with  ZeroDivisionError: division by zero\n" in call("show", "broken").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lss"], "runfork: there is no command 'lss'; did you mean ls\\?"),
        (["ls", "--fliter", "x"], "runfork ls: no such option:? '?--fliter"),
        (["show"], "runfork show: missing argument 'RUN'; see 'runfork show --help'"),
        (["ls", "-n", "many"], "runfork ls: invalid value for '-n' / '--limit'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_two(arguments, message, data_directory):
    error = call(*arguments, exit_code=2).stderr

    assert re.match(message, error)
    assert error.count("\n") == 1


def test_an_unexpected_error_is_one_sentence_that_names_the_debug_switch(lineage, monkeypatch):
    monkeypatch.setattr("runfork.cli.commands.ls.read_listing", lambda *_, **__: 1 / 0)

    error = call("ls", exit_code=1).stderr

    assert error.count("\n") == 1
    assert "ZeroDivisionError" in error
    assert "RUNFORK_DEBUG=1" in error


def test_the_debug_switch_shows_the_traceback(lineage, monkeypatch):
    monkeypatch.setattr("runfork.cli.commands.ls.read_listing", lambda *_, **__: 1 / 0)
    monkeypatch.setenv("RUNFORK_DEBUG", "1")

    assert "Traceback" in call("ls", exit_code=1).stderr


def test_warnings_are_one_sentence_without_their_place(lineage, recwarn):
    result = call("ls", "--filter", 'nothing == "x"', "--json")

    assert "runfork: the filter names 'nothing', which doesn't exist in the project" in result.stderr
    assert ".py" not in result.stderr


def test_a_plugin_may_replace_a_command(data_directory, monkeypatch, tmp_path):
    plugin = tmp_path / "my_runfork_plugin.py"
    plugin.write_text(
        "import click\n"
        "from runfork import hookimpl\n"
        "@hookimpl\n"
        "def register_commands():\n"
        "    return [lambda: click.Command('ls', callback=lambda: click.echo('mine'), help='My own list.')]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("runfork.cli.group.BUILT_IN", ("runfork.cli.commands", "my_runfork_plugin"))

    assert call("ls").stdout == "mine\n"
    assert "My own list." in call("--help").stdout


def test_the_loss_that_training_goes_by_is_a_column_however_many_validation_metrics_there_are(data_directory):
    with Run("gull", run_id="many", source_tracking_config=None) as run:
        names = ["train/loss", "val/loss", "val/accuracy", "val/f1", "val/auc", "test/loss"]
        run.log_metrics(dict.fromkeys(names, 1.0), step=1)

    assert "train/loss" in call_json("ls")["items"][0]["values"]
