"""The processes of ``runfork demo``: each training has its own, forked from a server that has imported the framework once.

Run as ``python -m runfork_lightning.demo_processes METHOD MODULE``, this is the server: for each list of arguments on stdin (a line
of JSON) it does what ``python -m MODULE`` does with them. It says on stdout, which the trainings share, when each begins and ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from typing import IO, TYPE_CHECKING, Any

from runfork.errors import RunforkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TIMEOUT_SECONDS = 300.0
FORK, SPAWN = "fork", "spawn"
METHOD = FORK if sys.platform == "linux" else SPAWN
"""Elsewhere libraries of the system may fail in a process that was forked after they were loaded: all is imported anew."""

_BEGUN, _ENDED = "demo/pid", "demo/status"


@contextlib.contextmanager
def trainings(
    module: str, folder: Path, environment: Mapping[str, str], *, method: str = METHOD, timeout: float = TIMEOUT_SECONDS
) -> Iterator[Trainings]:
    """Start the server of trainings. It ends with the context, as does what it runs.

    Args:
        module: What they run. It prints lines of JSON.
        folder: Their working directory.
        environment: All of their environment.
        method: How their processes begin, `FORK` or `SPAWN`.
        timeout: The seconds after which one is killed.
    """
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            [sys.executable, "-m", __name__, method, module],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
        ) as server,
    ):
        found = Trainings(server, errors, timeout)
        try:
            yield found
        finally:
            found.end()


class Trainings:
    """Runs trainings, one after the other: see `trainings`."""

    def __init__(self, server: subprocess.Popen[str], errors: IO[str], timeout: float) -> None:
        self._server, self._errors, self._timeout = server, errors, timeout
        self._is_late = False
        self._pid: int | None = None
        self._output: list[str] = []

    def run(self, arguments: Sequence[str], *, is_killed: bool = False) -> dict[str, Any]:
        """Run one to its end and return the last that it says, or kill it (SIGKILL) at the first, and return that.

        Raises:
            RunforkError: It failed, said nothing, or took too long.
        """
        clock = threading.Timer(self._timeout, self._end_late)
        clock.start()
        try:
            said, status = self._listen(arguments, is_killed=is_killed)
        finally:
            clock.cancel()
        if self._is_late:
            raise RunforkError(f"a training of the demo took longer than {self._timeout:g} seconds; try again")
        if status != (-signal.SIGKILL if is_killed else 0):
            self._errors.seek(0)
            raise RunforkError(f"a training of the demo failed:\n{self._errors.read()[-3000:]}")
        if not said:
            raise RunforkError(f"a training of the demo said nothing, found {''.join(self._output)[-300:]!r}")
        return said[0] if is_killed else said[-1]

    def _listen(self, arguments: Sequence[str], *, is_killed: bool) -> tuple[list[dict[str, Any]], int | None]:
        """Return what it says, and its exit status; None where the server ended before it."""
        said: list[dict[str, Any]] = []
        for answer in self._answers(arguments):
            if _BEGUN in answer:
                self._pid = answer[_BEGUN]
            elif _ENDED in answer:
                self._pid = None
                return said, answer[_ENDED]
            else:
                said.append(answer)
            if is_killed and said:
                self._kill()
        return said, None

    def _answers(self, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # the server has ended, and so has its stdout
            os.write(self._server.stdin.fileno(), f"{json.dumps(arguments)}\n".encode())
        self._output.clear()
        for line in self._server.stdout:
            if (answer := _parse(line)) is not None:
                yield answer
            else:
                self._output.append(line)

    def _kill(self) -> None:
        if (pid := self._pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill what runs, and the server."""
        self._kill()
        self._server.kill()

    def _end_late(self) -> None:
        self._is_late = True
        self.end()


def _parse(line: str) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        if isinstance(found := json.loads(line), dict):
            return found
    return None


# In the server


def _serve(method: str, module: str) -> None:
    """Run the module for each order that comes. Returns at the end of each process that is forked for one, too."""
    if method == FORK:
        importlib.import_module(module)
        del sys.modules[module]  # it is run as the main module
        gc.collect()
        gc.freeze()
    for line in sys.stdin:
        command = [sys.executable, "-m", module, *json.loads(line)]
        pid = os.fork() if method == FORK else os.posix_spawn(command[0], command, os.environ, file_actions=[_NO_INPUT])
        if pid == 0:
            _become(module, command)
            return
        _say(_BEGUN, pid)
        _say(_ENDED, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _say(what: str, number: int) -> None:
    print(f"\n{json.dumps({what: number})}", flush=True)  # on a line of its own, whatever the training has written


_NO_INPUT = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)


def _become(module: str, command: list[str]) -> None:
    """Do what the command would do, in this process."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.orig_argv[:] = command
    sys.argv[1:] = command[3:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
