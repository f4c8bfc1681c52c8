"""What is recorded of the source code, and what git knows of it, without the secrets in it.

Asked of the ``git`` executable, on runfork's own thread, each question with a time limit. Where there is no git, no repository
or no commit, or where git does not answer in time, that part is left out.
"""

from __future__ import annotations

import os
import re
import select
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.model.secrets import mask_text

if TYPE_CHECKING:
    import subprocess

MAX_TEXT = 64 * 1024
MAX_DIFF_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class SourceTrackingConfig:
    """What is recorded of the source code.

    Args:
        namespace: Where it is recorded.
        repository: A folder of the git repository; None takes the working directory's.
        upload_run_command: Whether the command line is recorded, with arguments that look like secrets masked; of a notebook its
            file, where the kernel is told that.
        upload_entry_point: Whether the script that was started is uploaded; of a notebook, the cells that ran until the run ended.
            They are uploaded as they are, as changes are, see below.
        upload_diff_head: Whether changes since the commit are uploaded as a patch. They are uploaded as they are: a secret
            in them, too.
        upload_diff_upstream: Whether changes since the last commit that the upstream branch has are uploaded as a patch.
    """

    namespace: str = "source_code"
    repository: str | os.PathLike[str] | None = None
    upload_run_command: bool = True
    upload_entry_point: bool = False
    upload_diff_head: bool = False
    upload_diff_upstream: bool = False


class Repository:
    """A git repository with at least one commit.

    Args:
        directory: Any folder in it.
        timeout_seconds: How long git may take for an answer; six times as long for a diff.
        max_bytes: A longer answer is none.
    """

    def __init__(self, directory: Path, *, timeout_seconds: float = 5.0, max_bytes: int = MAX_DIFF_BYTES) -> None:
        self._directory = directory
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self.has_left_out = False
        """Whether an answer was too long."""

    @classmethod
    def find(cls, directory: str | os.PathLike[str] | None) -> Repository | None:
        """Return the repository around `directory`, or None."""
        try:
            repository = cls(Path(directory) if directory is not None else Path.cwd())
        except OSError:  # the working directory was deleted
            return None
        return repository if repository._ask("rev-parse", "--verify", "--quiet", "HEAD") else None

    def describe(self) -> dict[str, Any]:
        """Return commit, branch, dirty and remotes, by name."""
        found = self._commit()
        if branch := self._text("rev-parse", "--abbrev-ref", "HEAD"):
            found["branch"] = "Detached HEAD" if branch == "HEAD" else branch
        changes = self._ask("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
        if changes is not None:
            found["dirty"] = bool(changes.strip())
        found.update({f"remote/{name}": mask_text(url) for name, url in self._remotes()})
        return found

    def _commit(self) -> dict[str, Any]:
        answer = self._ask("log", "-1", "--no-show-signature", "--format=%H%x00%an%x00%ae%x00%cI%x00%B", "HEAD")
        parts = (answer or b"").decode("utf-8", "replace").split("\0", 4)
        if len(parts) != 5:  # noqa: PLR2004
            return {}
        commit, name, email, date, message = parts
        found: dict[str, Any] = {
            "commit/commit_id": commit,
            "commit/author_name": name,
            "commit/author_email": email,
            "commit/message": message.strip()[:MAX_TEXT],
        }
        try:
            found["commit/commit_date"] = datetime.fromisoformat(re.sub(r"Z$", "+00:00", date))
        except ValueError:
            found["commit/commit_date"] = date
        return found

    def _remotes(self) -> list[tuple[str, str]]:
        """Return name and URL of each remote, as they stand in the configuration."""
        answer = self._ask("config", "--null", "--get-regexp", r"^remote\..*\.url$") or b""
        remotes = []
        for entry in answer.decode("utf-8", "replace").split("\0"):
            key, _, url = entry.partition("\n")
            if url:
                remotes.append((key[len("remote.") : -len(".url")], url))
        return remotes

    def diff_head(self) -> bytes | None:
        """Return the changes of tracked files since the commit as a patch; None if there are none."""
        return self._diff("HEAD")

    def diff_upstream(self) -> tuple[str, bytes] | None:
        """Return the commit where the upstream branch was left, and the changes since; None if either is not there."""
        base = self._text("merge-base", "HEAD", "@{upstream}")
        patch = self._diff(base) if base else None
        return (base, patch) if base and patch else None

    def _diff(self, base: str) -> bytes | None:
        options = ("--no-color", "--no-ext-diff", "--no-textconv", "--binary")
        patch = self._ask("-c", "diff.autoRefreshIndex=false", "diff", *options, base, "--", times=6.0)
        return patch or None

    def _text(self, *arguments: str) -> str | None:
        answer = self._ask(*arguments)
        return answer.decode("utf-8", "replace").strip() if answer is not None else None

    def _ask(self, *arguments: str, times: float = 1.0) -> bytes | None:
        """Return what git says; None if it fails, is not there, or takes too long."""
        import subprocess

        # Asks no questions, takes no locks, starts no pager and no file system monitor: nothing of the repository changes.
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        command = ["git", "--no-pager", "-c", "core.fsmonitor=false", "-C", str(self._directory), *arguments]
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            ) as process:
                try:
                    return self._read(process, times * self._timeout_seconds)
                finally:
                    process.kill()
        except (OSError, ValueError, subprocess.SubprocessError):
            return None

    def _read(self, process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """Return all that git says; no more of it than we would keep is ever held."""
        assert process.stdout is not None
        parts: list[bytes] = []
        waiting, size = select.poll(), 0
        waiting.register(process.stdout, select.POLLIN)
        deadline = time.monotonic() + seconds
        while size <= self._max_bytes:
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return None
            part = os.read(process.stdout.fileno(), 1024 * 1024)
            if not part:
                return b"".join(parts) if process.wait(max(0.0, deadline - time.monotonic())) == 0 else None
            parts.append(part)
            size += len(part)
        self.has_left_out = True
        return None
