"""Buckets of many points in the SQLite index: other threads than the reader's decode them."""

import sqlite3
import threading
from contextlib import closing

import numpy as np
import pytest
from tests.sqlite_files import long_run

from runfork.index.interface import BucketsRequest, SeriesKey
from runfork.index.rules import grid
from runfork.index.sqlite import SqliteIndex, StaleIndexError
from runfork.index.sqlite.points import buckets
from runfork.index.sqlite.points.writer import ChunkSizes
from runfork.model.steps import MICRO

RUNS = [f"r{number}" for number in range(30)]
KEYS = [SeriesKey(run_id, "x") for run_id in RUNS]


@pytest.fixture
def path(tmp_path, monkeypatch):
    """The file of an index of thirty long runs, which three threads decode."""
    monkeypatch.setattr(buckets, "_MANY_POINTS", 30 * 2000)
    monkeypatch.setattr(buckets, "_cores", lambda: 3)
    with closing(SqliteIndex(tmp_path / "index.sqlite3", sizes=ChunkSizes(rows=500, tail_bytes=500 * 32))) as index:
        for run_id in RUNS:
            long_run(index, run_id, 3000)
    return tmp_path / "index.sqlite3"


def threads_that_aggregate(monkeypatch):
    found = set()

    def aggregate(*arguments):
        found.add(threading.current_thread())
        grid.aggregate(*arguments)

    monkeypatch.setattr(buckets, "aggregate", aggregate)
    return found


@pytest.mark.parametrize("x_range", [(None, None), (500 * MICRO, 2700 * MICRO)])
def test_several_threads_find_what_one_finds(path, monkeypatch, x_range):
    threads = threads_that_aggregate(monkeypatch)
    request = BucketsRequest(KEYS, 100, x_range=x_range)
    with closing(SqliteIndex(path)) as index:
        found = vars(index.buckets(request))
        several = {*threads}
        monkeypatch.setattr(buckets, "_cores", lambda: 1)
        expected = vars(index.buckets(request))

    assert threading.current_thread() not in several
    assert threads == {*several, threading.current_thread()}
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])
    assert found["counts"].sum() == 30 * (3000 if x_range == (None, None) else 2201)


def test_few_points_need_no_other_thread(path, monkeypatch):
    threads = threads_that_aggregate(monkeypatch)
    with closing(SqliteIndex(path)) as index:
        index.buckets(BucketsRequest(KEYS[:10], 100))

    assert threads == {threading.current_thread()}


def test_damage_that_another_thread_finds_is_told_and_nothing_hangs(path):
    before = threading.active_count()
    with closing(sqlite3.connect(path)) as connection, connection:
        number, data = connection.execute("SELECT id, data FROM chunk ORDER BY id LIMIT 1 OFFSET 7").fetchone()
        changed = data[:100] + bytes([data[100] ^ 1]) + data[101:]
        assert connection.execute("UPDATE chunk SET data = ? WHERE id = ?", (changed, number)).rowcount == 1

    with closing(SqliteIndex(path)) as index, pytest.raises(StaleIndexError, match="damaged"):
        index.buckets(BucketsRequest(KEYS, 100))
    assert threading.active_count() == before
