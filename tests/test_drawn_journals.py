"""That drawn journals are read as what runs log."""

import numpy as np
import pytest
from tests.browser.seeds import HOSTILE_NAMES, Seeds
from tests.drawn_journals import EPOCH, Lines, Rows, draw_run
from tests.run_records import state_of

from runfork import query
from runfork.disk.layout import Store
from runfork.reading.project import Project

PROJECT = "tests/project"


def draw(directory, run_id, **given):
    draw_run(directory, run_id, project=PROJECT, **given)


def test_a_drawn_run_holds_what_was_asked_for(data_directory):
    rows = [Rows([0, 1.5], {"loss": [3.0, np.inf], "acc": [0.0, 1.0]}), Rows([7], {"late": [1.0]})]
    draw(
        data_directory,
        "a",
        experiment="gull",
        configs={"lr": 0.1, "text": "x"},
        tags=["good"],
        rows=rows,
        lines=[Lines("notes", ["one", "two"])],
    )
    points = query.fetch_metrics(runs="a", attributes=["loss", "acc", "late"])
    table = query.fetch_runs_table(runs="a", attributes=["lr", "text", "sys/tags", "sys/name", "sys/custom_run_id"])

    assert query.list_experiments() == ["gull"]
    assert points["loss"].dropna().to_dict() == {("a", 0.0): 3.0, ("a", 1.5): np.inf}
    assert points["late"].dropna().to_dict() == {("a", 7.0): 1.0}
    assert table.loc["a"].to_dict() == {
        "lr": 0.1,
        "text": "x",
        "sys/tags": {"good"},
        "sys/name": "gull",
        "sys/custom_run_id": "a",
    }
    assert query.fetch_series(runs="a", attributes="notes")["notes"].to_list() == ["one", "two"]


def test_a_drawn_fork_inherits(data_directory):
    draw(data_directory, "a", rows=[Rows(range(10), {"loss": range(10)})])
    draw(data_directory, "b", fork=("a", 4), created=EPOCH + 10**9, rows=[Rows([5], {"loss": [50.0]})])

    assert query.fetch_metrics(runs="b", attributes="loss")["loss"].to_list() == [0, 1, 2, 3, 4, 50]


@pytest.mark.parametrize("state", ["finished", "failed", "aborted", "preempted", "lost"])
def test_a_drawn_run_ended_as_it_was_asked_to(data_directory, state):
    draw(data_directory, "a", state=state)

    assert state_of(Store(data_directory).run_directory(PROJECT, "a")) == state


def test_seeds_are_whole(data_directory):
    seeds = Seeds(data_directory)
    counts = {}
    for project in (seeds.lineage, seeds.sweep, seeds.hostile, seeds.many("seeds/few", 60), seeds.curves(2, 99)):
        with Project.open(project, directory=data_directory) as found:
            found.refresh()
            assert not found.unreadable
            counts[project.partition("/")[2]] = len(query.list_runs(project=project))

    assert counts == {"lineage": 3, "sweep": 50, "hostile": len(HOSTILE_NAMES) + 2, "few": 60, "curves-2x99": 2}
    assert query.list_experiments(project="seeds/lineage") == ["digits"]
    joined = query.fetch_metrics(project="seeds/lineage", runs="second", attributes="train/loss")["train/loss"]
    assert joined.index.get_level_values("step").to_list() == list(range(1001))
