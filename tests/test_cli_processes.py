"""The command line as a process: pipes, signals, terminals, and runs that are being written."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

from runfork import Run
from runfork.cli.progress import SHOWN_AFTER_SECONDS, ByteProgress
from runfork.testing.waits import HANG_SECONDS

RUNFORK = [sys.executable, "-m", "runfork"]


@pytest.fixture
def start(data_directory):
    """Start the command line as a process; killed at the end of the test if it still runs."""
    started = []

    def start_process(*arguments, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        process = subprocess.Popen([*RUNFORK, *arguments], **options)
        started.append(process)
        return process

    yield start_process
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=HANG_SECONDS)


@pytest.fixture
def live_run(start_script):
    """A run in a process of its own that does what it is told, one line of Python at a time."""
    process = start_script(
        """
        import sys
        from runfork import Run
        run = Run("live", run_id="live")
        run.log_metrics({"loss": 1.0}, step=0)
        print("ready", flush=True)
        for line in sys.stdin:
            exec(line)
            print("done", flush=True)
        """
    )
    assert process.stdout.readline() == "ready\n"

    def tell(line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    return tell


def many_points(data_directory, count=20_000):
    with Run("big", run_id="big") as run:
        for step in range(count):
            run.log_metrics({"loss": 1.0}, step=step)


def test_the_reader_of_a_pipe_may_leave_early(start, data_directory):
    many_points(data_directory)
    process = start("export", "points")

    assert process.stdout.readline().startswith("run_id,")
    process.stdout.close()

    assert process.wait(HANG_SECONDS) == 0
    assert process.stderr.read() == ""


def test_the_reader_of_a_table_may_leave_at_once(start, data_directory):
    many_points(data_directory, count=10)
    process = start("show", "big", "--system")
    process.stdout.close()

    assert process.wait(HANG_SECONDS) == 0
    assert process.stderr.read() == ""


def test_tail_ends_when_its_run_is_deleted(start, live_run, data_directory):
    process = start("tail", "live", "--attributes", "loss")
    assert process.stdout.readline() == "step 0  loss 1\n"
    shutil.rmtree(data_directory / "tests" / "project" / "live")

    assert process.stdout.readline() == "live deleted\n"
    assert process.wait(HANG_SECONDS) == 0


def test_tail_shows_what_is_logged_and_ends_with_the_run(start, live_run):
    process = start("tail", "live")
    assert process.stdout.readline() == "step 0  loss 1\n"

    live_run('run.log_metrics({"loss": 0.5}, step=1)')
    assert process.stdout.readline() == "step 1  loss 0.5\n"
    live_run('run.log_string_series({"note": "one\\ntwo"}, step=2)')
    assert process.stdout.readline() == "step 2  note  one\u240atwo\n"
    live_run("run.close()")

    assert process.stdout.readline() == "live finished\n"
    assert process.wait(HANG_SECONDS) == 0


def test_tail_for_machines_streams_lines_of_json(start, live_run):
    process = start("tail", "live", "--json", "-n", "0")
    deadline = time.monotonic() + HANG_SECONDS
    step = 0
    while not select.select([process.stdout], [], [], 0.2)[0]:  # until the follower has begun
        assert time.monotonic() < deadline
        step += 1
        live_run(f'run.log_metrics({{"loss": 0.5}}, step={step})')

    event = json.loads(process.stdout.readline())

    assert (event["kind"], event["values"]) == ("metrics", {"loss": 0.5})


def test_tail_ends_when_the_process_of_the_run_was_killed(start, start_script):
    script = start_script(
        """
        import time
        from runfork import Run
        run = Run("live", run_id="live")
        run.log_metrics({"loss": 1.0}, step=0)
        print("ready", flush=True)
        time.sleep(600)
        """
    )
    assert script.stdout.readline() == "ready\n"
    process = start("tail", "live")
    assert process.stdout.readline() == "step 0  loss 1\n"

    script.kill()
    script.wait(HANG_SECONDS)

    assert process.stdout.readline() == "live lost\n"
    assert process.wait(HANG_SECONDS) == 0


def test_tail_that_does_not_follow_ends_while_the_run_goes_on(start, live_run):
    out, _ = start("tail", "live", "--no-follow").communicate(timeout=HANG_SECONDS)

    assert out == "step 0  loss 1\nlive is running\n"


def test_an_interrupted_tail_leaves_quietly(start, live_run):
    process = start("tail", "live")
    assert process.stdout.readline() == "step 0  loss 1\n"

    process.send_signal(signal.SIGINT)

    assert process.wait(HANG_SECONDS) == 130
    assert process.stderr.read().strip() == ""


def test_help_imports_neither_commands_nor_numpy_nor_rich(data_directory):
    code = (
        "import sys\n"
        "from runfork.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit:\n"
        "    names = ('numpy', 'rich', 'pandas', 'torch', 'runfork.cli.commands.ls', 'runfork.reading.project')\n"
        "    print([name for name in names if name in sys.modules])\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG_SECONDS
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_an_encoding_without_braille_gets_question_marks(start, data_directory):
    many_points(data_directory, count=10)
    process = start("plot", "big", env={**os.environ, "PYTHONIOENCODING": "ascii"})

    out, error = process.communicate(timeout=HANG_SECONDS)

    assert (process.returncode, error) == (0, "")
    assert "????" in out


def read_terminal(descriptor):
    """Return all that a process wrote to a terminal, until it ended."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # Linux says so when the last writer is gone
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()


def test_a_terminal_gets_colours_and_short_names(start, data_directory):
    with Run("gull") as run:
        run.log_metrics({"loss": 1.0}, step=0)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    process = start("ls", stdout=theirs, env=environment)
    os.close(theirs)

    text = read_terminal(ours)
    os.close(ours)

    assert process.wait(HANG_SECONDS) == 0
    assert "\x1b[" in text
    assert "-".join(run.run_id.split("-")[:2]) in text
    assert run.run_id not in text


def test_progress_on_a_terminal_leaves_stdout_alone(start, data_directory):
    many_points(data_directory, count=1000)
    ours, theirs = pty.openpty()
    process = start("ls", "--json", stderr=theirs)
    os.close(theirs)

    out = process.stdout.read()
    read_terminal(ours)
    os.close(ours)

    assert json.loads(out)["items"][0]["run_id"] == "big"


def test_short_work_shows_no_progress_and_long_work_does(capsys):
    now = [0.0]
    bar = ByteProgress("Reading", clock=lambda: now[0])

    bar.update(1, 10)
    is_shown_early = bar.is_shown
    now[0] = SHOWN_AFTER_SECONDS
    bar.update(2, 10)
    is_shown_late = bar.is_shown
    bar.close()

    assert (is_shown_early, is_shown_late) == (False, True)
    assert capsys.readouterr().out == ""
