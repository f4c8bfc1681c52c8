"""That the benchmark of charts measures what it says."""

import re
import subprocess
import sys
from pathlib import Path

from runfork.testing.waits import HANG_SECONDS

HOME = Path(__file__).resolve().parents[2]


def test_a_tiny_pass_measures_clicks_zooms_and_what_stays_behind():
    sizes = "--charted 3 --points 300 --cycles 2 --rounds 1"

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ui", *sizes.split()],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    click, first_paint, frames, work, cycles = done.stdout.splitlines()
    assert re.search(r"a click draws them all, ms +[1-9]", click)
    assert re.search(r"from navigation to all of them, ms +[1-9]", first_paint)
    assert re.search(r"p50 / p95 ms +[1-9]", frames)
    assert re.search(r"main thread at work, ms a frame +\d", work)
    assert cycles.startswith("2 times")
