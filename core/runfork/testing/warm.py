"""Processes that begin with everything imported: forked by a server that imported it once. For tests, on systems with ``fork``.

A script that is started here behaves as ``python script.py``: its own process, environment, working directory, pipes, signals and
exit status. Only what is decided when the interpreter or a preloaded module starts (``PYTHONUNBUFFERED``, ``KERAS_BACKEND``) is the
server's.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUN_MODULES = (
    "runfork.writing.run",
    "runfork.writing.background",
    "runfork.plugins",
    "runfork.writing.resume_policy",
    "runfork.writing.journal_progress",
    "runfork.journal.reader",
    "runfork.disk.logged_files",
)
"""What a process with a run imports sooner or later."""

_STREAMS = 3
_READY_SECONDS = 300.0


class WarmProcess:
    """A process of `start_warm`: what tests use of `subprocess.Popen`, with text pipes.

    Args:
        pid: Its process id. It is the server's child.
        status: The pipe that its exit status comes through.
        pipes: Our ends of its stdin, stdout and stderr.
    """

    def __init__(self, pid: int, status: IO[bytes], pipes: Sequence[int]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        self.stdin: IO[str] = os.fdopen(pipes[0], "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(pipes[1], encoding="utf-8", errors="replace")
        self.stderr: IO[str] = os.fdopen(pipes[2], encoding="utf-8", errors="replace")

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self._take_status()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit status, minus the number of the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            self._take_status()
        assert self.returncode is not None
        return self.returncode

    def _take_status(self) -> None:
        text = self._status.read()
        self._status.close()
        self.returncode = int(text) if text else -signal.SIGKILL  # the server itself is gone

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Close its stdin, read what it writes until it ends, and wait for that; return stdout and stderr.

        Raises:
            subprocess.TimeoutExpired: It still runs; what was read is lost.
        """
        self.stdin.close()
        found = ["", ""]

        def read(place: int, stream: IO[str]) -> None:
            found[place] = stream.read()

        readers = [
            threading.Thread(target=read, args=pair, daemon=True) for pair in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        self.stdout.close()
        self.stderr.close()
        return found[0], found[1]

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, if it still runs."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Send SIGTERM, if it still runs."""
        self.send_signal(signal.SIGTERM)


def start_warm(
    file: Path,
    *arguments: str,
    modules: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    settings: Sequence[str] = (),
) -> WarmProcess:
    """Start a script.

    Args:
        file: The script.
        arguments: Its arguments.
        modules: What the server imports beforehand; servers are kept for each set of them until this process ends.
        cwd: Its working directory.
        environment: All of its environment.
        settings: Names of variables that these modules read when they are imported: another value is another server's.
    """
    kept = tuple((name, environment[name]) for name in sorted(settings) if name in environment)
    return _server(tuple(modules), tuple(path for path in sys.path if path), kept).start(
        file, arguments, cwd, environment
    )


@functools.cache
def _server(modules: tuple[str, ...], paths: tuple[str, ...], settings: tuple[tuple[str, str], ...]) -> _Server:
    return _Server(modules, paths, dict(settings))


class _Server:
    """The client's side of a server. Its end closes with this process, and ends the server."""

    def __init__(self, modules: Sequence[str], paths: Sequence[str], settings: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **settings, "PYTHONPATH": os.pathsep.join(paths)},
            )
        atexit.register(self._end)
        self._socket.settimeout(_READY_SECONDS)
        assert self._socket.recv(1), f"a server that imports {', '.join(modules)} did not start"

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()

    def start(self, file: Path, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> WarmProcess:
        said = {"argv": [str(file), *arguments], "cwd": str(cwd), "environment": dict(environment)}
        handle, order = tempfile.mkstemp(suffix=".order")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(said, stream)
        pairs = [os.pipe() for _ in range(_STREAMS + 1)]
        theirs = [pairs[0][0], pairs[1][1], pairs[2][1], pairs[3][1]]
        try:
            with self._lock:
                socket.send_fds(self._socket, [os.fsencode(order)], theirs)
                pid = int(self._socket.recv(32))
        finally:
            for end in theirs:
                os.close(end)
            Path(order).unlink()
        return WarmProcess(pid, os.fdopen(pairs[3][0], "rb"), [pairs[0][1], pairs[1][0], pairs[2][0]])


# In the server


def _serve(orders: socket.socket) -> list[str]:
    """Fork a process for each order that comes, and tell how each ended; returns in those processes only: ``sys.argv``."""
    running: dict[int, int] = {}
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write_end)
    orders.sendall(b"!")
    while True:
        ready, _, _ = select.select([orders.fileno(), read_end], [], [])
        if read_end in ready:
            os.read(read_end, 4096)
            _reap(running)
        if orders.fileno() not in ready:
            continue
        path, files, _, _ = socket.recv_fds(orders, 4096, _STREAMS + 1)
        if not path:
            os._exit(0)
        order = json.loads(Path(os.fsdecode(path)).read_text(encoding="utf-8"))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (read_end, write_end, files[_STREAMS], *running.values()):
                os.close(end)
            orders.close()
            _take(order, files[:_STREAMS])
            return list(order["argv"])
        for end in files[:_STREAMS]:
            os.close(end)
        running[pid] = files[_STREAMS]
        orders.sendall(str(pid).encode())


def _reap(running: dict[int, int]) -> None:
    for pid, end in tuple(running.items()):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(running.pop(pid))


def _take(order: Mapping[str, Any], files: Sequence[int]) -> None:
    """Become what the order says."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])


def _main_module(argv: list[str]) -> dict[str, Any]:
    file = argv[0]
    main = types.ModuleType("__main__")
    main.__file__ = file
    sys.modules["__main__"] = main
    sys.argv = argv
    sys.path.insert(0, str(Path(file).parent))
    return main.__dict__


if __name__ == "__main__":
    _socket = socket.socket(fileno=int(sys.argv[1]))
    for _name in sys.argv[2:]:
        importlib.import_module(_name)
    gc.collect()
    gc.freeze()
    _argv = _serve(_socket)
    # An exception of the script reaches the interpreter itself, which ends as for any other script.
    exec(compile(Path(_argv[0]).read_text(encoding="utf-8"), _argv[0], "exec"), _main_module(_argv))  # noqa: S102
