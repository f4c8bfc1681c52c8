import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.faults.disks import unwritable

from runfork import Run
from runfork.store import Store, default_project, find_data_directory, is_on_network_file_system, journals_of

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
lustre@tcp:/scratch /scratch\\040space lustre rw 0 0
broken line
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("RUNFORK_DIR")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_argument_comes_first_then_the_environment(place, monkeypatch):
    monkeypatch.setenv("RUNFORK_DIR", "from/environment")

    assert find_data_directory("given") == place / "given"
    assert find_data_directory() == place / "from/environment"


def test_the_home_directory_may_be_spelled_with_a_tilde(place, monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")

    assert find_data_directory("~/runs") == Path("/somewhere/runs")


def test_the_nearest_data_directory_upward_is_found(place, monkeypatch):
    (place / ".runfork").mkdir()
    (place / "deep" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(place / "deep" / "deeper")

    assert find_data_directory() == place / ".runfork"


def test_a_file_of_that_name_is_no_data_directory(place, monkeypatch):
    (place / "deep").mkdir()
    (place / "deep" / ".runfork").touch()
    (place / ".runfork").mkdir()
    monkeypatch.chdir(place / "deep")

    assert find_data_directory() == place / ".runfork"


def test_without_one_it_will_be_here(place):
    assert find_data_directory() == place / ".runfork"
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "project"), [("digits", "local/digits"), ("a b", "local/a b"), (". x .", "local/x")]
)
def test_the_default_project_is_named_after_the_folder(place, monkeypatch, folder, project):
    (place / folder).mkdir()
    monkeypatch.chdir(place / folder)

    assert project == default_project()


def test_the_root_folder_has_a_default_project_too(monkeypatch):
    monkeypatch.chdir("/")

    assert default_project() == "local/default"


@pytest.mark.parametrize(
    ("path", "is_shared"),
    [("/data", False), ("/home/me/x", True), ("/home/local/x", False), ("/scratch space/x", True), ("/homely", False)],
)
def test_network_file_systems_are_recognised_by_the_nearest_mount(path, is_shared):
    assert is_shared == is_on_network_file_system(Path(path), MOUNTS)


def test_projects_are_those_with_a_run(data_directory):
    for project in ("b/two", "a/one", "a/ü.", "w/" + "long" * 90):
        Run(project=project, source_tracking_config=None).close()
    (data_directory / "a" / "empty").mkdir()
    (data_directory / "stray file").touch()

    assert Store(data_directory).projects() == ["a/one", "a/ü.", "b/two", "w/" + "long" * 90]


def test_a_directory_that_is_not_there_has_no_projects(tmp_path):
    assert Store(tmp_path / "none").projects() == []
    assert Store(tmp_path / "none").journals("a/b") == []
    assert journals_of(tmp_path / "none") == []


def test_journals_are_sorted_by_run_and_start(tmp_path):
    store = Store(tmp_path)
    for run_id, name in (("r2", "1.journal"), ("r1", "2.journal"), ("r1", "1.journal"), ("r1", "notes.txt")):
        folder = store.run_directory("a/b", run_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()

    assert [str(path.relative_to(tmp_path)) for path in store.journals("a/b")] == [
        "a/b/r1/1.journal",
        "a/b/r1/2.journal",
        "a/b/r2/1.journal",
    ]


def test_the_index_lies_beside_the_data(tmp_path, monkeypatch):
    monkeypatch.delenv("RUNFORK_INDEX_DIR", raising=False)

    assert Store(tmp_path).index_path("a/b") == tmp_path / ".index" / "a" / "b.sqlite3"


def test_the_index_lies_where_it_is_told_to(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNFORK_INDEX_DIR", str(tmp_path / "i"))

    assert Store(tmp_path).index_directory() == tmp_path / "i"
    assert Store(tmp_path, tmp_path / "j").index_directory() == tmp_path / "j"


def test_the_index_of_data_that_cannot_be_written_lies_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir(mode=0o500)
    with unwritable(tmp_path / "data") if os.geteuid() == 0 else nullcontext():  # modes do not bind root
        found = Store(tmp_path / "data").index_directory()

    assert found.is_relative_to(tmp_path / "cache" / "runfork")
