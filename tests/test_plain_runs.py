"""Runs that are over and plain go to the tables by a short way, and are what they would be by the long one."""

from contextlib import closing, contextmanager

import pytest
from tests.answers import plain_value

from runfork.errors import ArgumentError
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import SECOND

CONFIGS = {"lr": 0.1, "depth": 3, "name": "é\ud800", "is_large": True, "nothing": None, "odd": float("nan")}


def over(run_id, *, writer="w0", rows=3, configs=CONFIGS, name=None):
    """Return the one batch of a run that is over."""
    journal = HistoryWriter(run_id, writer).create(name).configs(configs)
    for step in range(rows):
        journal.metrics({"loss": step / 3, "acc": float(-step)}, step)
    return journal.close().batch()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.db"


@contextmanager
def both(path):
    with closing(SqliteIndex(path)) as index, closing(MemoryIndex()) as memory:
        yield index, memory


def assert_same(index, memory, *run_ids):
    assert index.nodes() == memory.nodes()
    assert index.writers() == memory.writers()
    assert index.definitions() == memory.definitions()
    found, expected = index.values(run_ids), memory.values(run_ids)
    for run_id in run_ids:
        assert {path: plain_value(value) for path, value in found[run_id].items()} == {
            path: plain_value(value) for path, value in expected[run_id].items()
        }
    keys = [SeriesKey(run_id, path) for run_id in run_ids for path in ("loss", "acc")]
    for one, other in zip(index.points(PointsRequest(keys)), memory.points(PointsRequest(keys)), strict=True):
        assert one.key == other.key
        assert one.steps.tolist() == other.steps.tolist()
        assert list(one.values) == list(other.values)


def say_nothing(path, run=1):
    """Return whether the records of a run leave it to its values to say what they are."""
    with closing(SqliteIndex(path)) as index:
        rows = index._connection.execute("SELECT data FROM record WHERE run = ?", (run,)).fetchall()
    return [data[:1] == b" " for (data,) in rows]


@pytest.mark.parametrize("rows", [0, 1, 31, 32, 100])
def test_plain_runs_are_what_they_say(path, rows):
    with both(path) as (index, memory):
        with index.together():
            for number in range(3):
                batch = over(f"run-{number}", rows=rows, name="E")
                index.apply(batch)
                memory.apply(batch)
                index.set_states({f"run-{number}": "finished"})
                memory.set_states({f"run-{number}": "finished"})
        assert_same(index, memory, "run-0", "run-1", "run-2")
    assert say_nothing(path) == [True]


def test_what_is_not_stored_yet_is_seen(path):
    with both(path) as (index, memory), index.together():
        for number in range(2):
            batch = over(f"run-{number}")
            index.apply(batch)
            memory.apply(batch)
            assert index.writers([f"run-{number}"]) == memory.writers([f"run-{number}"])
        assert index.writers() == memory.writers()
        assert_same(index, memory, "run-0", "run-1")


def test_a_later_journal_of_a_plain_run_lies_over_it(path):
    later = HistoryWriter("run-0", "w1", now=EPOCH + 100 * SECOND).configs({"lr": 0.5, "depth": "deep", "more": 1})
    with both(path) as (index, memory):
        for batch in (over("run-0"), later.metrics({"loss": 7.0}, 1).batch()):
            index.apply(batch)
            memory.apply(batch)
        assert_same(index, memory, "run-0")
    assert not any(say_nothing(path))


def test_a_fork_inherits_what_stood_in_a_plain_run_and_not_what_came_later(path):
    parent = over("run-0")
    later = HistoryWriter("run-0", "w1", now=EPOCH + 7200 * SECOND).configs({"lr": 0.5})
    fork = HistoryWriter("fork", now=EPOCH + 3600 * SECOND)
    fork.create(fork=("run-0", 1), journals={"w0": parent.end}).configs({"depth": 9})
    with both(path) as (index, memory):
        for batch in (parent, fork.batch(), later.batch()):
            index.apply(batch)
            memory.apply(batch)
        assert index.values(["fork"])["fork"]["lr"].value == 0.1
        assert_same(index, memory, "run-0", "fork")


def test_plain_runs_stay_where_a_batch_after_them_fails(path):
    journal = HistoryWriter("gap").create()
    journal.batch()
    gap = journal.configs({"lr": 0.5}).batch()
    with both(path) as (index, memory):
        with index.together():
            for number in range(2):
                batch = over(f"run-{number}", name="E")
                index.apply(batch)
                memory.apply(batch)
                with pytest.raises(ArgumentError, match="must begin at byte 0"):
                    index.apply(gap)
        assert_same(index, memory, "run-0", "run-1")
    assert say_nothing(path) == [True]


def test_a_run_that_uses_a_path_of_every_run_takes_the_long_way(path):
    with both(path) as (index, memory):
        for number, configs in enumerate(({"sys/archived": True}, {"sys/name": "mine"}, {"loss": 0.5})):
            batch = over(f"run-{number}", configs=configs)
            index.apply(batch)
            memory.apply(batch)
        assert_same(index, memory, "run-0", "run-1", "run-2")
    assert say_nothing(path) == [False]
