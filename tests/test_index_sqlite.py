"""The SQLite index fulfils the contract, and what else a file must bear."""

import multiprocessing
import sqlite3
import tracemalloc
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.sqlite_files import long_run, row_of

from runfork.errors import ArgumentError
from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey, UnusableIndexError
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex, StaleIndexError
from runfork.index.sqlite.inheritance.lineage_view import LineageView
from runfork.index.sqlite.points.pieces import PieceReader
from runfork.index.sqlite.points.writer import ChunkSizes
from runfork.journal.records import Batch
from runfork.model.steps import MICRO
from runfork.reading import indexes
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.index_contract import IndexContract
from runfork.testing.questions import SECOND, apply, child, line, points_of, statistics_of, value_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.db"


@pytest.fixture
def index(path):
    index = SqliteIndex(path)
    yield index
    index.close()


class TestSqliteIndex(IndexContract):
    @pytest.fixture
    def index(self, path):
        index = SqliteIndex(path)
        yield index
        index.close()


def counted(function, calls):
    """Return a function that notes its name at each call."""

    def call(*arguments):
        calls.append(function.__name__)
        return function(*arguments)

    return call


def loaded_pieces(index, monkeypatch, **options):
    """Return how many pieces a read loads."""
    loaded: list[str] = []
    for name in ("fill", "load"):
        monkeypatch.setattr(PieceReader, name, counted(getattr(PieceReader, name), loaded))
    index.points(PointsRequest([SeriesKey("a", "x")], **options))
    return len(loaded)


def test_what_was_applied_is_there_when_the_file_is_opened_again(path, index):
    writer = line("a", 1.0, 2.0)
    apply(index, writer)
    index.close()
    again = SqliteIndex(path)
    apply(again, writer.metrics({"loss": 3.0}, 2).configs({"lr": 1}))

    assert points_of(again, "a", "loss") == [(0, 1.0), (1, 2.0), (2, 3.0)]
    assert statistics_of(again, "a", "loss")["count"] == 3
    again.close()


def test_a_reader_cannot_open_what_is_not_there(path):
    with pytest.raises(StaleIndexError, match="cannot be read"):
        SqliteIndex(path, read_only=True)
    assert not path.exists()


def test_a_reader_follows_what_another_index_applies(path, index):
    parent = line("p", 1.0, 2.0)
    apply(index, parent)
    reader = SqliteIndex(path, read_only=True)
    assert points_of(reader, "p", "loss") == [(0, 1.0), (1, 2.0)]
    apply(index, child("a", "p", 0, 5.0).configs({"new/path": 1}), parent.metrics({"loss": 3.0}, 2))

    assert points_of(reader, "a", "loss") == [(0, 1.0), (1, 5.0)]
    assert points_of(reader, "p", "loss")[-1] == (2, 3.0)
    assert value_of(reader, "a", "new/path") == 1
    reader.close()


def test_a_reader_does_not_wait_for_a_writer(path, index):
    apply(index, line("a", 1.0))
    reader = SqliteIndex(path, read_only=True)
    index._connection.execute("BEGIN IMMEDIATE")
    index._connection.execute("DELETE FROM attribute")

    assert points_of(reader, "a", "loss") == [(0, 1.0)]
    assert value_of(reader, "a", "loss") == 1.0
    index._connection.execute("ROLLBACK")
    reader.close()


def test_a_reader_cannot_apply(path, index):
    reader = SqliteIndex(path, read_only=True)

    with pytest.raises(UnusableIndexError, match="readonly"):
        apply(reader, line("a", 1.0))
    reader.close()


def test_a_batch_that_fails_halfway_leaves_no_trace(index):
    writer = line("a", 1.0)
    apply(index, writer)
    good = writer.configs({"lr": 1}).metrics({"loss": 2.0}, 1).batch()
    rows: list[Any] = [*good.rows, "not rows"]
    bad = Batch(good.key, good.identity, good.start, good.end, good.records, rows)
    with pytest.raises(AttributeError):
        index.apply(bad)
    assert value_of(index, "a", "lr") is None
    index.apply(good)

    assert value_of(index, "a", "lr") == 1
    assert points_of(index, "a", "loss") == [(0, 1.0), (1, 2.0)]


def drain_all(path, batches):
    index = SqliteIndex(path)
    for batch in batches:
        index.apply(batch)
    index.close()


def test_processes_that_drain_the_same_journal_at_once_apply_it_once(path):
    batches = line("a", *map(float, range(200))).configs({"lr": 1}).batches(7)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=drain_all, args=(path, batches)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    index = SqliteIndex(path)

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert statistics_of(index, "a", "loss")["count"] == 200
    assert points_of(index, "a", "loss") == [(step, float(step)) for step in range(200)]
    index.close()


def test_two_indexes_that_take_turns_on_one_file_stay_right(path, index):
    other = SqliteIndex(path)
    writer = HistoryWriter("a").create()
    for step in range(10):
        apply((index, other)[step % 2], writer.metrics({"x": step, f"only/{step}": 1}, step).configs({"last": step}))

    assert points_of(index, "a", "x") == [(step, float(step)) for step in range(10)]
    assert value_of(other, "a", "last") == 9
    assert statistics_of(index, "a", "x")["count"] == 10
    other.close()


def test_series_that_come_after_a_reopening_are_told_from_those_before(path, index):
    written = HistoryWriter("a").create().metrics({"x": 1.0}, 5)
    apply(index, written)
    with closing(SqliteIndex(path)) as reopened:
        apply(reopened, written.metrics({"x": 2.0}, 3))  # no new series, but a lower first step
        apply(reopened, written.strings({"y": "text", "z": "text"}, 5))

        assert points_of(reopened, "a", "x") == [(3.0, 2.0), (5.0, 1.0)]
        assert points_of(reopened, "a", "y") == [(5.0, "text")]


def test_a_default_is_not_handed_on_where_a_parent_has_a_series(index):
    parent = HistoryWriter("p").create()
    apply(index, parent, child("a", "p", 1))
    apply(index, parent.metrics({"sys/group_tags": 1.0}, 5).lineage("missing", 1))

    assert index.values(["a"])["a"]["sys/group_tags"].source_run == "a"


def test_nothing_is_handed_on_from_a_parent_that_turns_out_to_be_none(index):
    apply(index, line("p", 1.0), HistoryWriter("a", "w1", now=EPOCH + 9 * SECOND).create(fork=("p", 5)))
    apply(index, HistoryWriter("b").lineage("a", 3))
    apply(index, HistoryWriter("a", "w2", now=EPOCH + 8 * SECOND).metrics({"loss": 2.0}, 4))
    apply(index, HistoryWriter("a", "w3").lineage("missing", 1))  # said before, and arrives later

    assert "loss" not in index.values(["b"])["b"]


def test_a_tail_of_a_long_series_loads_few_pieces(index, monkeypatch):
    values = long_run(index, "a", 100_000)

    assert [value for _, value in points_of(index, "a", "x", tail=3)] == values[-3:].tolist()
    assert loaded_pieces(index, monkeypatch, tail=10) <= 2


def test_a_range_of_a_long_series_loads_few_pieces(index, monkeypatch):
    values = long_run(index, "a", 100_000)
    middle = (50_000 * MICRO, 50_009 * MICRO)

    assert [value for _, value in points_of(index, "a", "x", step_range=middle)] == values[50_000:50_010].tolist()
    assert loaded_pieces(index, monkeypatch, step_range=middle) <= 2


def test_statistics_of_a_fork_come_from_chunks(index, monkeypatch):
    values = long_run(index, "a", 100_000)
    loaded: list[str] = []
    monkeypatch.setattr(PieceReader, "load", counted(PieceReader.load, loaded))
    apply(index, child("b", "a", 90_000))
    found = statistics_of(index, "b", "x")

    assert len(loaded) <= 2
    assert (found["count"], found["min"]) == (90_001, values[:90_001].min())
    assert found["variance"] == pytest.approx(values[:90_001].var())


@pytest.mark.parametrize("count", [1, 16_383, 16_384, 16_385, 40_000])
@pytest.mark.parametrize("size", [2500, 20_000])
def test_points_come_back_whatever_the_portions(index, count, size):
    values = long_run(index, "a", count, size=size)
    found = index.points(PointsRequest([SeriesKey("a", "x")]))[0]

    assert np.array_equal(found.values, values)
    assert statistics_of(index, "a", "x")["average"] == pytest.approx(values.mean())


def test_a_live_run_leaves_few_pieces(path, index):
    writer = HistoryWriter("a").create()
    for step in range(500):
        writer.metrics({"x": step}, step)
        apply(index, writer)
    (pieces,) = row_of(path, "SELECT count(*) FROM tail")

    assert pieces < 12
    assert len(points_of(index, "a", "x")) == 500


def test_a_closed_run_is_made_of_chunks(path, index):
    writer = line("a", *map(float, range(100))).close()
    apply(index, writer)

    assert row_of(path, "SELECT count(*) FROM tail") == (0,)
    assert points_of(index, "a", "loss", tail=1) == [(99, 99.0)]


def test_the_tail_is_read_once_for_all_its_series(index):
    names = tuple(f"m/{number}" for number in range(20))
    values = long_run(index, "a", 100, paths=names)
    asked: list[str] = []
    index._connection.set_trace_callback(asked.append)
    found = index.points(PointsRequest([SeriesKey("a", name) for name in names]))

    assert sum("data FROM tail" in statement for statement in asked) == 1
    assert np.array_equal(found[0].values, values)


def test_a_closed_file_is_no_longer_than_its_chunks_need(path, index):
    long_run(index, "a", 10_000, paths=tuple("abcdefgh"))
    (tail,) = row_of(path, "SELECT sum(length(data)) FROM tail")
    writer = HistoryWriter("a").create()
    writer.batch()
    (applied,) = row_of(path, "SELECT applied FROM journal")
    index.apply(replace(writer.close().batch(), start=applied, end=applied + 40))
    index.close()
    (chunks,) = row_of(path, "SELECT sum(length(data)) FROM chunk")
    (pages,) = row_of(path, "PRAGMA page_count")

    assert pages * 4096 < chunks + tail / 2


def test_wide_rows_become_chunks_by_size(path, index):
    paths = tuple(f"m/{number}" for number in range(3000))
    values = long_run(index, "a", 400, paths=paths, size=100)

    assert row_of(path, "SELECT count(*) FROM row_group") == (1,)
    assert [value for _, value in points_of(index, "a", "m/0")] == values.tolist()


def test_chunks_of_some_pages_leave_little_of_them_unused(tmp_path):
    path = tmp_path / "index.db"
    paths = tuple(f"m/{number}" for number in range(60))
    with closing(SqliteIndex(path, sizes=ChunkSizes(rows=900))) as index:
        values = long_run(index, "a", 900, paths=paths)
        read = points_of(index, "a", "m/0")
        last = points_of(index, "a", "m/59")
    (chunks,) = row_of(path, "SELECT sum(length(data) + length(statistics)) FROM chunk")
    (pages,) = row_of(path, "PRAGMA page_count")

    assert [value for _, value in read] == values.tolist()
    assert [value for _, value in last] == np.random.default_rng(0).standard_normal((900, 60))[:, 59].tolist()
    assert pages * 4096 < 1.1 * chunks + 40 * 4096  # of empty tables


def test_uris_open_the_indexes(tmp_path):
    opened = indexes.open_index(f"sqlite:///{tmp_path}/deep/er/index.db")

    assert isinstance(opened, SqliteIndex)
    assert (tmp_path / "deep/er/index.db").exists()
    assert isinstance(indexes.open_index("memory://"), MemoryIndex)
    with pytest.raises(ArgumentError, match="^no plugin opens the index 'clickhouse://host'"):
        indexes.open_index("clickhouse://host")
    opened.close()


def test_batches_applied_together_are_there_for_others_at_the_end(path, index):
    reader = SqliteIndex(path, read_only=True)
    with index.together():
        apply(index, line("p", 1.0, 2.0), child("a", "p", 0, 5.0))
        assert points_of(index, "a", "loss") == [(0, 1.0), (1, 5.0)]
        assert reader.nodes() == {}

    assert points_of(reader, "a", "loss") == [(0, 1.0), (1, 5.0)]
    reader.close()


def test_of_batches_applied_together_only_the_one_that_fails_is_missing(path, index):
    late = line("b", 1.0)
    late.batch(1)
    with index.together():
        apply(index, line("p", 1.0, 2.0))
        with pytest.raises(ArgumentError, match="must begin at byte 0"):
            apply(index, late)
        apply(index, child("a", "p", 0, 5.0))
    again = SqliteIndex(path)

    assert set(again.nodes()) == {"p", "a"}
    assert statistics_of(again, "a", "loss")["count"] == 2
    again.close()


def test_what_was_applied_together_before_an_error_of_the_caller_stays(path, index):
    def interrupted():
        with index.together():
            apply(index, line("p", 1.0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    reader = SqliteIndex(path, read_only=True)
    assert points_of(reader, "p", "loss") == [(0, 1.0)]
    reader.close()
    apply(index, child("a", "p", 0, 5.0))
    assert set(index.nodes()) == {"p", "a"}


def test_a_deep_lineage_is_read_from_the_parent_alone(index, monkeypatch):
    apply(index, line("r0", 0.0).configs({"lr": 1}))
    for depth in range(1, 30):
        apply(index, child(f"r{depth}", f"r{depth - 1}", depth - 1, 1.0, now=EPOCH + depth * 3_600_000_000))
    looked = []
    see = LineageView.see

    def looking(self, *arguments, **options):
        looked.append(arguments)
        return see(self, *arguments, **options)

    monkeypatch.setattr(LineageView, "see", looking)
    apply(index, child("last", "r29", 29, 7.0, now=EPOCH + 30 * 3_600_000_000))

    assert looked == []
    assert statistics_of(index, "last", "loss")["count"] == 31
    assert value_of(index, "last", "lr") == 1


@pytest.mark.parametrize("x", ["step", "time"])
def test_buckets_of_many_series_hold_one_of_them_in_memory_at_a_time(index, x):
    points, series = 40_000, 25
    paths = tuple(f"m{number}" for number in range(series))
    long_run(index, "r", points, paths=paths)
    request = BucketsRequest([SeriesKey("r", path) for path in paths], 10, x=x)
    index.buckets(request)
    tracemalloc.start()
    index.buckets(request)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < points * series * 16 / 4


def test_no_row_is_left_of_runs_that_were_removed(path, index):
    long_run(index, "long", 40_000)
    parent = line("a", 1.0, 2.0).configs({"lr": 1}).tags("t").mark("m", 1, cuts={"x": 1}).strings({"text": "x"}, 0)
    apply(index, parent.metrics({"loss": 9.0}, 7, completion=0.5), child("b", "a", 1, 3.0).configs({"lr": 2}).close())
    index.remove(["long", "a", "b"])
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables if name != "path"}
    (change,) = kept.pop("change")

    assert change[0] == 1  # its number
    assert not any(kept.values()), kept


def test_a_reader_follows_what_another_index_removes(path, index):
    apply(index, line("a", 1.0), line("b", 2.0).configs({"lr": 1}))
    reader = SqliteIndex(path, read_only=True)
    assert set(reader.nodes()) == {"a", "b"}
    index.remove(["a"])
    apply(index, line("c", 3.0, writer="later").configs({"lr": 3}))

    assert set(reader.nodes()) == {"b", "c"}
    assert points_of(reader, "c", "loss") == [(0, 3.0)]
    assert [key.writer for key in reader.writers()] == ["w1", "later"]
    reader.close()
