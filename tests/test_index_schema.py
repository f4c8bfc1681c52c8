"""The file of the SQLite index: whose it is, its versions, its locks, and what is damage."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.sqlite_files import long_run, row_of

from runfork.index.interface import ForeignIndexError
from runfork.index.sqlite import SqliteIndex, StaleIndexError
from runfork.index.sqlite.points.writer import ChunkSizes
from runfork.index.sqlite.schema import APPLICATION_ID, foreign_reason
from runfork.testing.histories import HistoryWriter
from runfork.testing.questions import apply, line, points_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.db"


@pytest.fixture
def index(path):
    index = SqliteIndex(path)
    yield index
    index.close()


def test_a_file_of_another_version_is_made_anew(path, index):
    apply(index, line("a", 1.0))
    index.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    again = SqliteIndex(path)

    assert again.nodes() == {}
    apply(again, line("a", 1.0))
    assert points_of(again, "a", "loss") == [(0, 1.0)]
    again.close()


@pytest.mark.parametrize("is_marked", [True, False], ids=["by the mark in its header", "by the lock beside it"])
def test_a_damaged_index_that_is_known_for_one_is_made_anew(path, index, is_marked):
    apply(index, line("b", 1.0))
    index.close()
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * (len(data) - 100) if is_marked else b"this is no database" * 1000)
    if not is_marked:
        path.with_suffix(".lock").touch()
    again = SqliteIndex(path)
    apply(again, line("a", 1.0))

    assert points_of(again, "a", "loss") == [(0, 1.0)]
    assert set(again.nodes()) == {"a"}
    again.close()


def test_damage_found_later_is_told_and_the_next_opening_makes_the_file_anew(path, index):
    long_run(index, "a", 50_000)
    index.close()
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'attribute'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(data)
    damaged = SqliteIndex(path)

    with pytest.raises(StaleIndexError, match="damaged"):
        damaged.values(["a"])
    again = SqliteIndex(path)
    assert again.nodes() == {}
    again.close()


def test_many_may_open_a_new_file_at_once(tmp_path):
    failures = []

    def open_and_close(at: Path, start: threading.Barrier) -> None:
        start.wait()
        try:
            SqliteIndex(at).close()
        except Exception as error:
            failures.append(error)

    for attempt in range(30):
        start = threading.Barrier(6)
        threads = [
            threading.Thread(target=open_and_close, args=(tmp_path / f"{attempt}.db", start))
            for _ in range(start.parties)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failures == []


@pytest.fixture
def others(tmp_path):
    """A database of somebody else's."""
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('a cat')")
    return path


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_of_somebody_elses_is_refused_and_left_as_it_is(others, read_only):
    before = others.read_bytes()

    with pytest.raises(ForeignIndexError, match="not an index of runfork and was left as it is: .* tables 'photo'"):
        SqliteIndex(others, read_only=read_only)
    assert others.read_bytes() == before
    assert [path.name for path in others.parent.iterdir()] == ["photos.db"]


def test_who_opens_an_index_twice_keeps_the_locks_on_it(tmp_path):
    path = tmp_path / "index.sqlite3"
    with closing(SqliteIndex(path)) as first:
        for is_read_only in (False, True):
            SqliteIndex(path, read_only=is_read_only).close()
        assert foreign_reason(path) is None
        # Bytes that SQLite locks for whoever has the file open: another process that gets them all takes its journal away.
        ask = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'rb+'), fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)"
        other = subprocess.run([sys.executable, "-c", ask, path], capture_output=True, text=True, check=False)
        first.nodes()

    assert "BlockingIOError" in other.stderr


@pytest.mark.parametrize("content", [b"dear diary\n" * 1000, b"SQLite format 3\0" + b"\xff" * 5000, b"x"])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "diary.txt"
    path.write_bytes(content)

    with pytest.raises(ForeignIndexError, match="not an index of runfork and was left as it is"):
        SqliteIndex(path)
    assert path.read_bytes() == content


def test_an_index_of_an_earlier_version_without_a_mark_of_its_own_is_taken_over(path, index):
    apply(index, line("a", 1.0))
    index.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 0")
        connection.execute("PRAGMA user_version = 7")
    with closing(SqliteIndex(path)) as again:
        assert again.nodes() == {}
    assert row_of(path, "PRAGMA application_id") == (APPLICATION_ID,)


def test_an_index_that_was_given_up_leaves_what_others_put_in_its_place(path, index, others):
    content = others.read_bytes()
    others.replace(path)
    with pytest.raises(StaleIndexError):
        index._discard("for a reason", ValueError())

    assert path.read_bytes() == content


def test_an_error_in_a_question_passes_through_and_leaves_the_index(path, index):
    apply(index, line("a", 1.0))

    def broken(_):
        raise MemoryError

    def odd(_):
        raise ValueError("this is no fault of the file")

    for matches, error in ((broken, MemoryError), (odd, ValueError)):
        with pytest.raises(error):
            index.values(["a"], pattern=SimpleNamespace(matches=matches))
    assert points_of(index, "a", "loss") == [(0, 1.0)]
    assert path.exists()


def test_a_batch_that_cannot_be_taken_in_leaves_the_index(path, index):
    writer = line("a", 1.0)
    apply(index, writer)
    good = writer.configs({"lr": 1}).batch()
    odd = good.records[0]._replace(body={"lr": ["string", ["no", "string"]], "x": ["string", object()]})

    with pytest.raises(TypeError):
        index.apply(replace(good, records=[odd]))
    assert points_of(index, "a", "loss") == [(0, 1.0)]
    assert path.exists()


def test_a_batch_that_cannot_be_taken_in_leaves_an_index_whose_chunks_share_rows(path):
    index = SqliteIndex(path, sizes=ChunkSizes(rows=500))
    values = long_run(index, "a", 1000, paths=("x", "y"))
    good = line("b", 1.0).configs({"lr": 1}).batch()

    with pytest.raises(TypeError):
        index.apply(replace(good, records=[*good.records, good.records[-1]._replace(body={"x": ["string", object()]})]))
    assert points_of(index, "a", "x", tail=1) == [(999, values[-1])]
    index.close()


def test_a_number_that_was_changed_in_the_tail_is_damage(path, index):
    apply(index, line("a", 1.0, 2.0))
    index.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tail SET data = CAST(replace(hex(data), '3F', '4F') AS BLOB)")
        connection.commit()
    damaged = SqliteIndex(path)

    with pytest.raises(StaleIndexError, match="damaged"):
        points_of(damaged, "a", "loss")
    assert not path.exists()


@pytest.mark.parametrize(
    ("table", "column"), [("run", "snapshot"), ("run", "mark_snapshot"), ("run", "mark_cuts"), ("journal", "carry")]
)
def test_json_that_was_changed_in_a_table_is_damage(path, index, table, column):
    parent = line("a", 1.0).mark("m", 0, cuts={"x": 1})
    apply(index, parent, HistoryWriter("b").create(fork=("a", 0)).lineage("a", 0, mark="m"))
    index.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {table} SET {column} = '{{' || {column}")
        connection.commit()
    damaged = SqliteIndex(path)

    with pytest.raises(StaleIndexError, match=f"damaged.*{column}"):
        _ = damaged.nodes(), damaged.writers()
    assert not path.exists()


def test_a_definition_of_a_table_that_is_no_text_is_damage(path, index):
    apply(index, line("a", 1.0))
    index.close()
    harmed = path.read_bytes()
    assert b"CREATE TABLE chunk" in harmed
    path.write_bytes(harmed.replace(b"CREATE TABLE chunk", b"CREATE T\x8eBLE chunk"))
    again = SqliteIndex(path)

    assert not again.writers()
    again.close()


def test_words_of_sqlite_that_are_no_text_are_damage_under_a_reader(path, index):
    apply(index, line("a", 1.0))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = CAST(x'8e8e' AS TEXT) WHERE name = 'chunk'")
        connection.execute("PRAGMA schema_version = 4711")
        connection.commit()

    with pytest.raises(StaleIndexError, match="damaged"):
        index.writers()
