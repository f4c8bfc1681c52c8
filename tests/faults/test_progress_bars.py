from __future__ import annotations

import pytest
from tests.faults.terminals import run_on_terminals

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.reading.project import Project

BEGIN = """
import os, sys, threading, time
os.environ["RUNFORK_CONSOLE"] = "1"
import runfork
run = runfork.Run(run_id="bars", source_tracking_config=None)
"""

PROGRAMS = {
    "tqdm": """
from tqdm import tqdm
for _ in tqdm(range(150), desc="train"):
    time.sleep(0.01)
print("done")
""",
    "nested tqdm": """
from tqdm import tqdm
for epoch in tqdm(range(3), desc="epochs"):
    for _ in tqdm(range(50), desc=f"epoch {epoch}", leave=False):
        time.sleep(0.004)
    tqdm.write(f"epoch {epoch} over", file=sys.stderr)
    tqdm.write(f"epoch {epoch} over, too")
for epoch in tqdm(range(2), desc="again"):
    for _ in tqdm(range(20), desc=f"epoch {epoch}"):
        time.sleep(0.004)
print("done", file=sys.stderr)
""",
    "tqdm at five positions": """
from tqdm import tqdm
bars = [tqdm(total=60, desc=f"bar {number}", position=number, leave=number != 3) for number in range(5)]
for step in range(60):
    for bar in bars:
        bar.update()
    bars[0].set_postfix(loss=1 / (step + 1))
    time.sleep(0.02)
    if step % 20 == 10:
        tqdm.write(f"at {step}", file=sys.stderr)
for bar in bars:
    bar.close()
print("done", file=sys.stderr)
""",
    "tqdm in threads": """
from tqdm import tqdm
first = tqdm(total=1, desc="all", position=0)
def work(number):
    for _ in tqdm(range(100), desc=f"worker {number}", position=number, leave=False):
        time.sleep(0.002 * (number + 1))
threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
first.update()
first.close()
print("done", file=sys.stderr)
""",
    "rich progress": """
from rich.progress import Progress, track
with Progress() as progress:
    tasks = [progress.add_task(f"[red]task {number}", total=80) for number in range(3)]
    for step in range(80):
        for task in tasks:
            progress.advance(task)
        if step % 30 == 5:
            progress.console.print(f"at [bold]{step}")
            print("printed", step)
        time.sleep(0.02)
for _ in track(range(30), description="tracking"):
    time.sleep(0.02)
with Progress(transient=True) as progress:
    for _ in progress.track(range(30), description="gone"):
        time.sleep(0.02)
print("done")
""",
    "rich live table": """
from rich.live import Live
from rich.table import Table
def table(rows):
    found = Table("epoch", "loss", title="losses")
    for row in range(rows):
        found.add_row(str(row), f"{1 / (row + 1):.3f}")
    return found
with Live(table(0), refresh_per_second=20) as live:
    for rows in range(12):
        live.update(table(rows))
        time.sleep(0.1)
        if rows == 5:
            print("printed above the table")
print("done")
""",
    "rich status and spinner": """
from rich.console import Console
console = Console()
with console.status("working on it", spinner="dots"):
    for item in range(6):
        time.sleep(0.2)
        console.print(f"item {item} complete")
with console.status("\\u65e5\\u672c", spinner="moon") as status:
    time.sleep(0.3)
    status.update("two\\nrows")
    time.sleep(0.9)
print("done")
""",
    "a bar of backspaces": """
for epoch in range(2):
    print(f"Epoch {epoch + 1}/2")
    for step in range(50):
        bar = f"{step + 1}/50 [" + "=" * (step // 2) + "." * (25 - step // 2) + f"] - loss: {1 / (step + 1):.4f}"
        sys.stdout.write("\\b" * 80 + "\\r" + bar)
        sys.stdout.flush()
        time.sleep(0.02)
    sys.stdout.write("\\n")
print("done")
""",
}

MOST_STATES = 40
"""No program above runs longer than so many seconds: states are kept once a second."""


def kept(stream: str) -> tuple[list[str], list[str]]:
    """Return the lines of a stream, and the states of its progress bars."""
    paths = [f"runtime/{stream}", f"runtime/{stream}_progress"]
    with Project.open() as project:
        project.refresh()
        found = project.index.points(PointsRequest([SeriesKey("bars", path) for path in paths]))
    by_path = {one.key.path: list(one.values) for one in found}
    return by_path.get(paths[0], []), by_path.get(paths[1], [])


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_kept_of_progress_bars_is_what_the_terminal_shows_at_the_end(program, tried, tmp_path):
    out, err = run_on_terminals(BEGIN + PROGRAMS[program] + "\nrun.close()\n", tmp_path)

    states = 0
    for terminal, stream in ((out, "stdout"), (err, "stderr")):
        lines, progress = kept(stream)
        states += len(progress)
        assert terminal.rows() == [line.rstrip() for line in lines]
    size = len(out.written) + len(err.written)
    assert 0 < states <= MOST_STATES
    tried(
        f"{program} on a pseudo-terminal",
        times=1,
        outcome=f"lines kept are those of a terminal emulator; {states} states kept of {size:,} bytes drawn",
    )


def test_lines_printed_behind_a_bar_are_kept_with_it(tmp_path):
    _, err = run_on_terminals(
        BEGIN
        + """
from tqdm import tqdm
for step in tqdm(range(100), desc="train", ncols=60):
    time.sleep(0.005)
    if step % 25 == 0:
        print("plain", step, file=sys.stderr)
run.close()
""",
        tmp_path,
    )

    lines, _ = kept("stderr")
    assert err.rows() == [line.rstrip() for line in lines]
    assert [0, 25, 50, 75] == [int(line.rpartition(" ")[2]) for line in lines[:4]]


def test_what_is_drawn_on_the_other_screen_leaves_states_but_no_lines(tried, tmp_path):
    run_on_terminals(
        BEGIN
        + """
from rich.live import Live
from rich.table import Table
print("before")
with Live(Table("epoch", "loss"), screen=True, refresh_per_second=20) as live:
    for epoch in range(15):
        found = Table("epoch", "loss", title="losses")
        found.add_row(str(epoch), f"{1 / (epoch + 1):.3f}")
        live.update(found)
        time.sleep(0.1)
print("done")
run.close()
""",
        tmp_path,
    )

    lines, states = kept("stdout")
    assert ["before", "done"] == lines
    assert any("losses" in state for state in states)
    tried(
        "a rich table on the terminal's other screen, 20 times a second",
        times=1,
        outcome=f"{len(states)} states kept, and no line of it",
    )


def test_a_screen_that_is_cleared_again_and_again_is_one_drawing(tried, tmp_path):
    out, _ = run_on_terminals(
        BEGIN
        + """
for frame in range(40):
    print("\\x1b[H\\x1b[2J\\x1b[3J", end="")
    for row in range(10):
        print(f"agent {row} at {frame * (row + 1)}")
    time.sleep(0.05)
print("done")
run.close()
""",
        tmp_path,
    )

    lines, states = kept("stdout")
    assert [f"agent {row} at 0" for row in range(10)] + out.rows()[-11:] == lines
    assert 0 < len(states) < MOST_STATES
    tried(
        "a screen of ten rows cleared and printed anew 20 times a second",
        times=40,
        outcome=f"its first and last state kept as lines, {len(states)} states between",
    )
