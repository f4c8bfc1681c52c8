import hashlib
import os
from pathlib import Path

import pytest

from runfork import Run
from runfork.disk.logged_files import FOLDER, keep_file, sync_file
from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.types import File, FileReference


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def contents(folder, reference):
    return (folder / "files" / reference.sha256).read_bytes()


def test_contents_lie_under_their_digest(folder):
    reference = keep_file(b"hello", folder)

    assert reference.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert contents(folder, reference) == b"hello"
    assert [one.name for one in (folder / "files").iterdir()] == [reference.sha256]


def test_the_same_contents_are_kept_once(folder, tmp_path):
    (tmp_path / "a").write_bytes(b"hello")
    digests = {
        keep_file(value, folder).sha256 for value in (b"hello", tmp_path / "a", str(tmp_path / "a"), File(b"hello"))
    }

    assert len(digests) == len(list((folder / "files").iterdir())) == 1


def test_what_is_kept_already_stands_for_itself_in_its_own_run_alone(folder, tmp_path):
    reference = keep_file(File(b"hello", "text/greeting", "hello.txt"), folder)

    assert keep_file(reference, folder) is reference
    with pytest.raises(ArgumentError, match=r"keeps no file of the contents of 'hello.txt'; pass the path of a file"):
        keep_file(reference, tmp_path / "another")


def test_a_large_file_is_copied_whole(folder, tmp_path):
    data = os.urandom(3 * 1024 * 1024 + 7)
    (tmp_path / "large.bin").write_bytes(data)
    reference = keep_file(tmp_path / "large.bin", folder)

    assert (reference.size_bytes, contents(folder, reference)) == (len(data), data)


def test_an_empty_file_is_a_file(folder):
    assert contents(folder, keep_file(b"", folder)) == b""


@pytest.mark.parametrize(
    ("name", "head", "mime"),
    [
        ("a.png", b"", "image/png"),
        ("a.yaml", b"", "application/yaml"),
        ("A.CKPT", b"", "application/x-pytorch-checkpoint"),
        ("unknown", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("unknown", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("unknown", b"plain", "application/octet-stream"),
    ],
)
def test_the_media_type_is_told_by_name_and_then_by_contents(folder, tmp_path, name, head, mime):
    (tmp_path / name).write_bytes(head)

    assert mime == keep_file(tmp_path / name, folder).mime_type


def test_what_was_given_comes_first(folder):
    reference = keep_file(File(b"x", mime_type="text/x-mine", name="n.png"), folder)

    assert reference == FileReference(hashlib.sha256(b"x").hexdigest(), 1, "text/x-mine", "n.png")


@pytest.mark.parametrize("value", [3, None, [b"x"], File(3)])  # type: ignore[arg-type]
def test_something_else_is_a_type_error(folder, value):
    with pytest.raises(ArgumentTypeError, match=r"^a file must be a path, bytes or runfork\.File, found "):
        keep_file(value, folder)


@pytest.mark.parametrize("path", ["gone", "", "/", "/dev/null", "a\0b", "x" * 5000])
def test_what_is_no_regular_file_is_refused_and_leaves_nothing(folder, path):
    with pytest.raises(ArgumentError, match=r"is not a readable file \(.*\); pass the path of a file$"):
        keep_file(path, folder)

    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_an_os_error(folder, tmp_path):
    folder.touch()
    for value in (b"x", Path(__file__)):
        with pytest.raises(OSError, match="Not a directory|File exists"):
            keep_file(value, folder)


def test_a_kept_file_can_be_synced_and_one_that_is_gone_is_an_error(tmp_path):
    kept = keep_file(b"contents", tmp_path)
    path = tmp_path / FOLDER / kept.sha256

    sync_file(path)
    path.unlink()

    with pytest.raises(FileNotFoundError):
        sync_file(path)


def test_a_folder_of_files_that_is_gone_before_they_are_synced_harms_no_run(data_directory):
    run = Run(source_tracking_config=None)
    run.assign_files({"config": b"contents"})
    (path,) = (run.directory / FOLDER).iterdir()
    path.unlink()
    run.close()

    assert (run.status.state, run.status.lost_records) == ("finished", 0)


def test_contents_that_power_loss_cut_short_are_written_again(tmp_path):
    path = tmp_path / FOLDER / keep_file(b"contents", tmp_path).sha256
    path.write_bytes(b"")
    keep_file(b"contents", tmp_path)

    assert path.read_bytes() == b"contents"
