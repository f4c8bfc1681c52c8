"""Journals deleted, moved, replaced and brought back under readers: what they say is what lies there."""

import random
import shutil
import subprocess
import sys

import pytest
from tests.answers import plain_value
from tests.faults import shelf

import runfork
from runfork import Run
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.reading.project import Project

READERS = ["one that stays", "new ones"]


def log(run_id, *values, parent=None, name=None, **configs):
    """Log a run with one point per step after its fork."""
    first = 0
    fork = {}
    if parent is not None:
        first = 2
        fork = {"fork_run_id": parent, "fork_step": 1}
    with Run(name, run_id=run_id, source_tracking_config=None, **fork) as run:
        run.log_configs(configs)
        for step, value in enumerate(values, start=first):
            run.log_metrics({"loss": value}, step=step)
    return run.directory


def truth():
    with Project.open(index_uri="memory://") as project:
        project.refresh()
        return everything(project)


def everything(project):
    """Return all that an index says, but for when it was looked at."""
    index = project.index
    nodes = index.nodes()
    values = index.values(sorted(nodes))
    keys = [
        SeriesKey(run_id, path)
        for run_id, found in values.items()
        for path, value in found.items()
        if value.type.is_series
    ]
    return [
        nodes,
        project.experiments(),
        {key: writer.applied for key, writer in index.writers().items()},
        index.definitions(),
        {run_id: {path: plain_value(value) for path, value in found.items()} for run_id, found in values.items()},
        [shelf.exact(series) for series in index.points(PointsRequest(keys))],
    ]


@pytest.fixture(params=READERS)
def read(request, data_directory):
    """Read the project, by a reader that stays or by a new one, and check that it says what the journals say."""
    stays: list[Project] = []

    def reading():
        index = f"sqlite:///{data_directory.parent / 'index.sqlite3'}"
        project = stays[0] if stays else Project.open(index_uri=index)
        project.refresh()
        found = everything(project)
        if request.param == READERS[0]:
            stays[:] = [project]
        else:
            project.close()
        assert found == truth()
        return found

    yield reading
    for project in stays:
        project.close()


def values_of(found, run_id):
    return {path: value[1] for path, value in found[4][run_id].items()}


def test_a_run_whose_folder_is_deleted_is_gone_and_so_is_what_it_handed_on(read):
    log("old", 1.0, 0.5, 0.4, name="birds", lr=1)
    new = log("new", 0.3, parent="old", name="birds")
    log("other", 9.0)
    before = read()
    shutil.rmtree(new)
    without_head = read()
    log("new", 0.2, parent="old", name="birds")
    read()
    shutil.rmtree(new.parent / "old")
    without_parent = read()

    assert before[1] == {"birds": "new"}
    assert (without_head[1], set(without_head[0])) == ({"birds": "old"}, {"old", "other"})
    assert values_of(without_parent, "new")["sys/forking/is_pending"] is True
    assert "lr" not in values_of(without_parent, "new")
    assert values_of(without_parent, "new")["loss"] == "0.2"


def test_a_run_that_is_deleted_and_logged_anew_has_nothing_of_the_old_one(read):
    folder = log("r", 1.0, 2.0, 3.0, old=1)
    read()
    shutil.rmtree(folder)
    log("r", 7.0, new=1)
    found = read()

    assert values_of(found, "r")["loss"] == "7.0"
    assert "old" not in values_of(found, "r")


def test_a_journal_that_is_deleted_takes_what_it_held_with_it(read):
    log("r", 1.0, 2.0)
    folder = log("r", 5.0, second=1)
    first, second = sorted(folder.glob("*.journal"))
    read()
    second.unlink()
    found = read()

    assert "second" not in values_of(found, "r")
    first.unlink()
    assert read()[0] == {}


def test_a_project_that_is_deleted_is_empty(read, data_directory):
    folder = log("r", 1.0)
    read()
    shutil.rmtree(folder.parent)
    empty = read()
    log("s", 1.0)

    assert empty[0] == {}
    assert set(read()[0]) == {"s"}


def test_a_backup_that_is_put_back_is_what_is_there(read, tmp_path):
    folder = log("r", 1.0, 2.0)
    backup = tmp_path / "backup"
    shutil.copytree(folder, backup)
    log("r", 9.0, later=1)
    read()
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    found = read()

    assert "later" not in values_of(found, "r")
    assert values_of(found, "r")["loss"] == "2.0"


@pytest.mark.parametrize("is_longer", [False, True])
def test_a_journal_that_is_overwritten_in_its_place_is_what_is_there(read, is_longer):
    first = log("a", *(float(number) for number in range(3)))
    second = log("b", *(float(number) for number in range(3 + 4 * is_longer)), other=1)
    (mine,), (other,) = first.glob("*.journal"), second.glob("*.journal")
    read()
    with mine.open("r+b") as file:
        file.write(other.read_bytes())
        file.truncate()
    shutil.rmtree(second)
    found = read()

    assert set(found[0]) == {"b"}


def test_folders_that_are_moved_and_exchanged_hold_the_runs_that_they_held(read):
    first, second = log("a", 1.0, 2.0, mine="a"), log("b", 3.0, mine="b")
    before = read()
    first.rename(first.parent / "elsewhere")
    moved = read()
    second.rename(first)
    (first.parent / "elsewhere").rename(second)
    exchanged = read()

    assert before[4] == moved[4] == exchanged[4]


def test_a_copy_stands_in_for_a_journal_that_is_gone(read):
    folder = log("r", 1.0, 2.0)
    shutil.copytree(folder, folder.parent / "copy")
    before = read()
    shutil.rmtree(folder)

    assert read()[4] == before[4]


class Mischief:
    """Does things to the folders of runs, chosen at random."""

    ACTIONS = ("log", "log", "log", "fork", "delete", "delete_journal", "back_up", "restore", "move", "cut", "touch")

    def __init__(self, folder, backups):
        self._folder, self._backups = folder, backups
        self._random = random.Random(1)

    def act(self):
        action = self._random.choice(self.ACTIONS)
        folders = sorted(self._folder.glob("*"))
        journals = sorted(self._folder.glob("*/*.journal"))
        if action in ("log", "fork") or not journals:
            getattr(self, action if action == "fork" else "log")()
        elif action in ("delete_journal", "cut", "touch"):
            getattr(self, action)(self._random.choice(journals))
        else:
            getattr(self, action)(self._random.choice(folders))
        return action

    def log(self):
        values = map(float, range(self._random.randrange(4)))
        log(self._random.choice("abcd"), *values, name="e", **{self._random.choice("xyz"): 1})

    def fork(self):
        run_id, parent = self._random.sample("abcd", 2)
        log(run_id, 5.0, parent=parent, name="e")

    def delete(self, folder):
        shutil.rmtree(folder)

    def back_up(self, folder):
        shutil.rmtree(self._backups / folder.name, ignore_errors=True)
        shutil.copytree(folder, self._backups / folder.name)

    def restore(self, _):
        for backup in sorted(self._backups.glob("*"))[:1]:
            if self._random.random() < 0.5:
                shutil.rmtree(self._folder / backup.name, ignore_errors=True)
            shutil.copytree(backup, self._folder / backup.name, dirs_exist_ok=True)

    def move(self, folder):
        shutil.rmtree(self._folder / "moved", ignore_errors=True)
        if folder.exists():
            folder.rename(self._folder / "moved")

    def delete_journal(self, journal):
        journal.unlink()

    def cut(self, journal):
        with journal.open("r+b") as file:
            file.truncate(journal.stat().st_size * 2 // 3)

    def touch(self, journal):
        journal.touch()


@pytest.mark.filterwarnings("ignore:run .* exists and is")
def test_whatever_is_done_to_folders_readers_say_what_lies_there(data_directory, tmp_path, rounds, tried):
    times = rounds(25, 600)
    index = f"sqlite:///{tmp_path / 'index.sqlite3'}"
    mischief = Mischief(data_directory / "tests" / "project", tmp_path / "backups")
    done = []
    with Project.open(index_uri=index) as stays:
        for number in range(times):
            done.append(mischief.act())
            if number % 4:
                with Project.open(index_uri=index) as project:
                    project.refresh()
                    found = everything(project)
                stays.refresh()

                assert found == everything(stays) == truth(), done[-5:]
    tried(
        "folders and journals were deleted, moved, cut, backed up and brought back under readers, between runs that logged",
        times=times,
        outcome="readers that stay and new ones said what the journals say",
    )


def test_commands_and_queries_forget_what_is_deleted():
    folder = log("gone", 1.0, name="e")
    log("left", 2.0, parent="gone", name="e")
    before = runfork.list_runs()
    shutil.rmtree(folder)
    shown = subprocess.run(
        [sys.executable, "-m", "runfork", "lineage", "left"], capture_output=True, text=True, check=True
    )

    assert (before, runfork.list_runs()) == (["left", "gone"], ["left"])
    assert runfork.fetch_metrics(runs="left", attributes="loss").index.get_level_values("step").tolist() == [2.0]
    assert "not here" in shown.stdout or "pending" in shown.stdout
