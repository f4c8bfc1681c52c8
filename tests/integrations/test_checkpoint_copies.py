"""Copies of checkpoint files in a run: made beside training, and kept as long as the files."""

from __future__ import annotations

import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest

from runfork import Run
from runfork.disk import logged_files
from runfork.disk.logged_files import keep_file
from runfork.training.checkpoint_copies import CheckpointCopies

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("data_directory")


def kept(run: Run) -> set[bytes]:
    return {path.read_bytes() for path in (run.directory / "files").glob("[!.]*")}


def test_a_file_is_read_on_another_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "last.ckpt").write_bytes(b"one")
    copies, readers = CheckpointCopies(), set()

    def watched(path: Any, folder: Any) -> Any:
        readers.add(threading.get_ident())
        return keep_file(path, folder)

    monkeypatch.setattr(logged_files, "keep_file", watched)
    with Run() as run:
        copies.take(run, str(tmp_path / "last.ckpt"), 1)
        copies.join()

        assert {b"one"} == kept(run)
    assert {threading.get_ident()}.isdisjoint(readers)
    assert readers


def test_copies_are_those_of_the_files_that_are_there(tmp_path: Path):
    copies = CheckpointCopies()
    with Run() as run:
        for step, name in enumerate(("a.ckpt", "b.ckpt", "last.ckpt", "c.ckpt", "last.ckpt")):
            (tmp_path / name).unlink(missing_ok=True)
            (tmp_path / name).write_bytes(b"%d" % step)
            if name == "c.ckpt":
                (tmp_path / "a.ckpt").unlink()
            copies.take(run, str(tmp_path / name), step)
            copies.join()
        copies.take(run, str(tmp_path / "gone.ckpt"), 9)
        copies.join()

        assert {b"1", b"3", b"4"} == kept(run)
        assert () == run.status.problems


def test_what_the_user_logged_himself_stays(tmp_path: Path):
    copies, file = CheckpointCopies(), tmp_path / "last.ckpt"
    with Run() as run:
        file.write_bytes(b"one")
        run.assign_files({"mine": file})
        copies.take(run, str(file), 1)
        copies.join()
        file.write_bytes(b"two, longer")
        copies.take(run, str(file), 2)
        copies.join()

        assert {b"one", b"two, longer"} == kept(run)


def test_what_copies_files_can_be_sent_to_another_process():
    assert isinstance(pickle.loads(pickle.dumps(CheckpointCopies())), CheckpointCopies)


def test_a_copy_that_has_gone_before_the_disk_was_asked_to_keep_it_is_no_fault() -> None:
    with Run() as run:
        run.assign_files({"f": b"x"})
        (copy,) = (run.directory / "files").iterdir()
        copy.unlink()
        run._sync_file(copy)

    assert () == run.status.problems


def test_a_signal_handler_may_save_while_a_file_is_taken(tmp_path: Path, run_script: Any):
    """As a scheduler's signal does, which has a checkpoint saved wherever the program is."""
    done = run_script(
        """
        import signal
        from collections import deque
        from pathlib import Path
        from runfork import Run
        from runfork.training.checkpoint_copies import CheckpointCopies

        class Interrupted(deque):
            def append(self, job):
                super().append(job)
                if job.path == "last.ckpt":
                    signal.raise_signal(signal.SIGUSR1)

        Path("last.ckpt").write_bytes(b"one")
        Path("hpc.ckpt").write_bytes(b"two")
        copies = CheckpointCopies()
        copies._jobs = Interrupted()
        with Run() as run:
            signal.signal(signal.SIGUSR1, lambda *_: copies.take(run, "hpc.ckpt", 2))
            copies.take(run, "last.ckpt", 1)
            copies.join()
            print(*sorted(path.read_text() for path in (run.directory / "files").glob("[!.]*")))
        """
    )

    assert (done.returncode, done.stdout) == (0, "one two\n"), done.stderr
