"""`runfork ui` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from runfork.testing.waits import HANG_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


COMMAND = [sys.executable, "-m", "runfork", "ui", "--no-open"]


class UiServer:
    """A running `runfork ui`. It answers when it is made.

    Args:
        directory: The data directory.
        log: A file that takes what it prints.
        arguments: Further arguments of the command.
        environment: Further variables.
    """

    def __init__(
        self, directory: Path, log: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self._log, self._environment, self._arguments = log, dict(environment or {}), arguments
        self._start("--port", "0")

    def _start(self, *arguments: str) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFORK_", "NEPTUNE_"))}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, *arguments, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._log.parent,
                env={**ours, "RUNFORK_DIR": str(self.directory), **self._environment},
            )
        until(lambda: self._found_url() or self._process.poll() is not None, seconds=60)
        self.url = self._found_url()
        """Where it is, with the token: what it prints."""
        assert self.url, f"`runfork ui` ended with {self._process.returncode}: {self.printed()}"
        parts = urlsplit(self.url)
        self.address = f"http://{parts.netloc}"
        given = self._arguments
        self.root_path = given[given.index("--root-path") + 1] if "--root-path" in given else ""
        self.token = parse_qs(parts.query).get("token", [""])[0]

    def _found_url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:[1-9]\d*\S*(?=\s)", self.printed())
        return found[0] if found else ""

    def printed(self) -> str:
        """Return all that it printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def url_of(self, path: str) -> str:
        """Return the URL of a page, such as ``p/tests/project/table``, without the token."""
        return f"{self.address}{self.root_path}/{path.lstrip('/')}"

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self) -> int:
        """End it as Ctrl-C does; return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.wait(HANG_SECONDS)

    def start_again(self) -> None:
        """Start it on the same port; what it prints begins anew."""
        self._start("--port", str(urlsplit(self.url).port))
