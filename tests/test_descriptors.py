"""Whose file a number stands for: programs close files they did not open, and are given their numbers for files of their own."""

from __future__ import annotations

import os

import pytest

from runfork.journal.descriptors import _append, append, close_own, close_signed, is_signed, open_descriptor, sign
from runfork.journal.locks import locked
from runfork.reading.project import Project
from runfork.testing.journals import points_of
from runfork.testing.reading import History
from runfork.testing.waits import await_plugins

CLOSED_AND_TAKEN = """
    import os
    from runfork import Run
    from runfork.testing.waits import await_plugins

    run = Run("digits", run_id="r", source_tracking_config=None)
    run.log_metrics({"loss": 0.0}, step=0)
    await_plugins(run)  # what is being imported has files of Python's own open
    os.closerange(3, 4096)  # what a library does that makes a daemon
    taken = [open(f"mine_{number}.txt", "ab") for number in range(64)]
    for file in taken:
        file.write(b"mine")
        file.flush()
    THEN
    for number, file in enumerate(taken):
        os.fstat(file.fileno())  # still open
        file.close()
        assert open(f"mine_{number}.txt", "rb").read() == b"mine", number
    print("done")
"""


def closed_and_taken(run_script, then):
    done = run_script(CLOSED_AND_TAKEN.replace("THEN", "\n    ".join(then)))

    assert (done.stdout.split(), done.returncode) == (["done"], 0), done.stderr
    return done.stderr


def test_bytes_never_reach_a_file_of_the_program_that_was_given_our_number(run_script, data_directory):
    log = ["for step in range(1, 100): run.log_metrics({'loss': float(step)}, step=step)", "run.close()"]
    said = closed_and_taken(run_script, log)
    history = History(data_directory)

    assert history.points("r", "loss") == {step: float(step) for step in range(100)}
    assert history.values("r")["sys/state"] == "finished"
    assert said.count("it was opened again, nothing is lost") == 1


@pytest.mark.parametrize("moment", ["at once", "after a sync"])
def test_closing_a_run_closes_no_file_of_the_program(run_script, data_directory, moment):
    closed_and_taken(run_script, ["run.close()"] if moment == "at once" else ["run.journal.sync()", "run.close()"])

    assert History(data_directory).values("r")["sys/state"] == "finished"


def test_end_of_the_program_closes_no_file_of_it(run_script, data_directory):
    closed_and_taken(run_script, ["run.add_tags(['late'])"])

    assert History(data_directory).values("r")["sys/tags"] == {"late"}


def test_program_that_makes_a_daemon_of_itself_goes_on_logging(run_script, data_directory):
    done = run_script(
        """
        import os, sys
        from runfork import Run

        run = Run("digits", run_id="r", source_tracking_config=None)
        run.log_metrics({"loss": 0.0}, step=0)
        reader, writer = os.pipe()
        if os.fork():
            os.close(writer)
            os.read(reader, 1)  # until the daemon has ended
            os._exit(0)
        os.setsid()
        os.closerange(3, writer)
        os.closerange(writer + 1, 4096)
        mine = [open(f"mine_{number}.txt", "ab") for number in range(64)]
        for step in range(1, 10):
            run.log_metrics({"loss": float(step)}, step=step)
        run.close()
        for file in mine:
            os.fstat(file.fileno())
        assert not any(os.path.getsize(file.name) for file in mine)
        """
    )

    assert done.returncode == 0, done.stderr
    assert History(data_directory).points("r", "loss") == {step: float(step) for step in range(10)}


def test_two_runs_whose_numbers_are_given_anew_keep_apart(run_script, data_directory):
    done = run_script(
        """
        import os
        from runfork import Run
        from runfork.testing.waits import await_plugins

        first = Run("digits", run_id="a", source_tracking_config=None)
        first.log_metrics({"loss": 1.0}, step=0)
        await_plugins(first)
        os.closerange(3, 4096)
        second = Run("digits", run_id="b", source_tracking_config=None)
        second.log_metrics({"loss": 2.0}, step=0)
        for step in range(1, 5):
            first.log_metrics({"loss": 1.0}, step=step)
            second.log_metrics({"loss": 2.0}, step=step)
        second.close()
        first.log_metrics({"loss": 1.0}, step=5)
        first.close()
        """
    )
    history = History(data_directory)

    assert done.returncode == 0, done.stderr
    assert history.points("a", "loss") == dict.fromkeys(range(6), 1.0)
    assert history.points("b", "loss") == dict.fromkeys(range(5), 2.0)


def test_journal_that_is_closed_and_gone_waits_in_memory_until_it_is_back(open_run, tmp_path):
    run = open_run(run_id="r")
    run.log_metrics({"loss": 0.0}, step=0)
    await_plugins(run)
    path, fd = run.journal.path, run.journal._fd
    path.rename(tmp_path / "away")
    os.close(fd)
    run.log_metrics({"loss": 1.0}, step=1)
    waiting = run.status.waiting_bytes
    (tmp_path / "away").rename(path)
    run.journal._retry_at = 0.0
    run.log_metrics({"loss": 2.0}, step=2)

    assert waiting > 0
    assert points_of(run.directory, "loss") == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert run.status.waiting_bytes == run.status.lost_records == 0


def test_a_run_that_is_opened_while_no_file_can_be_waits_in_memory_until_it_can(run_script, data_directory):
    done = run_script(
        """
        import os, resource
        from runfork import Run
        from runfork.testing.waits import await_plugins

        with Run(run_id="first", source_tracking_config=None) as first:
            await_plugins(first)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = os.dup(0)
        os.close(used)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
        run = Run(run_id="r", source_tracking_config=None)
        run.log_metrics({"loss": 1.0}, step=1)
        print(run.status.waiting_bytes > 0, *run.status.problems, sep="\\n")
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        run.close()
        """
    )
    waits, *problems = done.stdout.splitlines()

    assert (done.returncode, waits) == (0, "True"), done.stderr
    assert any(one.endswith("close files, or raise the limit of open ones") for one in problems)
    assert History(data_directory).points("r", "loss") == {1: 1.0}


def test_another_journal_in_its_place_is_left_alone(open_run):
    run, other = open_run(run_id="r"), open_run(run_id="other")
    await_plugins(run)
    await_plugins(other)
    path, contents = run.journal.path, other.journal.path.read_bytes()
    path.write_bytes(contents)
    os.close(run.journal._fd)
    run.log_metrics({"loss": 1.0}, step=1)

    assert path.read_bytes() == contents
    assert run.status.waiting_bytes > 0
    path.unlink()


def test_number_that_stands_for_another_file_is_not_closed(tmp_path):
    fd = open_descriptor(tmp_path / "ours", os.O_WRONLY | os.O_CREAT)
    known, signed = os.fstat(fd), sign(fd)
    theirs = os.open(tmp_path / "theirs", os.O_WRONLY | os.O_CREAT)
    os.dup2(theirs, fd)
    close_own(fd, known)
    close_signed(fd, signed)

    assert os.fstat(fd).st_ino == os.fstat(theirs).st_ino
    os.close(fd)
    os.close(theirs)
    close_own(fd, known)
    close_signed(fd, signed)


def test_lock_of_a_folder_closes_no_file_of_the_program(tmp_path):
    with locked(tmp_path, 1.0):
        (fd,) = [number for number in range(3, 1024) if _is_open(number, tmp_path)]
        theirs = os.open(tmp_path / "theirs", os.O_WRONLY | os.O_CREAT)
        os.dup2(theirs, fd)

    assert _is_open(fd, tmp_path / "theirs")
    os.close(fd)
    os.close(theirs)


def test_lock_of_an_index_closes_no_file_of_the_program(open_run, tmp_path):
    open_run(run_id="r").close()
    theirs: list[int] = []

    def close_what_is_not_ours(_done: int, _total: int) -> None:
        """Do what a library does that makes a daemon, and open a file then."""
        index = project.store.index_path(project.name)
        if not theirs and index is not None:
            (lock,) = [number for number in range(3, 1024) if _is_open(number, index.with_suffix(".lock"))]
            theirs.extend((os.open(tmp_path / "theirs", os.O_WRONLY | os.O_CREAT), lock))
            os.dup2(theirs[0], lock)

    with Project.open() as project:
        project.refresh(close_what_is_not_ours)

    assert [_is_open(number, tmp_path / "theirs") for number in theirs] == [True, True]
    for number in theirs:
        os.close(number)


def _is_open(number, path):
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False


@pytest.mark.parametrize("append", [append, _append], ids=["here", "without pwrite"])
def test_sign_survives_writes_and_is_shared_by_duplicates(tmp_path, append):
    fd = open_descriptor(tmp_path / "ours", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    signed, copy = sign(fd), os.dup(fd)
    written = [append(fd, b"abc", 0), append(fd, b"def", 3)]

    assert written == [3, 3]
    assert is_signed(fd, signed)
    assert is_signed(copy, signed)
    assert (tmp_path / "ours").read_bytes() == b"abcdef"
    os.close(fd)
    os.close(copy)


def test_two_files_have_different_signs(tmp_path):
    files = [open_descriptor(tmp_path / str(number), os.O_WRONLY | os.O_CREAT) for number in range(50)]

    assert len({sign(fd) for fd in files}) == 50
    for fd in files:
        os.close(fd)


# The disk that does not answer, and the one that forgets what it was not asked to keep

HANGING_DISK = """
    import os, threading, time
    hang = threading.Event()
    real = os.fdatasync
    os.fdatasync = lambda fd: hang.wait() if hangs else real(fd)  # as on a network file system whose server is gone
    hangs = False
    from runfork import Run

    run = Run("digits", run_id="r", source_tracking_config=None)
    run.log_metrics({"loss": 0.0}, step=0)
    hangs = True
    BEFORE
    start = time.monotonic()
    run.close()
    print(time.monotonic() - start)
    print(run.status.problems)
"""


@pytest.mark.parametrize(
    ("before", "seconds"),
    [
        ("pass", 20.0),
        ("while not run.journal.is_syncing: time.sleep(0.01); run.log_metrics({'loss': 1.0}, step=1)", 20.0),
    ],
    ids=["when it is closed", "while it is logged to"],
)
def test_closing_waits_a_few_seconds_for_a_disk_that_does_not_answer(run_script, data_directory, before, seconds):
    done = run_script(HANGING_DISK.replace("BEFORE", before))
    took, _, problems = done.stdout.partition("\n")

    assert done.returncode == 0, done.stderr
    assert float(took) < seconds
    assert "the disk did not say in time that it keeps the journal" in problems
    assert "plugin" not in problems
    assert History(data_directory).values("r")["sys/state"] == "finished"


TRACED = """
    import os
    from pathlib import Path
    calls = []

    def traced(name, call):
        def record(first, *rest, **options):
            place = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else os.path.abspath(first)
            calls.append((name, place))
            return call(first, *rest, **options)
        return record

    for name in ("fdatasync", "fsync", "unlink"):
        setattr(os, name, traced(name, getattr(os, name)))
    from runfork import Run

    def told():
        home = os.environ["RUNFORK_DIR"]
        return [(name, os.path.relpath(place, home)) for name, place in calls]
"""


def traced(run_script, code):
    done = run_script(TRACED + code)

    assert done.returncode == 0, done.stderr
    return [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]


def test_folders_that_name_a_journal_are_synced_with_it(run_script):
    calls = traced(
        run_script,
        """
    run = Run("digits", run_id="r", source_tracking_config=None)
    run.log_metrics({"loss": 0.0}, step=0)
    run.close()
    for name, place in told():
        print(name, place)
    """,
    )
    synced = {place for name, place in calls if name == "fsync"}

    assert [name for name, place in calls if place.endswith(".journal")][-1] == "fdatasync"
    assert {"tests/project/r", "tests/project", "tests", ".", ".."} <= synced


def test_folders_are_synced_once(run_script):
    calls = traced(
        run_script,
        """
    run = Run("digits", run_id="r", source_tracking_config=None)
    for step in range(20):
        run.log_metrics({"loss": 0.0}, step=step)
        run.journal.sync()
    run.close()
    for name, place in told():
        print(name, place)
    """,
    )

    assert [place for name, place in calls if name == "fsync"].count("tests/project") <= 2  # by two threads


def test_journal_that_is_left_is_removed_only_when_the_disk_keeps_the_new_one(run_script):
    calls = traced(
        run_script,
        """
    parent = Run("digits", run_id="p", source_tracking_config=None)
    mark = parent.checkpoint_mark(7)
    parent.close()
    calls.clear()
    os.environ["RUNFORK_RESUME"] = "continue"
    run = Run(run_id="r", source_tracking_config=None)
    run.log_configs({"lr": 0.1})
    run.assign_files({"file": b"contents"})
    run.resume(mark)
    run.close()
    assert run.run_id == "p"
    for name, place in told():
        print(name, place)
    """,
    )
    removed = next(index for index, (name, place) in enumerate(calls) if name == "unlink" and "/r/" in f"/{place}/")
    before = calls[:removed]

    assert any(name == "fdatasync" and place.startswith("tests/project/p/") for name, place in before)
    assert {("fsync", "tests/project/p"), ("fsync", "tests/project/p/files")} <= set(before)


def test_logged_files_are_synced_with_the_folders_that_name_them(run_script):
    calls = traced(
        run_script,
        """
    run = Run("digits", run_id="r", source_tracking_config=None)
    run.assign_files({"file": b"contents"})
    run.close()
    for name, place in told():
        print(name, place)
    """,
    )
    synced = [place for name, place in calls if name == "fsync"]
    contents = next(place for place in synced if place.startswith("tests/project/r/files/"))

    assert "tests/project/r/files" in synced[synced.index(contents) :]
    assert "tests/project/r" in synced


def test_log_calls_go_on_while_the_disk_hangs(run_script, data_directory):
    done = run_script(
        HANGING_DISK.replace(
            "BEFORE",
            "while not run.journal.is_syncing: time.sleep(0.01); run.log_metrics({'loss': 1.0}, step=0)\n"
            "    for step in range(1, 1000): run.log_metrics({'loss': 1.0}, step=step)\n"
            "    hang.set()",
        )
    )

    assert done.returncode == 0, done.stderr
    assert len(History(data_directory).points("r", "loss")) == 1000
