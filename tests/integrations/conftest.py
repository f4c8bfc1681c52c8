"""Real Lightning with a model of five weights, and what a reader makes of its runs."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.integrations.user_scripts import MODULES

from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS
from runfork.testing.warm import WarmProcess, start_warm

PROJECT = "test/tiny"

QUIET = """
import logging, os, pathlib, signal, sys, warnings
warnings.simplefilter("ignore")
"""
PRELUDE = QUIET + Path(__file__).with_name("tiny.py").read_text(encoding="utf-8")
"""What the scripts of the tests begin with; `lightning` offers the names of `tiny` in this process."""


@pytest.fixture
def in_own_folder(tmp_path, monkeypatch):
    """The working directory is the test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(data_directory, in_own_folder, monkeypatch):
    """The data directory of the test; code names the project itself."""
    monkeypatch.delenv("RUNFORK_PROJECT")
    return data_directory


@pytest.fixture
def history(store):
    """Reads the data directory anew at every call."""
    return lambda: History(store, PROJECT)


@pytest.fixture
def default_history(data_directory):
    """Reads the default project anew at every call."""
    return lambda: History(data_directory)


@pytest.fixture
def lightning(store):
    """The names of `tiny`, with loggers that are closed after the test."""
    pytest.importorskip("pytorch_lightning")
    warnings.simplefilter("ignore")
    from tests.integrations import tiny

    loggers = []

    def logger(**options):
        loggers.append(tiny.logger(**options))
        return loggers[-1]

    yield SimpleNamespace(**{**vars(tiny), "logger": logger})
    for one in loggers:
        if one.training.runs.run is not None:
            one.training.runs.run.close()


@pytest.fixture
def script(store, tmp_path):
    """Runs a script that begins with `PRELUDE` in a process of its own."""

    def start(body: str, *, namespace: str = "pytorch_lightning", **environment: str) -> WarmProcess:
        file = tmp_path / "script.py"
        file.write_text(
            PRELUDE + '\nif __name__ == "__main__":\n' + "\n".join("    " + line for line in body.splitlines())
        )
        return start_warm(
            file,
            modules=[name.replace("pytorch_lightning", namespace) for name in MODULES["lightning"]],
            cwd=tmp_path,
            environment={**os.environ, "NAMESPACE": namespace, **environment},
        )

    def run(body: str, *, expect: int = 0, **options: str) -> str:
        process = start(body, **options)
        try:
            out, err = process.communicate(timeout=HANG_SECONDS)
        finally:
            process.kill()
        assert process.returncode == expect, err[-4000:]
        return out

    return SimpleNamespace(start=start, run=run)
