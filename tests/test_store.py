import os
import subprocess
import textwrap
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.faults.disks import unwritable

from runfork import Run
from runfork.disk.index_place import index_place, is_on_network_file_system
from runfork.disk.layout import Store, default_project, find_data_directory, journals_of
from runfork.testing.waits import HANG_SECONDS

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


def test_without_one_it_will_be_in_the_root_of_the_repository(place, monkeypatch):
    (place / "code" / ".git").mkdir(parents=True)
    (place / "code" / "experiments").mkdir()
    monkeypatch.chdir(place / "code" / "experiments")

    assert find_data_directory() == place / "code" / ".runfork"
    assert default_project() == "local/code"


def test_a_linked_worktree_is_a_repository(place, monkeypatch):
    (place / "code" / "deep").mkdir(parents=True)
    (place / "code" / ".git").write_text("gitdir: /elsewhere")
    monkeypatch.chdir(place / "code" / "deep")

    assert default_project() == "local/code"


def test_a_repository_that_may_not_be_written_to_holds_no_data(place, monkeypatch):
    (place / "code" / ".git").mkdir(parents=True)
    (place / "code" / "deep").mkdir()
    monkeypatch.chdir(place / "code" / "deep")
    with unwritable(place / "code"):
        found = find_data_directory()

    assert found == place / "code" / "deep" / ".runfork"


def test_a_home_directory_that_is_kept_in_git_is_no_code_base(place, monkeypatch):
    (place / ".git").mkdir()
    (place / "digits").mkdir()
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.chdir(place / "digits")

    assert (default_project(), find_data_directory()) == ("local/digits", place / "digits" / ".runfork")


def test_repositories_below_one_data_directory_are_projects_of_their_own(place, monkeypatch):
    (place / ".runfork").mkdir()
    (place / "digits" / ".git").mkdir(parents=True)
    monkeypatch.chdir(place / "digits")

    assert (default_project(), find_data_directory()) == ("local/digits", place / ".runfork")


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


def test_what_a_virtual_machine_has_from_its_host_is_shared_unless_it_is_all_it_has():
    mounts = "root / virtiofs rw 0 0\nshare /mnt/share virtiofs rw 0 0\n"

    assert [is_on_network_file_system(Path(path), mounts) for path in ("/tmp/x", "/mnt/share/x")] == [False, True]


@pytest.fixture
def disks(tmp_path, monkeypatch):
    """Folders of a machine, and the text of its mounts where some of them lie on the network."""
    monkeypatch.delenv("RUNFORK_INDEX_DIR", raising=False)
    for variable, name in (("XDG_CACHE_HOME", "cache"), ("TMPDIR", "temporary")):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / name))
    (tmp_path / "data").mkdir()

    def mounts(*shared):
        lines = [f"server:/x {tmp_path / name if name else '/'} nfs4 rw 0 0" for name in shared]
        return "\n".join(["/dev/sda1 / ext4 rw 0 0", *lines])

    return mounts


@pytest.mark.parametrize(
    ("shared", "place"),
    [
        ((), "data/.index"),
        (("data",), "cache/runfork"),
        (("data", "cache"), f"temporary/runfork-{os.geteuid()}"),
        (("", "temporary"), None),
    ],
)
def test_an_index_lies_on_a_disk_of_the_readers_own_machine_or_nowhere(tmp_path, disks, shared, place):
    found = index_place(tmp_path / "data", mounts=disks(*shared))

    if place is None:
        assert found.directory is None
        assert "set RUNFORK_INDEX_DIR to a folder on a disk of this machine" in str(found.reason)
    else:
        assert found.reason is None
        assert found.directory is not None
        assert found.directory.is_relative_to(tmp_path / place)


def test_a_folder_among_temporary_files_that_somebody_else_may_write_is_not_used(tmp_path, disks):
    mounts = disks("data", "cache")
    place = index_place(tmp_path / "data", mounts=mounts).directory
    assert place is not None
    own = place.parent
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    open_to_all = index_place(tmp_path / "data", mounts=mounts).directory
    own.rmdir()
    own.symlink_to(tmp_path / "data")
    linked = index_place(tmp_path / "data", mounts=mounts).directory

    for found in (open_to_all, linked):
        assert found is None or not found.is_relative_to(tmp_path)


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


def test_the_index_lies_where_it_is_told_to_apart_from_those_of_other_data(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNFORK_INDEX_DIR", str(tmp_path / "i"))
    places = [Store(tmp_path / name).index_path("a/b") for name in ("one", "two")]
    given = Store(tmp_path, tmp_path / "j").index_path("a/b")

    assert all(place is not None and place.is_relative_to(tmp_path / "i") for place in places)
    assert places[0] != places[1]
    assert given is not None
    assert given.is_relative_to(tmp_path / "j")


def test_the_index_of_data_that_cannot_be_written_lies_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir(mode=0o500)
    with unwritable(tmp_path / "data") if os.geteuid() == 0 else nullcontext():  # modes do not bind root
        found = Store(tmp_path / "data").index_place().directory

    assert found is not None
    assert found.is_relative_to(tmp_path / "cache" / "runfork")


# What programs make of it

LOG = """
    run = Run("digits", source_tracking_config=None)
    run.log_metrics({"loss": 1.0}, step=1)
    run.close()
    print(run.directory, run.project)
"""


@pytest.fixture
def script(place, monkeypatch, start_script):
    """Run Python code in a folder without any setting."""
    monkeypatch.delenv("RUNFORK_PROJECT")
    monkeypatch.delenv("RUNFORK_QUIET")

    def run(code, folder=place):
        body = textwrap.dedent(code).replace("LOG", textwrap.dedent(LOG).strip())
        process = start_script(f"import os\nos.chdir({str(folder)!r})\nfrom runfork import Run\n{body}")
        out, said = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == 0, said
        return [line.rpartition(" ")[::2] for line in out.splitlines()], said

    return run


@pytest.mark.parametrize("kind", ["repository", "folder"])
def test_jobs_that_are_given_folders_of_their_own_share_a_project_and_a_data_directory(script, place, kind):
    code = place / "digits"
    (code / ".git" if kind == "repository" else code).mkdir(parents=True)
    job = """
        for number in range(2):  # what Hydra does with hydra.job.chdir
            os.makedirs(f"{start}/outputs/{number}")
            os.chdir(f"{start}/outputs/{number}")
            LOG_
    """
    body = "start = os.getcwd()\n" + textwrap.dedent(job).replace(
        "LOG_", textwrap.indent(textwrap.dedent(LOG).strip(), "    ").strip()
    )
    found, _ = script(body, code)

    assert [project for _, project in found] == ["local/digits"] * 2
    assert {Path(directory).parents[2] for directory, _ in found} == {code / ".runfork"}


def test_relative_data_directory_of_the_environment_is_meant_from_where_the_program_was_started(
    script, place, monkeypatch
):
    monkeypatch.setenv("RUNFORK_DIR", "runs")
    found, _ = script("os.mkdir('job'); os.chdir('job')\nLOG")

    assert Path(found[0][0]).parents[2] == place / "runs"


def test_what_is_resumed_from_a_subfolder_finds_its_run(script, place):
    (place / "deep").mkdir()
    found, _ = script(
        """
        parent = Run("digits", source_tracking_config=None)
        mark = parent.checkpoint_mark(7)
        parent.close()
        os.chdir("deep")
        run = Run(resume_from=mark, source_tracking_config=None)
        run.close()
        print(run.directory.parent == parent.directory.parent, run.parent == (parent.run_id, 7))
        """
    )

    assert found == [("True", "True")]


def test_a_folder_that_is_left_later_is_still_where_an_open_run_is_written(script, place):
    (place / "elsewhere").mkdir()
    found, _ = script(
        """
        run = Run("digits", source_tracking_config=None)
        os.chdir("elsewhere")
        run.log_metrics({"loss": 1.0}, step=1)
        run.assign_files({"file": b"contents"})
        run.close()
        print(run.directory, run.project)
        """
    )
    (directory, project), journals = found[0], list(place.rglob("*.journal"))

    assert project == f"local/{place.name}"
    assert [path.parent for path in journals] == [Path(directory)]
    assert Path(directory).parents[2] == place / ".runfork"
    assert list((place / "elsewhere").iterdir()) == []


def test_a_folder_that_is_deleted_under_the_program_keeps_no_run_from_being_made(script, place):
    (place / "gone").mkdir()
    found, _ = script("os.chdir('gone'); os.rmdir('../gone')\nLOG")

    assert found[0][1] == f"local/{place.name}"


# Git


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_git_sees_nothing_of_the_data_directory(place):
    git(place, "init", "-q")
    Run("digits", source_tracking_config=None).close()

    assert (place / ".runfork").is_dir()
    assert git(place, "status", "--porcelain") == ""


def test_the_file_that_tells_git_so_is_written_once_and_never_over_another(place):
    (place / ".runfork").mkdir()
    Run("digits", source_tracking_config=None).close()
    ignored = place / ".runfork" / ".gitignore"
    before = ignored.read_text()
    ignored.write_text("!runs")
    Run("digits", source_tracking_config=None).close()
    kept = ignored.read_text()
    ignored.unlink()
    Run("digits", source_tracking_config=None).close()

    assert (before, kept, ignored.exists()) == ("*\n", "!runs", False)


def test_a_folder_of_somebody_else_gets_no_such_file(place, monkeypatch):
    (place / "train.py").touch()
    monkeypatch.setenv("RUNFORK_DIR", ".")
    Run("digits", source_tracking_config=None).close()

    assert not (place / ".gitignore").exists()
