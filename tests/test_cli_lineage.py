"""``runfork lineage``: forks, what they changed, and what they took over."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from tests.command_line import call, call_json

from runfork import Run


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
