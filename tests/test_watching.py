"""Looking at the journals of a project again and again."""

import json
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from runfork.disk.watching import _TURNS, JournalWatch

LONG_AGO = time.time() - 3600


@pytest.fixture
def folder(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    return run


def journal(folder, name, content, *, changed=LONG_AGO):
    path = folder / f"{name}.journal"
    path.write_bytes(content)
    os.utime(folder, (changed, changed))
    return str(path)


def sizes(watch):
    """Look, and return the size of each journal."""
    return {path: file.size for path, file in watch.look().items()}


def test_sizes_of_all_journals_and_of_nothing_else_are_told(tmp_path, folder):
    path = journal(folder, "one", b"12345")
    (folder / "notes.txt").write_text("no journal")
    (tmp_path / ".index").mkdir()
    journal(tmp_path / ".index", "hidden", b"1")

    assert sizes(JournalWatch(tmp_path)) == {path: 5}


def test_a_journal_that_grows_is_told_with_its_size_while_its_folder_stays_the_same(tmp_path, folder):
    path = journal(folder, "one", b"1")
    watch = JournalWatch(tmp_path)
    before = sizes(watch)
    journal(folder, "one", b"123")

    assert [before, sizes(watch)] == [{path: 1}, {path: 3}]


def test_a_journal_in_whose_place_another_lies_is_another_though_it_looks_the_same(tmp_path, folder):
    path = journal(folder, "one", b"1")
    watch = JournalWatch(tmp_path)
    before = dict(watch.look())
    Path(path).write_bytes(b"2")
    os.utime(path, ns=(0, before[path].modified_ns))
    overwritten = dict(watch.look())
    (folder / "other").write_bytes(b"2")
    (folder / "other").replace(path)
    os.utime(folder, (LONG_AGO, LONG_AGO))
    exchanged = dict(watch.look())

    assert before != overwritten != exchanged
    assert before[path].size == overwritten[path].size == exchanged[path].size


@pytest.fixture
def public():
    """A folder that every user may look into, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield path


@contextmanager
def forbidden(folder):
    """Let nobody look into a folder; root is somebody else meanwhile."""
    folder.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def test_a_folder_that_cannot_be_looked_into_holds_what_it_held(public):
    folder = public / "run"
    folder.mkdir()
    path = journal(folder, "one", b"1")
    watch, late = JournalWatch(public), JournalWatch(public)
    watch.look()
    with forbidden(folder):
        looks = list(watch.look()), list(late.look())
        gone = watch.is_gone(path), late.is_gone(path)
        told = [*watch.unreadable.values(), *late.unreadable.values()]
    Path(path).unlink()

    assert looks == ([path], [])
    assert gone == (False, False)
    assert len(told) == 2
    assert all("Permission denied" in reason for reason in told)
    assert [list(watch.look()), watch.is_gone(path)] == [[], True]


def test_a_folder_that_changed_just_now_is_listed_again_though_its_time_is_the_same(tmp_path, folder):
    now = time.time()
    first = journal(folder, "one", b"1", changed=now)
    watch = JournalWatch(tmp_path)
    sizes(watch)
    second = journal(folder, "two", b"2", changed=now)

    assert sizes(watch) == {first: 1, second: 1}


def after(watch, directory):
    """Return a watch of another process, that knows what this one saw."""
    other = JournalWatch(directory)
    assert other.recall(json.loads(json.dumps(watch.remembered()))) == watch.look()
    return other


@pytest.mark.parametrize("changed", [LONG_AGO, None], ids=["settled", "new"])
def test_another_process_sees_what_has_changed_since(tmp_path, folder, changed):
    changed = changed or time.time()
    first = journal(folder, "one", b"1", changed=changed)
    watch = JournalWatch(tmp_path)
    watch.look()
    seen = [sizes(after(watch, tmp_path))]
    other = after(watch, tmp_path)
    Path(first).write_bytes(b"12")
    (tmp_path / "later").mkdir()
    second = journal(tmp_path / "later", "two", b"2")
    seen.append(sizes(other))
    Path(first).unlink()
    third = journal(folder, "three", b"3", changed=changed + (changed == LONG_AGO))
    seen.append(sizes(other))

    assert seen == [{first: 1}, {first: 2, second: 1}, {third: 1, second: 1}]


def test_a_folder_in_whose_place_another_lies_is_listed_again_though_its_time_is_the_same(tmp_path, folder):
    journal(folder, "one", b"1")
    watch = JournalWatch(tmp_path)
    watch.look()
    other = after(watch, tmp_path)
    folder.rename(tmp_path / ".old")
    folder.mkdir()
    second = journal(folder, "two", b"2")

    assert sizes(other) == {second: 1}


def test_folders_that_may_be_passed_over_have_their_turn_and_others_are_looked_at_each_time(tmp_path):
    paths = {}
    for name in ("awake", *map(str, range(20))):
        (tmp_path / name).mkdir()
        paths[name] = journal(tmp_path / name, "one", b"1")
    watch, awake = JournalWatch(tmp_path), {str(tmp_path / "awake")}
    watch.look(awake)
    for path in paths.values():
        Path(path).write_bytes(b"123")
    (tmp_path / "new").mkdir()
    paths["new"] = journal(tmp_path / "new", "one", b"123")

    looks = [{path for path, file in watch.look(awake).items() if file.size > 1} for _ in range(_TURNS)]

    assert all({paths["awake"], paths["new"]} <= grown for grown in looks)
    assert looks[-1] == {*paths.values()}
    assert sum(map(len, looks)) < len(looks) * len(paths)


def test_a_folder_that_is_gone_holds_nothing(tmp_path, folder):
    journal(folder, "one", b"1")
    watch = JournalWatch(tmp_path)
    sizes(watch)
    (folder / "one.journal").unlink()
    folder.rmdir()

    assert sizes(watch) == {}


def test_a_project_that_is_not_there_holds_nothing(tmp_path):
    assert sizes(JournalWatch(tmp_path / "nowhere")) == {}


def test_a_journal_that_vanished_is_told(tmp_path, folder):
    path = folder / "gone.journal"
    path.symlink_to(tmp_path / "nothing")
    watch = JournalWatch(tmp_path)

    assert sizes(watch) == {}
    assert watch.is_gone(str(path))
    assert "No such file" in watch.unreadable[str(path)]
