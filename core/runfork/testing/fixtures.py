"""pytest fixtures for plugins and integrations: ``pytest_plugins = ["runfork.testing.fixtures"]`` in a ``conftest.py``."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from runfork.testing.waits import HANG_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runfork.writing.life import Life

_OF_A_LAUNCH = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_NAMESPACE")


@pytest.fixture
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data directory that runs and readers of this test use; quiet, without console capture and hardware metrics.

    Runs that the test leaves open are closed, as the end of a program does.
    """
    for name in list(os.environ):
        if (
            name.startswith(("RUNFORK_", "NEPTUNE_", "SLURM_", "TORCHELASTIC_", "OMPI_", "MV2_"))
            or name in _OF_A_LAUNCH
        ):
            monkeypatch.delenv(name)
    directory = tmp_path / "data"
    monkeypatch.setenv("RUNFORK_DIR", str(directory))
    monkeypatch.setenv("RUNFORK_PROJECT", "tests/project")
    monkeypatch.setenv("RUNFORK_QUIET", "1")
    monkeypatch.setenv("RUNFORK_MONITORING_SECONDS", "0")
    monkeypatch.setenv("RUNFORK_CONSOLE", "0")
    open_before = _open_runs()
    yield directory
    for run in _open_runs():
        if not any(run is one for one in open_before):
            run.close()


def _open_runs() -> list[Life]:
    """Return the open runs of this process, which its end would close."""
    return getattr(getattr(sys.exit, "of", None), "lives", [])


@pytest.fixture
def start_script(data_directory: Path, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start Python code as a process of its own, with its pipes open; killed at the end of the test if it still runs."""
    del data_directory
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        path = tmp_path / f"script_{len(started)}.py"
        path.write_text(textwrap.dedent(code), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            cwd=tmp_path,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=HANG_SECONDS)


@pytest.fixture
def run_script(
    start_script: Callable[[str], subprocess.Popen[str]],
) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run Python code as a process of its own to its end."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        process = start_script(code)
        out, err = process.communicate(timeout=HANG_SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
