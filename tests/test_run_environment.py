# pyright: reportOptionalMemberAccess=false
import logging
import re
import subprocess
import threading

import pytest
from tests.run_records import bodies

from runfork.journal.format import Kind
from runfork.testing.journals import points_of
from runfork.testing.waits import until


def test_a_data_directory_that_cannot_be_written_raises_nothing(open_run, data_directory, caplog):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)
    run.log_configs({"b": 1})
    run.assign_files({"f": b"x"})
    until(lambda: "cannot be written" in caplog.text)
    status = run.status

    assert status.waiting_bytes > 0
    assert re.search(r"the journal of this run cannot be written \(.*\); training goes on", "\n".join(status.problems))
    assert re.search(r"file 'f' could not be copied to .* check the disk", "\n".join(status.problems))


def test_what_waited_is_written_when_the_directory_can_be(open_run, data_directory):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)
    data_directory.unlink()
    run.close()

    assert points_of(run.directory, "a") == [(1, 1.0)]
    assert run.status.lost_records == 0


def test_what_could_never_be_written_is_told_at_the_end(open_run, data_directory, caplog):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)
    run.close()

    assert run.status.lost_records >= 3
    assert "could not be written: lost" in caplog.text


def test_trouble_with_the_disk_does_not_deadlock_with_a_logging_handler_that_logs_to_the_run(open_run, data_directory):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")

    class ToTheRun(logging.Handler):
        def emit(self, record):
            run.log_string_series({"logs": record.getMessage()}, step=1)

    def warn():
        for _ in range(200):
            logging.getLogger("runfork").warning("x")

    handler = ToTheRun()
    logging.getLogger("runfork").addHandler(handler)
    try:
        threads = [
            threading.Thread(target=lambda: [run.log_metrics({"a": 1}, step=step) for step in range(200)]),
            threading.Thread(target=warn),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        logging.getLogger("runfork").removeHandler(handler)


@pytest.fixture
def full_disk(tmp_path):
    place = tmp_path / "full"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(place)], check=False).returncode != 0:
        pytest.skip("mounting needs to be allowed")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_loses_nothing_that_fits_into_memory(open_run, full_disk, monkeypatch):
    monkeypatch.setenv("RUNFORK_DIR", str(full_disk))
    run = open_run(run_id="r")
    (full_disk / "ballast").write_bytes(b"x" * 80 * 1024)
    for step in range(500):
        run.log_metrics({"a": step, "b": step}, step=step)
        run.log_string_series({"s": "x" * 100}, step=step) if step < 300 else None
    was_full = run.status.waiting_bytes > 0
    (full_disk / "ballast").unlink()
    run.close()

    assert was_full
    assert points_of(run.directory, "a") == [(step, float(step)) for step in range(500)]
    assert len(bodies(run, Kind.STRINGS)) == 300
    assert run.status.lost_records == 0
