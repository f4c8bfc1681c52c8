"""Processes of their own for tests of scale: they run a piece of code, and tell what came of it and how much memory they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

_PRELUDE = """
import json, os, sys, time
from pathlib import Path
from tests.faults.children import megabytes, peak_megabytes
from runfork.testing.waits import await_plugins
result = {}
"""
_CODA = """
Path(sys.argv[1]).write_text(json.dumps(result))
"""


def megabytes() -> float:
    """Return how much memory this process holds now, without what it shares with files."""
    return _status("RssAnon")


def peak_megabytes() -> float:
    """Return the most memory that this process ever held."""
    return _status("VmHWM")


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"/proc/self/status has no {name}")


def run_child(code: str, folder: Path, *, stdout: Any = subprocess.DEVNULL, timeout_seconds: float = 1200) -> Any:
    """Run Python code as a process of its own; return what it put into `result`, through JSON.

    Args:
        code: Finds json, os, sys, time, Path and the functions above imported.
        folder: Where its script is put.
        stdout: Where it prints to; nowhere by default.
        timeout_seconds: How long it may take.
    """
    home = str(Path(__file__).parents[2])
    script, answer = folder / "child.py", folder / "child.json"
    script.write_text(_PRELUDE + textwrap.dedent(code) + _CODA, encoding="utf-8")
    answer.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, str(script), str(answer)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in (home, *sys.path) if path)},
        timeout=timeout_seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    return json.loads(answer.read_text(encoding="utf-8"))
