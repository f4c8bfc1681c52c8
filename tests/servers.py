"""Servers for tests: the application in this process, and a real one on loopback."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from runfork.testing.waits import HANG_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

P = "/api/v1/projects/tests/project"
"""The address of the project of tests."""


@contextlib.contextmanager
def serving(directory: Path, **settings: Any) -> Iterator[httpx.Client]:
    """Serve a data directory on a free port of loopback, by uvicorn in a thread; yields a client whose base is its address."""
    import httpx

    from runfork_server.command import bind
    from runfork_server.serving import Serving
    from runfork_server.settings import ServerSettings

    listening = bind("127.0.0.1", 0)
    host, port = listening.getsockname()[:2]
    server = Serving(ServerSettings(directory, port=port, **settings))
    thread = threading.Thread(target=server.run, args=(listening,), daemon=True)
    thread.start()
    try:
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=HANG_SECONDS, trust_env=False) as client:
            yield client
    finally:
        server.stop()
        thread.join(HANG_SECONDS)
        listening.close()


def read_json(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON of an answer, which must be a good one."""
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until_read(client: httpx.Client, project: str = "tests/project", **wanted: Any) -> dict[str, Any]:
    """Ask for a project until all of it has been read, and it has the counts that are wanted; return what it says."""
    deadline = time.monotonic() + HANG_SECONDS
    while True:
        found = read_json(client.get(f"/api/v1/projects/{project}"))
        if not found["is_reading"] and all(found[name] == value for name, value in wanted.items()):
            return found
        assert time.monotonic() < deadline, f"still {found}, wanted {wanted}"


@pytest.fixture
def client(data_directory: Path) -> Iterator[httpx.Client]:
    """A client of a real server on the data directory of the test, which asks for no token."""
    with serving(data_directory) as found:
        yield found
