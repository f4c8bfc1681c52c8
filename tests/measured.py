"""Running a benchmark as its users do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runfork.testing.waits import HANG_SECONDS

HOME = Path(__file__).resolve().parent.parent


def measured(name: str, *arguments: object) -> list[str]:
    """Run a benchmark; return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
