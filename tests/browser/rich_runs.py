"""A parent and its fork with all that a run can have: files of every kind, long texts, console output, hostile contents."""

from __future__ import annotations

import hashlib
import io
import wave
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tests.consoles import Printer

from runfork import File, Histogram, Run
from runfork.journal.format import Kind
from runfork.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>window.harmed = 1</script>"
FORK_STEP, LAST_STEP = 50, 159
ATTRIBUTES = 10_000
GRID_STEPS = range(60, 160, 20)
GRID_WIDTH = 96
"""Width of the first image of the fork; the next ones are one wider each."""

REPORT = b"<h1>hello</h1><script>parent.window.harmed = 1; document.body.append('ran')</script>"
MISSING = b"to be deleted"
CONSOLE_LINES, BAR_STATES = 400, 9


def make_rich_runs(directory: Path) -> str:
    """Log ``parent``, and ``child`` that left it at step 50 with another ``lr`` and ``prompt``, and ``crowd``, of many attributes.

    Returns:
        The project's name.
    """
    project = "seeds/rich"
    settings = Settings(project=project, directory=str(directory), console=False, monitoring_seconds=0)
    with Run("rich <b>gull</b>", run_id="parent", settings=settings, source_tracking_config=None) as run:
        run.log_configs({"lr": 0.1, "optimizer/name": "sgd", "prompt": _prompt("helpful", "line 20"), "title": HOSTILE})
        for step in range(100):
            run.log_metrics({"val/loss": 1 / (step + 1), "train/loss": 2 / (step + 1)}, step=step)
        for printer, text in [(Printer(run), "first"), (Printer(run, namespace="runtime/rank_3"), "fourth")]:
            printer.write(f"{text} process\n", seconds=1)
            printer.end()
    with Run(
        "rich <b>gull</b>",
        run_id="child",
        fork_run_id="parent",
        fork_step=FORK_STEP,
        settings=settings,
        source_tracking_config=None,
    ) as run:
        run.log_configs({"lr": 0.5, "prompt": _prompt("careful", "line twenty")})
        run.add_tags([HOSTILE])
        for step in range(FORK_STEP + 1, LAST_STEP + 1):
            row = {"val/loss": 0.7 / (step + 1), "train/loss": 1.2 / (step + 1)}
            run.log_metrics(row, step=step, timestamp=Printer.BEGIN_SECONDS + step)
        for place, step in enumerate(GRID_STEPS):
            run.log_histograms({"weights": Histogram([0.0, 1.0, 2.0], counts=[place, 3])}, step=step)
            run.log_files({"samples/grid": File(_picture(GRID_WIDTH + place), name=f"grid{step}.png")}, step=step)
        run.assign_files(
            {
                "files/report": File(REPORT, name="report.html"),
                "files/table": File(b'name,value\n"a, b",1\nc,2\n', name="table.csv"),
                "files/config": File(b'{"depth":{"of":[1,2]}}', name="config.json"),
                "files/drawing": File(_drawing(), name="drawing.svg"),
                "files/log": File(f"{HOSTILE}\nplain\n".encode(), name="run.log"),
                "files/gone": File(MISSING, name="gone.txt"),
                "files/empty": File(b"", name="empty.csv"),
                "files/broken": File(b"no picture", name="broken.png"),
                "files/tone": File(_tone(), name="tone.wav"),
            }
        )
        _print(run)
        run.checkpoint_mark(LAST_STEP, epoch=3)
    with Run(run_id="crowd", settings=settings, source_tracking_config=None) as run:
        run.log_configs({f"many/n{number % 50}/k{number}": number / 2 for number in range(ATTRIBUTES)})
    for path in directory.rglob(hashlib.sha256(MISSING).hexdigest()):
        path.unlink()
    return project


def _prompt(kind: str, twentieth: str) -> str:
    lines = [twentieth if number == 20 else f"line {number}" for number in range(40)]
    return "\n".join([f"You are a {kind} bird.", *lines])


def _picture(width: int) -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.zeros((48, width, 3), dtype=np.uint8)).save(written, "PNG")
    return written.getvalue()


def _tone() -> bytes:
    """Return a second of sound."""
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(range(0, 250, 10)) * 320)
    return written.getvalue()


def _drawing() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><script>parent.harmed = 1</script></svg>'


def _print(run: Run) -> None:
    """Print lines of both streams, a line a second as steps are logged, and a progress bar between them."""
    printer = Printer(run)
    for number in range(CONSOLE_LINES):
        printer.write(f"line {number} of the run {HOSTILE if number == 7 else ''}\n", seconds=1)
        if number == 200:
            for state in range(BAR_STATES + 1):
                printer.write(f"\rEpoch 0: {state * 100 // BAR_STATES}%|{'#' * state:9}|", to="stderr", seconds=2)
            printer.write("\n", to="stderr", seconds=2)
    printer.write("warning at the end\n", to="stderr")
    printer.end()


def make_long_console(directory: Path, lines: int) -> str:
    """Log a run ``printed`` that printed so many lines, a thousand a second; return the project's name."""
    project = "seeds/printed"
    settings = Settings(project=project, directory=str(directory), console=False, monitoring_seconds=0)
    with Run("printed", run_id="printed", settings=settings, source_tracking_config=None) as run:
        begin = 1_800_000_000_000_000
        for first in range(0, lines, 1000):
            time = begin + first * 1000
            body = {"runtime/stdout": [f"printed line {number}" for number in range(first, min(first + 1000, lines))]}
            run.recorder.record_points(Kind.STRINGS, body, step=time, time_us=time, clock_axis=True)
    return project
