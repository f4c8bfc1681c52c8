"""Processes that begin with everything imported: forked by a server that imported it once. For tests, on systems with ``fork``.

A script that is started here behaves as ``python script.py``: its own process, environment, working directory, pipes, signals and
exit status; it imports from where its client does. Only what is decided when the interpreter or a preloaded module starts
(``PYTHONUNBUFFERED``, ``KERAS_BACKEND``) is the server's.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import gc
import hashlib
import importlib
import json
import os
import select
import shutil
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
    "runfork.writing.announcements",
    "runfork.writing.background",
    "runfork.plugins",
    "runfork.capture.environment",
    "runfork.capture.hardware",
    "runfork.capture.unknown_values",
    "runfork.writing.resume_policy",
    "runfork.writing.journal_progress",
    "runfork.journal.reader",
    "runfork.disk.logged_files",
)
"""What a process with a run imports sooner or later."""

SHARED = "WARM_SERVERS"
"""Environment variable: a folder, whose processes share their servers. Without it each process has its own."""

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
        modules: What the server imports beforehand. A server is kept for each set of them while there is a process that has
            started scripts with it.
        cwd: Its working directory.
        environment: All of its environment.
        settings: Names of variables that these modules read when they are imported: another value is another server's.
    """
    kept = tuple((name, environment[name]) for name in sorted(settings) if name in environment)
    return _server(tuple(modules), kept).start(file, arguments, cwd, environment)


@functools.cache
def _server(modules: tuple[str, ...], settings: tuple[tuple[str, str], ...]) -> _Server:
    return _Server(modules, dict(settings))


def _paths() -> list[str]:
    return [path for path in sys.path if path]


class _Server:
    """The client's side of a server, which ends when the last of its clients has."""

    def __init__(self, modules: Sequence[str], settings: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        command = [sys.executable, "-m", __name__]
        environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(_paths())}
        key = json.dumps([command, modules, settings])
        address = _folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.socket"
        for _ in range(2):  # the one that is there may be about to end
            self._socket = _connect(address, [*command, *modules], environment)
            self._socket.settimeout(_READY_SECONDS)
            with contextlib.suppress(ConnectionError):
                if self._socket.recv(1):
                    atexit.register(self._socket.close)
                    return
            self._socket.close()
        raise AssertionError(f"a server that imports {', '.join(modules)} did not start")

    def start(self, file: Path, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> WarmProcess:
        said = {
            "argv": [str(file), *arguments],
            "cwd": str(cwd),
            "environment": dict(environment),
            "paths": _paths(),
        }
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


@functools.cache
def _folder() -> Path:
    """Return where servers are found."""
    if SHARED in os.environ:
        return Path(os.environ[SHARED])
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _connect(address: Path, command: Sequence[str], environment: Mapping[str, str]) -> socket.socket:
    """Connect to the server at an address; it is started where none is, and imports meanwhile."""
    folder = os.open(address.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        found = socket.socket(socket.AF_UNIX)
        try:
            found.connect(str(address))
        except (FileNotFoundError, ConnectionRefusedError):
            address.unlink(missing_ok=True)
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(address))
                listener.listen()
                _start_server([*command[:3], str(listener.fileno()), *command[3:]], environment, listener)
            found.connect(str(address))
    finally:
        os.close(folder)
    return found


def _start_server(command: list[str], environment: Mapping[str, str], listener: socket.socket) -> None:
    """Start it. Nobody waits for its end."""
    listener.set_inheritable(True)
    nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(_STREAMS)]
    os.posix_spawn(sys.executable, command, environment, file_actions=nothing)


# In the server


def _serve(listener: socket.socket) -> list[str]:
    """Fork a process for each order that comes, and tell how each ended; returns in those processes only: ``sys.argv``."""
    clients: list[socket.socket] = []
    running: dict[int, int] = {}
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write_end)
    while True:
        waited_for: list[socket.socket | int] = [listener, read_end, *clients]
        ready, _, _ = select.select(waited_for, [], [])
        if read_end in ready:
            os.read(read_end, 4096)
            _reap(running)
        if listener in ready:
            clients.append(listener.accept()[0])
            clients[-1].sendall(b"!")
        for client in [one for one in clients if one in ready]:
            path, files, _, _ = socket.recv_fds(client, 4096, _STREAMS + 1)
            if not path:
                clients.remove(client)
                client.close()
                continue
            order = json.loads(Path(os.fsdecode(path)).read_text(encoding="utf-8"))
            status = files.pop()
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _close(read_end, write_end, status, *running.values(), *(one.detach() for one in (listener, *clients)))
                _take(order, files)
                return list(order["argv"])
            running[pid] = status
            _close(*files)
            client.sendall(str(pid).encode())
        if not clients:
            os._exit(0)


def _reap(running: dict[int, int]) -> None:
    for pid, end in tuple(running.items()):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            with contextlib.suppress(BrokenPipeError):  # its client has gone, too
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(running.pop(pid))


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def _take(order: Mapping[str, Any], files: Sequence[int]) -> None:
    """Become what the order says."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    sys.path[:] = order["paths"]


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
