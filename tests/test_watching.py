"""Looking at the journals of a project again and again."""

import os
import time

import pytest

from runfork.watching import JournalWatch

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


def test_sizes_of_all_journals_and_of_nothing_else_are_told(tmp_path, folder):
    path = journal(folder, "one", b"12345")
    (folder / "notes.txt").write_text("no journal")
    (tmp_path / ".index").mkdir()
    journal(tmp_path / ".index", "hidden", b"1")

    assert dict(JournalWatch(tmp_path).sizes()) == {path: 5}


def test_a_journal_that_grows_is_told_with_its_size_while_its_folder_stays_the_same(tmp_path, folder):
    path = journal(folder, "one", b"1")
    watch = JournalWatch(tmp_path)
    before = dict(watch.sizes())
    journal(folder, "one", b"123")

    assert [before, dict(watch.sizes())] == [{path: 1}, {path: 3}]


def test_a_new_journal_is_seen_beside_one_that_is_done(tmp_path, folder):
    path = journal(folder, "one", b"1")
    watch = JournalWatch(tmp_path)
    list(watch.sizes())
    watch.done.add(path)
    assert dict(watch.sizes()) == {}
    other = journal(folder, "two", b"12", changed=LONG_AGO + 1)

    assert dict(watch.sizes()) == {path: 1, other: 2}


def test_a_folder_that_changed_just_now_is_listed_again_though_its_time_is_the_same(tmp_path, folder):
    now = time.time()
    first = journal(folder, "one", b"1", changed=now)
    watch = JournalWatch(tmp_path)
    list(watch.sizes())
    second = journal(folder, "two", b"2", changed=now)

    assert dict(watch.sizes()) == {first: 1, second: 1}


def test_a_folder_that_is_gone_holds_nothing(tmp_path, folder):
    journal(folder, "one", b"1")
    watch = JournalWatch(tmp_path)
    list(watch.sizes())
    (folder / "one.journal").unlink()
    folder.rmdir()

    assert dict(watch.sizes()) == {}


def test_a_project_that_is_not_there_holds_nothing(tmp_path):
    assert list(JournalWatch(tmp_path / "nowhere").sizes()) == []


def test_a_journal_that_vanished_is_told(tmp_path, folder):
    path = folder / "gone.journal"
    path.symlink_to(tmp_path / "nothing")
    watch = JournalWatch(tmp_path)

    assert list(watch.sizes()) == []
    assert "No such file" in watch.unreadable[str(path)]
