"""Families of runs, read from an index."""

from __future__ import annotations

from runfork.index.memory import MemoryIndex
from runfork.reading.family import read_family
from runfork.testing.histories import EPOCH, HistoryWriter

SECOND = 1_000_000


def add_run(index, run_id, name=None, *, fork=None, steps=(), configs=None, at=0, inherit_configs=True):
    writer = HistoryWriter(run_id, now=EPOCH + at * 1000 * SECOND)
    writer.create(name, fork=fork, inherit_configs=inherit_configs)
    writer.configs(configs or {})
    for step in steps:
        writer.metrics({"loss": 1.0 / (step + 1)}, step)
    index.apply(writer.batch())


def seagull():
    index = MemoryIndex()
    add_run(index, "root", "gull", steps=range(0, 101, 10), configs={"lr": 0.1, "depth": 4})
    add_run(index, "side", fork=("root", 50), steps=range(60, 81, 10), configs={"lr": 0.3}, at=1)
    add_run(index, "head", "gull", fork=("root", 80), steps=range(90, 121, 10), configs={"lr": 0.2}, at=2)
    return index


def micro(*steps):
    return tuple(step * 1_000_000 for step in steps)


def test_a_family_tells_what_the_head_kept_of_each_run():
    family = read_family(seagull(), "head", experiment_name="gull")

    kept = {run_id: member.extent.kept for run_id, member in family.members.items()}

    assert kept == {"root": micro(0, 80), "side": None, "head": micro(90, 120)}


def test_a_family_tells_what_each_fork_changed():
    family = read_family(seagull(), "head")

    (change,) = family.members["head"].changes
    assert change.before is not None
    assert change.after is not None

    assert (change.path, change.before.value, change.after.value) == ("lr", 0.1, 0.2)


def test_configs_that_were_not_inherited_are_removed_by_the_fork():
    index = seagull()
    add_run(index, "bare", fork=("head", 100), configs={"lr": 0.2}, at=3, inherit_configs=False)

    changes = read_family(index, "bare").members["bare"].changes

    assert [(change.path, change.kind) for change in changes] == [("depth", "removed")]


def test_the_lineage_goes_from_the_root_to_the_focus():
    assert read_family(seagull(), "head").lineage == ["root", "head"]


def test_an_experiment_takes_in_unrelated_runs_of_its_name():
    index = seagull()
    add_run(index, "older", "gull", steps=[1], at=-1)

    family = read_family(index, "head", experiment_name="gull")

    assert family.roots == ["root", "older"]
    assert not family.members["older"].extent.is_in_lineage


def test_a_run_whose_parent_is_missing_is_pending():
    index = MemoryIndex()
    add_run(index, "orphan", fork=("nobody", 5), steps=[6])

    member = read_family(index, "orphan").members["orphan"]

    assert member.is_pending
    assert member.changes == []


def test_series_that_a_mark_cut_on_their_own_do_not_stretch_the_steps():
    index = MemoryIndex()
    root = HistoryWriter("root").create()
    root.metrics({"loss": 1.0}, 1).metrics({"val/batch": 1.0}, 5000).mark("m", 1, cuts={"val/batch": 5000})
    index.apply(root.batch())
    child = HistoryWriter("child", now=EPOCH + 1000 * SECOND).create().lineage("root", 1, mark="m")
    index.apply(child.metrics({"loss": 0.5}, 2).batch())

    family = read_family(index, "child")

    assert family.members["root"].extent.own == micro(1, 1)


def test_console_and_hardware_series_do_not_stretch_the_steps():
    index = MemoryIndex()
    writer = HistoryWriter("run").create().metrics({"loss": 1.0}, 3)
    writer.metrics({"runtime/monitoring/cpu/percent": 5.0}, EPOCH / 1e6, clock_axis=True)
    index.apply(writer.batch())

    assert read_family(index, "run").members["run"].extent.own == micro(3, 3)
