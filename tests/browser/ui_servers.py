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
from runfork.testing.warm import WarmProcess, start_warm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


SCRIPT = """
import os, sys

printed = os.open(sys.argv.pop(1), os.O_WRONLY)
for stream in (1, 2):
    os.dup2(printed, stream)
from runfork.cli import main

main()
"""
"""`python -m runfork`, with the file that takes what it prints as the first argument."""

MODULES = (
    "runfork.cli",
    "runfork.index.sqlite",
    "runfork_server.command",
    "runfork_server.serving",
    "uvicorn.lifespan.off",
    "uvicorn.loops.asyncio",
    "uvicorn.protocols.http.h11_impl",
)
"""What it imports before it answers, in most of the time that its start takes."""


def _run(log: Path, arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes] | WarmProcess:
    """Run the command line in a process whose output a file takes."""
    with log.open("wb") as printed:
        return subprocess.Popen(
            [sys.executable, "-m", "runfork", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            cwd=log.parent,
            env=environment,
        )


def _run_warm(log: Path, arguments: list[str], environment: Mapping[str, str]) -> WarmProcess:
    """Run it in a process that begins with everything imported."""
    log.write_bytes(b"")
    script = log.with_name(f"{log.name}.py")
    script.write_text(SCRIPT, encoding="utf-8")
    process = start_warm(script, str(log), *arguments, modules=MODULES, cwd=log.parent, environment=environment)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    return process


class UiServer:
    """A running `runfork ui`. It answers when it is made.

    Args:
        directory: The data directory.
        log: A file that takes what it prints.
        arguments: Further arguments of the command.
        environment: Further variables.
        is_warm: Whether its process begins with everything imported, in a tenth of the time.
    """

    def __init__(
        self,
        directory: Path,
        log: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        is_warm: bool = False,
    ) -> None:
        self.directory = directory
        self._log, self._environment, self._arguments = log, dict(environment or {}), arguments
        self._run = _run_warm if is_warm else _run
        self._start("--port", "0")

    def _start(self, *arguments: str) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFORK_", "NEPTUNE_"))}
        environment = {**ours, "RUNFORK_DIR": str(self.directory), **self._environment}
        self._process = self._run(self._log, ["ui", "--no-open", *arguments, *self._arguments], environment)
        until(lambda: self._found_url() or self._process.poll() is not None)
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
