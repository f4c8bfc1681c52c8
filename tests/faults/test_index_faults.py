"""The index deleted, locked, damaged or of another version under a reader, or on a disk that refuses it: the answers stay right."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tests.faults import shelf
from tests.faults.disks import small_disk
from tests.faults.nursery import HOME
from tests.run_records import plain_settings

import runfork
from runfork import Run
from runfork.errors import RunforkError, RunforkWarning
from runfork.index.interface import StaleIndexError
from runfork.reading.project import Project
from runfork.testing.waits import HANG_SECONDS

RUNFORK = [sys.executable, "-m", "runfork"]
AS_ANOTHER_USER = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner", "--inh-caps", "-all"]
"""Root without the right to pass over permissions, who is like anybody where files are another user's."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A project, its index, and what is true of it."""
    directory = tmp_path_factory.mktemp("shelf") / "data"
    settings = plain_settings(directory)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        shelf.fill()
        with Project.open() as project:
            project.refresh()
        return directory, shelf.truth()


@pytest.fixture
def copied(filled, data_directory):
    """Copy the project to where this test reads, again whenever it is called; returns the index file."""
    origin, _ = filled

    def copy():
        shutil.rmtree(data_directory, ignore_errors=True)
        shutil.copytree(origin, data_directory)
        return data_directory / ".index" / "tests" / "project.sqlite3"

    return copy


@pytest.fixture
def truth(filled):
    return filled[1]


def read():
    with Project.open() as project:
        project.refresh()
        return shelf.answers(project.index)


def harm_one(path, randomness):
    """Harm the index file, or what SQLite keeps beside it; returns what was done."""
    suffix = randomness.choice(["", "", "", "", "-wal", "-shm"])
    harm = randomness.choice(shelf.HARMS)
    if suffix == "-shm" and harm is shelf.cut:
        harm = shelf.flip  # SQLite maps this file: cutting it short kills whoever reads
    target = Path(f"{path}{suffix}")
    if not target.exists() or not target.stat().st_size:
        return None
    harm(target, randomness)
    return f"{harm.__name__}{suffix}"


def answers_of(project, said):
    """Ask a project, again if it says that its index is damaged: what SQLite holds in memory may hide damage for a while."""
    for _ in range(3):
        try:
            project.refresh()
            return shelf.answers(project.index)
        except RunforkError as error:
            said.append(str(error))
    raise AssertionError(f"not made anew: {said[-3:]}")


@pytest.mark.parametrize("is_live", [False, True], ids=["before it is opened", "under a reader"])
def test_an_index_that_was_harmed_is_made_anew(is_live, copied, truth, rounds, tried):
    count = rounds(20, 400)
    outcomes: Counter[str] = Counter()
    for number in range(count):
        randomness = random.Random(f"{number} {is_live}")
        path = copied()
        said: list[str] = []
        with closing(sqlite3.connect(path)) as other:  # keeps the -wal and -shm files
            other.execute("SELECT * FROM run").fetchone()
            with Project.open() as project:
                if is_live:
                    project.refresh()
                done = harm_one(path, randomness)
                found = answers_of(project, said)
        with Project.open() as project:
            later = answers_of(project, said)

        assert not any("\n" in sentence for sentence in said)
        for answers in (found, later):
            assert done == "shuffle" or [answers[place] for place in shelf.POINTS] == [
                truth[place] for place in shelf.POINTS
            ], (
                number,
                done,
            )
        is_right = found == later == truth  # a block that stands whole in another's place has the right checksums
        outcomes["unnoticed" if not is_right else "said so" if said else "right at once"] += 1
        if not is_right:
            path.unlink()
            assert read() == truth
    unnoticed = outcomes["unnoticed"]
    assert unnoticed <= count / 10
    tried(
        f"the index or what SQLite keeps beside it was flipped, cut, zeroed, shuffled, littered, replaced or deleted, "
        f"{'under a reader' if is_live else 'before it was opened'}",
        times=count,
        outcome=f"{outcomes['right at once']} readers answered rightly, {outcomes['said so']} said in a sentence that it is "
        f"damaged, and answered rightly when asked again; {unnoticed} did not notice that a value or a block had changed",
    )


def fetched():
    """Fetch a metric; where a sentence says that the index is damaged, the next call makes it anew."""
    try:
        return runfork.fetch_metrics(runs="child", attributes="loss")
    except StaleIndexError as error:
        if "open the project again" not in str(error):
            raise
        return runfork.fetch_metrics(runs="child", attributes="loss")


def test_commands_and_queries_go_on_after_damage(copied, rounds, tried):
    count = rounds(6, 60)
    outcomes: Counter[int] = Counter()
    expected = None
    for number in range(count):
        path = copied()
        if number:
            shelf.HARMS[number % len(shelf.HARMS)](path, random.Random(number))
        shown = subprocess.run(
            [*RUNFORK, "show", "child", "--json"], capture_output=True, text=True, timeout=HANG_SECONDS, check=False
        )
        outcomes[shown.returncode] += 1
        if shown.returncode:
            assert shown.stderr.count("\n") == 1, shown.stderr
            assert "this should not happen" not in shown.stderr
            shown = subprocess.run(
                [*RUNFORK, "show", "child", "--json"], capture_output=True, text=True, timeout=HANG_SECONDS, check=False
            )
        expected = expected or shown.stdout

        assert shown.stdout == expected != ""
        assert len(fetched()) == 9_001
    tried(
        "commands and queries on a harmed index",
        times=count,
        outcome="right, or one sentence and right at the next call",
    )


@pytest.mark.filterwarnings("ignore:the index .* cannot be used")  # then they read without it, and are right
def test_many_readers_agree_while_the_index_is_deleted_again_and_again(copied, truth, rounds, tried):
    path = copied()
    count = rounds(6, 60)
    failures = []
    is_over = threading.Event()

    def keep_reading():
        while not is_over.is_set():
            try:
                assert read() == truth
            except StaleIndexError:
                pass
            except Exception as error:
                failures.append(error)
                return

    readers = [threading.Thread(target=keep_reading) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(count):
        time.sleep(0.05)  # the index is deleted at a random moment of what the readers do
        for suffix in random.Random(number).choice([("",), ("", "-wal", "-shm"), ("-wal",)]):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    is_over.set()
    for reader in readers:
        reader.join()

    assert failures == []
    assert read() == truth
    tried("the index was deleted under three readers", times=count, outcome="every answer was right")


def test_a_reader_whose_index_was_deleted_does_not_see_the_one_that_stands_in_its_place(copied, run_script, tried):
    path = copied()
    path.unlink()  # so that what was brought in last still stands in the log
    done = run_script(
        f"""
        import os, sys
        sys.path.insert(0, {str(HOME)!r})
        from tests.faults import shelf
        from runfork.reading.project import Project
        first = Project.open()
        first.refresh()
        right = shelf.answers(first.index)
        os.unlink({str(path)!r})  # and not what SQLite keeps beside it
        second = Project.open()
        for project in (first, second, first):
            project.refresh()
            print(shelf.answers(project.index) == right)
        """
    )

    assert done.stdout.split() == ["True"] * 3, done.stderr
    tried(
        "the index was deleted under a reader, and made anew beside it in one process",
        times=1,
        outcome="both were right",
    )


def test_another_version_under_a_reader_is_noticed(copied, truth, tried):
    versions = [1, 9999]
    for version in versions:
        path = copied()
        with Project.open() as project:
            project.refresh()
            with closing(sqlite3.connect(path)) as other:
                other.execute(f"PRAGMA user_version = {version}")
                other.execute("UPDATE run SET state = 'whatever that means there'")
                other.commit()
            project.refresh()

            assert shelf.answers(project.index) == truth
        assert read() == truth
    tried(
        "another version of runfork took the index under a reader", times=len(versions), outcome="made anew, and right"
    )


LOCKER = """
import sqlite3, sys
connection = sqlite3.connect({path!r}, isolation_level=None)
connection.execute('{mode}')
connection.execute('BEGIN EXCLUSIVE')
connection.execute('SELECT count(*) FROM run').fetchone()
print('locked', flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("mode", ["PRAGMA locking_mode = NORMAL", "PRAGMA locking_mode = EXCLUSIVE"])
def test_an_index_that_another_process_keeps_locked_is_done_without(
    mode, copied, truth, start_script, monkeypatch, tried
):
    monkeypatch.setattr("runfork.index.sqlite.schema.BUSY_SECONDS", 1.0)  # of half a minute
    path = copied()
    locker = start_script(LOCKER.format(path=str(path), mode=mode))
    assert locker.stdout.readline() == "locked\n"
    with Run(run_id="news", source_tracking_config=None) as run:
        run.log_metrics({"loss": 1}, step=1)
    with pytest.warns(RunforkWarning, match="cannot be used .database is locked.*read without it"):
        found = read()
    locker.communicate("\n", timeout=HANG_SECONDS)

    assert found == shelf.truth()
    assert read() == found
    tried(
        f"another process kept the index locked ({mode.split(' = ')[1].lower()})",
        times=1,
        outcome="after half a minute the journals are read without it, rightly",
    )


@pytest.mark.parametrize("size", ["64k", "512k", "1m"])
def test_an_index_that_finds_no_space_is_done_without_until_there_is(size, copied, truth, tmp_path, monkeypatch, tried):
    copied()
    with small_disk(tmp_path / "disk", size) as disk:
        monkeypatch.setenv("RUNFORK_INDEX_DIR", str(disk.path))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = read()
        shown = subprocess.run(
            [*RUNFORK, "show", "child"], capture_output=True, text=True, timeout=HANG_SECONDS, check=False
        )
        disk.fill()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found_when_full = read()
        subprocess.run(["mount", "-o", "remount,size=32m", str(disk.path)], check=True)
        disk.clear()

        assert found == found_when_full == truth
        assert shown.returncode == 0, shown.stderr
        assert all("database or disk is full" in str(warning.message) for warning in caught)
        assert read() == truth
        assert list(disk.path.rglob("*.sqlite3"))
    tried(
        f"an index on a disk of {size}, which then grew",
        times=3,
        outcome="where there was no space the journals were read without it, rightly, and said so; with space it was made",
    )


def test_an_index_folder_that_cannot_be_written_is_done_without(copied, truth, tmp_path, monkeypatch, tried):
    copied()
    with small_disk(tmp_path / "disk", "8m") as disk:
        monkeypatch.setenv("RUNFORK_INDEX_DIR", str(disk.path))
        with disk.read_only(), pytest.warns(RunforkWarning, match="Read-only file system.*read without it"):
            at_first = read()
        with_index = read()
        with disk.read_only(), pytest.warns(RunforkWarning, match="cannot be used|cannot be locked"):
            later = read()

    assert at_first == with_index == later == truth
    tried(
        "the folder of the index was read-only",
        times=2,
        outcome="the journals were read without it, rightly, and said so",
    )


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None,
    reason="a second user was not tried: that takes root and setpriv",
)
def test_somebody_who_may_only_read_reads_all(copied, tmp_path, data_directory, monkeypatch, tried):
    copied()
    shutil.rmtree(data_directory / ".index")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    home, sealed, temporary = tmp_path / "home", tmp_path / "sealed", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    sealed.mkdir(0o555)
    for path in (sealed, data_directory, *data_directory.rglob("*")):
        os.chown(path, 65534, 65534)

    def call(place):
        environment = {**os.environ, "HOME": str(place), "TMPDIR": str(temporary)}
        command = [*AS_ANOTHER_USER, *RUNFORK, "ls", "--json"]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=HANG_SECONDS, check=False, env=environment
        )

    with_home, without = call(home), call(sealed)
    data_directory.chmod(0o700)
    forbidden = call(home)

    assert with_home.returncode == without.returncode == 0, with_home.stderr
    assert "child" in with_home.stdout
    assert with_home.stdout == without.stdout
    assert len(list(home.rglob("*.sqlite3"))) == 1
    assert without.stderr == ""
    assert len(list(temporary.rglob("*.sqlite3"))) == 1
    assert not (data_directory / ".index").exists()
    assert forbidden.returncode == 1
    assert forbidden.stderr.count("\n") == 1
    assert "Permission denied" in forbidden.stderr
    tried(
        "another user, who may only read, with and without a home, and without the right to read",
        times=3,
        outcome="all is read, with an index in their cache where there is one, else among their temporary files; else one sentence",
    )


@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None,
    reason="a user without a name was not tried: that takes root and setpriv",
)
def test_a_user_without_a_name_and_a_home_reads_and_logs(copied, tried):
    with tempfile.TemporaryDirectory() as directory:  # whose parents all may search
        place = Path(directory)
        place.chmod(0o755)
        shutil.copytree(copied().parents[2], place / "data")
        shutil.rmtree(place / "data" / ".index")
        (place / "temporary").mkdir()
        for folder in (place / "temporary", place / "own"):
            folder.mkdir(exist_ok=True)
            os.chown(folder, 54321, 54321)
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "RUNFORK_PROJECT") if name in os.environ}
        environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TMPDIR": str(place / "temporary"),
        }
        python = getattr(sys, "_base_executable", sys.executable)
        nobody = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", python]

        def call(*arguments):
            return subprocess.run(
                [*nobody, *arguments],
                capture_output=True,
                text=True,
                timeout=HANG_SECONDS,
                check=False,
                env=environment,
                cwd="/",
            )

        read = call("-m", "runfork", "ls", "--json", "--dir", str(place / "data"))
        script = f"""
import runfork
settings = runfork.Settings(directory={str(place / "own")!r}, project="a/b")
with runfork.Run(run_id="mine", settings=settings) as run:
    run.log_metrics({{"x": 1}}, step=1)
print(runfork.list_runs(project="a/b", directory={str(place / "own")!r}))
"""
        logged = call("-W", "error", "-c", script)

    assert (read.returncode, "child" in read.stdout) == (0, True), read.stderr
    assert read.stderr.count("\n") == 1
    assert "this user has no home directory: indexes are kept in" in read.stderr
    assert logged.returncode == 0, logged.stderr
    assert "['mine']" in logged.stdout
    tried(
        "a user without a passwd entry and HOME",
        times=2,
        outcome="all is read, and one sentence says where the index lies",
    )
