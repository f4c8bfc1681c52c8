"""Files that are no checkpoints of ours, or are made to harm, cost their readers no more memory than they have bytes."""

from __future__ import annotations

import tracemalloc
import zipfile

import pytest

from runfork.errors import RunforkWarning
from runfork.testing.reading import History
from runfork.writing.run import Run

SIZE = 32 * 1024**2


def bomb(path, member, size=SIZE):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as file:
        for _ in range(size // 1024**2):
            file.write(bytes(1024**2))
    return path


@pytest.mark.parametrize(
    ("name", "member"), [("last.ckpt", "archive/data.pkl"), ("last.pt", "x/data.pkl"), ("a.keras", "model.weights.h5")]
)
def test_a_zip_bomb_is_refused_unread_and_the_run_begins_anew(data_directory, tmp_path, name, member):
    file = bomb(tmp_path / name, member)
    assert file.stat().st_size < SIZE // 500
    tracemalloc.start()
    with pytest.warns(RunforkWarning, match="is compressed, which"), Run("loop", resume_from=file, run_id="first"):
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < SIZE // 8
    assert History(data_directory).parent("first") is None


@pytest.mark.parametrize(
    "options", [{"chunks": (1024,), "compression": "gzip"}, {"external": [("elsewhere", 0, 1024)]}]
)
def test_a_mark_that_does_not_lie_plainly_in_its_file_is_damaged(tmp_path, monkeypatch, options):
    h5py = pytest.importorskip("h5py")
    from runfork_keras.checkpoint_files import find_mark_in_checkpoint

    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").write_bytes(b"{}" + b" " * 1022)
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        file.create_dataset("_runfork_identity/vars/mark", shape=(1024,), dtype="uint8", **options)
    with pytest.raises(ValueError, match="the mark in the checkpoint is damaged"):
        find_mark_in_checkpoint(tmp_path / "a.weights.h5")
