"""Places that cannot be written, or are taken away under a live run: nothing raises, nothing that can be kept is lost."""

import logging
import shutil
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from tests.faults.disks import small_disk, unwritable

import runfork
from runfork import Run
from runfork.disk.layout import Store
from runfork.errors import RunforkWarning
from runfork.journal.format import Kind
from runfork.reading.project import Project
from runfork.testing.journals import batches_of, points_of, records_of
from runfork.testing.waits import until

CALL_SECONDS = 5.0


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, "runfork")
    return lambda: caplog.messages


def new_run():
    return Run(run_id="r", source_tracking_config=None)


def log(run, steps):
    for step in steps:
        start = time.monotonic()
        run.log_metrics({"a": step}, step=step)
        run.log_configs({f"c/{step}": step})
        assert time.monotonic() - start < CALL_SECONDS


def check(folder, count):
    assert points_of(folder, "a") == [(step, float(step)) for step in range(count)]
    written = {path for record in records_of(folder, Kind.CONFIGS) for path in record.body if path.startswith("c/")}
    assert written == {f"c/{step}" for step in range(count)}
    assert all(batch.damage == [] for path in folder.glob("*.journal") for batch in batches_of(path))


@pytest.fixture
def disk(tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk", "8m") as found:
        monkeypatch.setenv("RUNFORK_DIR", str(found.path / "data"))
        yield found


def test_a_run_that_begins_on_a_read_only_disk_is_kept_once_it_can_be_written(disk, told, tried):
    with disk.read_only():
        run = new_run()
        log(run, range(100))
        run.assign_files({"f": b"contents"})
        run.checkpoint_mark(3)
        waiting = run.status.waiting_bytes
    log(run, range(100, 200))
    until(lambda: not run.status.waiting_bytes)
    run.close()

    assert waiting > 0
    check(run.directory, 200)
    assert sum("Read-only file system" in message and "cannot be written" in message for message in told()) == 1
    assert sum("could not be copied" in message for message in told()) == 1
    assert (run.status.lost_records, run.status.dropped_values) == (0, 1)
    tried("a run began on a read-only disk, which was made writable later", times=1, outcome="every record is there; the file that "
          "could not be copied was counted; told once")  # fmt: skip


def test_a_run_on_a_disk_that_stays_read_only_says_what_is_lost(disk, told, tried):
    with disk.read_only():
        run = new_run()
        log(run, range(100))
        start = time.monotonic()
        run.close()

    assert time.monotonic() - start < 10
    assert run.status.lost_records >= 200
    assert [message for message in told() if message.endswith("could not be written: lost")]
    assert not (disk.path / "data").exists()
    tried(
        "a run began and ended on a read-only disk",
        times=1,
        outcome="nothing raised; the number of records lost was told once",
    )


def test_a_disk_that_turns_read_only_refuses_new_files_and_takes_what_is_open(disk, told, tried):
    run = new_run()
    log(run, range(50))
    with disk.read_only():
        log(run, range(50, 100))
        run.log_files({"f": b"first"}, step=1)
        run.log_files({"f": b"second"}, step=2)
    run.log_files({"f": b"third"}, step=3)
    run.close()

    check(run.directory, 100)
    assert [record.step // 1_000_000 for record in records_of(run.directory, Kind.FILES)] == [3]
    assert run.status.dropped_values == 2
    assert sum("could not be copied" in message for message in told()) == 1
    tried(
        "a disk turned read-only under a run, and back",
        times=1,
        outcome="the journal went on; two files were counted and told once",
    )


def test_a_journal_that_refuses_writes_for_a_while_loses_nothing(data_directory, told, rounds, tried):
    count = rounds(5, 60)
    run = new_run()
    log(run, range(10))
    assert run.journal.path is not None
    for number in range(count):
        with unwritable(run.journal.path):
            log(run, range(10 + 20 * number, 20 + 20 * number))
            assert run.status.waiting_bytes
        log(run, range(20 + 20 * number, 30 + 20 * number))
        run.journal.sync()
    run.close()

    check(run.directory, 10 + 20 * count)
    assert sum("Operation not permitted" in message for message in told()) == 1
    tried(
        "a journal refused writes through its open file, and took them again",
        times=count,
        outcome="every record is there, in order",
    )


@pytest.mark.parametrize(
    "obstacle", ["a file where the data directory should be", "an immutable folder", "a dangling link"]
)
def test_a_place_where_nothing_can_be_made_is_used_once_it_can(obstacle, tmp_path, monkeypatch, tried):
    place = tmp_path / "place"
    monkeypatch.setenv("RUNFORK_DIR", str(place / "data"))
    held: AbstractContextManager[None] = nullcontext()
    if obstacle.startswith("a file"):
        place.write_text("in the way")
    elif obstacle.startswith("a dangling"):
        place.symlink_to(tmp_path / "nowhere" / "at" / "all")
    else:
        place.mkdir()
        held = unwritable(place)
    with held:
        run = new_run()
        log(run, range(20))
        assert run.status.waiting_bytes
    if not obstacle.startswith("an immutable"):
        place.unlink()
    run.journal.sync()
    log(run, range(20, 30))
    run.close()

    check(run.directory, 30)
    tried(f"{obstacle} stood in the way of a run, and went", times=1, outcome="every record is there")


@pytest.mark.parametrize("what", ["its folder", "its journal", "the data directory"])
def test_a_live_run_whose_files_are_deleted_goes_on_and_says_so(what, data_directory, told, tried):
    run = new_run()
    other = Run(run_id="other", source_tracking_config=None)
    log(run, range(10))
    log(other, range(10))
    assert run.journal.path is not None
    if what == "its journal":
        run.journal.path.unlink()
    else:
        shutil.rmtree(run.directory if what == "its folder" else data_directory)
    log(run, range(10, 20))
    run.log_files({"f": b"contents"}, step=1)
    run.journal.sync()
    run.close()
    log(other, range(10, 20))
    other.close()

    assert (
        sum(
            "was deleted: what is logged from now on is gone with it" in message and "/r/" in message
            for message in told()
        )
        == 1
    )
    if what != "the data directory":
        check(other.directory, 20)
    with Project.open() as project:
        project.refresh()
    tried(f"{what} was deleted under a live run", times=1, outcome="training went on; told once; other runs are whole")


def test_logged_files_that_were_deleted_are_named_and_later_ones_are_kept(data_directory, tmp_path, tried):
    run = new_run()
    run.assign_files({"first": b"first"})
    shutil.rmtree(run.directory / "files")
    run.assign_files({"second": b"second", "again": b"first"})
    run.assign_files({"third": b"third"})
    shutil.rmtree(run.directory / "files")
    run.assign_files({"last": b"last"})
    run.close()
    files = runfork.fetch_runs_table(runs=["r"], attributes=["first", "last"])
    with pytest.warns(RunforkWarning, match="the contents of 'first' of 'r' are not at .*; copy them there"):
        copies = runfork.download_files(files=files, destination=tmp_path / "copies")

    assert [None, b"last"] == [path and Path(path).read_bytes() for path in copies.iloc[0]]
    tried(
        "the folder of logged files was deleted under a live run",
        times=2,
        outcome="later files are kept; the others are named",
    )


def test_a_data_directory_that_is_moved_under_a_live_run_takes_the_journal_along(data_directory, tried):
    run = new_run()
    log(run, range(10))
    moved = data_directory.with_name("moved")
    data_directory.rename(moved)
    log(run, range(10, 20))
    run.close()

    check(Store(moved).run_directory("tests/project", "r"), 20)
    tried("the data directory was moved under a live run", times=1, outcome="every record is in the moved journal")
