from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runfork import Run
from runfork.capture.source_code import Repository, SourceTrackingConfig
from runfork.journal.reader import JournalReader
from runfork.types import File
from runfork.writing.source_tracking import collect_source_code

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2026-03-05T12:00:00+01:00",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


class Assigned:
    """A run that files are assigned to, journal and log in one."""

    def __init__(self, rank: int = 0) -> None:
        self.rank = rank
        self.files: dict[str, File] = {}

    def assign_files(self, files: dict[str, File]) -> None:
        self.files.update(files)


def git(directory: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", *arguments], cwd=directory, env={**os.environ, **IDENTITY}, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    directory = tmp_path / "code"
    directory.mkdir()
    git(directory, "init", "-q", "-b", "main")
    (directory / "train.py").write_text("lr = 1\n")
    git(directory, "add", ".")
    git(directory, "commit", "-q", "-m", "Train\n\nwith ümlauts")
    monkeypatch.chdir(directory)
    return directory


def collected(**options: Any) -> dict[str, Any]:
    run: Any = Assigned()
    found: dict[str, Any] = collect_source_code(run, run, SourceTrackingConfig(**options))
    return found


def assigned(**options: Any) -> dict[str, File]:
    assigned = Assigned()
    run: Any = assigned
    collect_source_code(run, run, SourceTrackingConfig(**options))
    return assigned.files


def test_commit_is_described(repository: Path) -> None:
    found = collected(upload_run_command=False)

    assert {
        "source_code/commit/commit_id": git(repository, "rev-parse", "HEAD"),
        "source_code/commit/author_name": "Ada",
        "source_code/commit/author_email": "ada@example.org",
        "source_code/commit/message": "Train\n\nwith ümlauts",
        "source_code/commit/commit_date": datetime(2026, 3, 5, 11, tzinfo=timezone.utc),
        "source_code/branch": "main",
        "source_code/dirty": False,
    } == found


def test_folder_inside_the_repository_is_enough(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "deep").mkdir()
    monkeypatch.chdir(repository / "deep")

    assert "main" == collected()["source_code/branch"]


def test_repository_elsewhere_can_be_named(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert "main" == collected(repository=repository)["source_code/branch"]
    assert "main" == collected(repository=str(repository))["source_code/branch"]


def test_namespace_can_be_chosen(repository: Path) -> None:
    assert "main" == collected(namespace="code")["code/branch"]


def test_changed_file_makes_it_dirty_and_new_file_does_not(repository: Path) -> None:
    (repository / "new.py").write_text("x")
    assert collected()["source_code/dirty"] is False

    (repository / "train.py").write_text("lr = 2\n")
    assert collected()["source_code/dirty"] is True


def test_detached_head_is_said(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")

    assert "Detached HEAD" == collected()["source_code/branch"]


def test_credentials_of_remotes_are_left_out(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://ada:hunter2@example.org/code.git")
    git(repository, "remote", "add", "my.fork", "git@example.org:ada/code.git")
    found = collected()

    assert "https://example.org/code.git" == found["source_code/remote/origin"]
    assert "git@example.org:ada/code.git" == found["source_code/remote/my.fork"]
    assert "hunter2" not in repr(found)


def test_changes_are_uploaded_on_request(repository: Path) -> None:
    (repository / "train.py").write_text("lr = 2\n")
    assert {} == assigned()

    patch = assigned(upload_diff_head=True)["source_code/diff/head"]
    assert isinstance(patch.source, bytes)
    assert b"-lr = 1\n+lr = 2\n" in patch.source
    assert "application/patch" == patch.mime_type


def test_no_changes_are_no_file(repository: Path) -> None:
    assert {} == assigned(upload_diff_head=True, upload_diff_upstream=True)


def test_changes_since_upstream_are_uploaded_on_request(repository: Path, tmp_path: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    git(tmp_path, "init", "-q", "--bare", "upstream.git")
    git(repository, "remote", "add", "origin", str(tmp_path / "upstream.git"))
    git(repository, "push", "-q", "-u", "origin", "main")
    (repository / "train.py").write_text("lr = 3\n")
    git(repository, "commit", "-q", "-a", "-m", "Local")

    files = assigned(upload_diff_upstream=True)
    source = files[f"source_code/diff/{base}"].source
    assert isinstance(source, bytes)
    assert b"+lr = 3" in source


def test_entry_point_is_uploaded_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "main.py"
    script.write_text("")
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__=str(script)))

    assert {"source_code/entry_point": File(str(script))} == assigned(upload_entry_point=True)


def test_run_command_is_recorded_unless_unwanted(repository: Path) -> None:
    assert "python" in collected()["source_code/run_command"]
    assert "source_code/run_command" not in collected(upload_run_command=False)


def test_outside_of_a_repository_there_is_nothing_but_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert ["source_code/run_command"] == list(collected(upload_diff_head=True))


def test_repository_without_commit_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    assert Repository.find(tmp_path) is None


def test_missing_git_is_no_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))

    assert {} == collected(upload_run_command=False, upload_diff_head=True)


def test_git_that_hangs_is_given_up(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}{os.pathsep}{os.environ['PATH']}")

    assert {} == Repository(repository, timeout_seconds=0.1).describe()


def test_changes_that_are_too_long_to_keep_are_not_read_to_their_end(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = tmp_path / "bin"
    endless.mkdir()
    (endless / "git").write_text("#!/bin/sh\nexec yes\n")
    (endless / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{endless}{os.pathsep}{os.environ['PATH']}")
    asked = Repository(repository, max_bytes=1_000_000)

    assert asked.diff_head() is None
    assert asked.has_left_out


def test_other_ranks_tell_nothing(repository: Path) -> None:
    run: Any = Assigned(rank=1)

    assert {} == collect_source_code(run, run, SourceTrackingConfig())


def test_nothing_of_the_repository_changes(repository: Path) -> None:
    os.utime(repository / "train.py", (1, 1))  # the index is stale: git would refresh it
    before = (repository / ".git" / "index").read_bytes()
    collected(upload_diff_head=True)

    assert before == (repository / ".git" / "index").read_bytes()


def test_run_records_its_source_code(repository: Path) -> None:
    run = Run(source_tracking_config=SourceTrackingConfig(upload_diff_head=True))
    (repository / "train.py").write_text("lr = 2\n")
    run.close()
    journal = run.status.journal
    assert journal is not None
    batch = JournalReader(journal).read()
    assert batch is not None
    logged = {path: value for record in batch.records for path, value in record.body.items()}

    assert ["string", "main"] == logged["source_code/branch"]
    assert logged["source_code/commit/commit_date"][0] == "datetime"


def test_tracking_can_be_switched_off(repository: Path) -> None:
    run = Run(source_tracking_config=None)
    run.close()
    journal = run.status.journal
    assert journal is not None
    batch = JournalReader(journal).read()
    assert batch is not None

    assert [] == [path for record in batch.records for path in record.body if path.startswith("source_code")]


def test_runs_of_a_script_share_what_git_said_a_moment_ago(repository: Path) -> None:
    run: Any = Assigned()
    config = SourceTrackingConfig()
    before = collect_source_code(run, run, config, asks_anew=False)
    (repository / "train.py").write_text("lr = 2\n")
    again = collect_source_code(run, run, config, asks_anew=False)

    assert before["source_code/dirty"] is again["source_code/dirty"] is False
    assert collected()["source_code/dirty"] is True
