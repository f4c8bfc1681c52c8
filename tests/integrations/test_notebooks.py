"""Runs in a notebook: a real kernel, driven as a notebook drives it."""

import os
import subprocess
import sys
import textwrap

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tests.integrations.kernels import Kernel
from tests.run_records import state_of

from runfork.disk.layout import Store, journals_of
from runfork.disk.starting_directory import find_shell
from runfork.journal.format import Kind
from runfork.testing.journals import configs_of, points_of, records_of
from runfork.testing.waits import HANG_SECONDS
from runfork.writing.notebook import Notebook

ENVIRONMENT = {
    "RUNFORK_PROJECT": "tests/project",
    "RUNFORK_MONITORING_SECONDS": "0",
    "RUNFORK_CONSOLE": "1",
    "RUNFORK_QUIET": "0",
}

BEGIN = """
import io, sys, threading, time
from contextlib import redirect_stdout
import runfork
from runfork import Run, Settings
from runfork.training.runs import RunOptions, TrainingRuns
from runfork.training.training import Training

class Callback:
    '''What the callbacks of frameworks do that do not tell of exceptions.'''
    def __init__(self, name):
        self.training = Training(TrainingRuns(RunOptions(name, settings=Settings.from_environment()), run_id=name))
    def fit(self, steps):
        self.training.begin()
        run = self.training.train()
        for step in steps:
            run.log_metrics({'loss': step}, step=step)
            self.training.steps.finish(self.training.steps.main(step))
        self.training.finish()
        return run

def threads_of(run):
    from runfork.writing.shared_thread import _OF_THIS_PROCESS
    own = run._life.background
    lanes = [(thread, lane) for thread in _OF_THIS_PROCESS.values() for lane in thread._lanes]
    return [f'{thread._name} of {run.run_id}' for thread, lane in lanes if lane._on_failure.__self__ is own]
"""


class Notes:
    """A notebook: its kernel, and the runs that lie on disk."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.folder = folder
        self._kernel = Kernel(folder, {**ENVIRONMENT, "RUNFORK_DIR": str(self.data)})
        self.close = self._kernel.close
        self.cell(BEGIN)

    def cell(self, code, **options):
        return self._kernel.run(textwrap.dedent(code).strip(), **options)

    def directory(self, run_id):
        return Store(self.data).run_directory("tests/project", run_id)

    def state(self, run_id):
        return state_of(self.directory(run_id))

    def console(self, run_id):
        bodies = [record.body.get("runtime/stdout", []) for record in records_of(self.directory(run_id), Kind.STRINGS)]
        return [line for body in bodies for line in ([body] if isinstance(body, str) else body)]


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """A notebook that stays open; a name of a run is used by one test."""
    notebook = Notes(tmp_path_factory.mktemp("notebook"))
    yield notebook
    notebook.close()


def test_an_error_in_a_cell_says_nothing_of_runs_it_did_not_use(notes):
    notes.cell("calm = Run('calm', run_id='calm'); calm.log_metrics({'a': 1}, step=1)")
    errors = [notes.cell(code).error for code in ("1 / 0", "calm.lgo_metrics", "this is no Python", "sys.exit(3)")]
    notes.cell("calm.close()")

    assert errors == ["ZeroDivisionError", "AttributeError", "SyntaxError", "SystemExit"]
    assert notes.state("calm") == "finished"


def test_a_cell_says_where_its_run_lies_and_how_to_see_it_in_python(notes):
    shown = notes.cell("said = Run('said', run_id='said'); said.log_metrics({'a': 5}, step=1)").err
    expression = shown.partition("see it with: ")[2].strip()
    found = notes.cell(f"print({expression}.values.tolist())")
    closed = notes.cell("said.close()").err

    assert shown.startswith(f"runfork: run said is written to {notes.directory('said')}; see it with: runfork.fetch_")
    assert found.out == "[[5.0]]\n"
    assert closed == "runfork: run said finished\n"


def test_a_cell_says_where_a_run_lies_that_became_another_one(notes):
    notes.cell(
        "first = Run('moves', run_id='moves-1'); first.log_metrics({'a': 1}, step=1); mark = first.checkpoint_mark(1)"
    )
    said = notes.cell("first.close(); run = Run('moves', run_id='moves-2'); run.resume(mark, policy='continue')").err
    notes.cell("run.close()")

    assert [f"run moves-{number} is written to {notes.directory(f'moves-{number}')}" for number in (2, 1)] == [
        line.removeprefix("runfork: ").partition(";")[0] for line in said.splitlines() if "is written to" in line
    ]


def test_a_cell_that_is_run_again_takes_the_place_of_its_first_run(notes):
    cell = "run = Run('again', run_id=name); print('line of', name); run.log_metrics({'a': 1}, step=1)"
    first = notes.cell(f"name = 'again-1'; {cell}; first = run")
    second = notes.cell(f"name = 'again-2'; {cell}; print(threads_of(first))")
    before = notes.state("again-1")
    third = notes.cell("first.log_metrics({'a': 2}, step=2); print('both'); print(len(threads_of(first)))")
    during = notes.state("again-1")
    notes.cell("first.close(); run.close()")

    assert first.err.count("runfork: run again-1 is written to") == 1
    assert "runfork: run again-1 finished\n" in second.err
    assert "runfork: run again-2 takes the place of again-1, the run of 'again' of an earlier cell" in second.err
    assert second.out.endswith("[]\n")
    assert (before, during, third.out) == ("finished", "running", "both\n2\n")
    assert points_of(notes.directory("again-1"), "a") == [(1, 1.0), (2, 2.0)]
    assert [line for line in notes.console("again-1") if "line of" in line] == ["line of again-1"]
    assert [line for line in notes.console("again-2") if "line of" in line] == ["line of again-2"]
    assert [notes.console(run_id).count("both") for run_id in ("again-1", "again-2")] == [1, 1]
    assert (notes.state("again-1"), notes.state("again-2")) == ("finished", "finished")


def test_a_cell_with_a_fixed_id_that_is_run_again_continues_the_run(notes):
    cell = "fixed = Run('fixed', run_id='fixed'); print('a line'); fixed.log_metrics({'a': 1}, step=1); print(threads_of(fixed))"
    notes.cell(cell)
    again = notes.cell(cell)
    notes.cell("fixed.close()")
    state = notes.state("fixed")

    assert "runfork: run fixed finished\n" in again.err
    assert "run fixed exists, with points up to step 1, and is continued" in again.err
    assert again.out.count("of fixed") == 2  # a lane on each thread
    assert notes.console("fixed").count("a line") == 2
    assert state == "finished"


def test_runs_of_one_cell_stand_beside_each_other(notes):
    notes.cell("pair = [Run('pair', run_id=f'pair-{n}') for n in range(2)]")
    notes.cell("for run in pair: run.log_metrics({'a': 1}, step=1)")
    states = [notes.state("pair-0"), notes.state("pair-1")]
    notes.cell("for run in pair: run.close()")

    assert states == ["running", "running"]


def test_a_training_that_is_interrupted_is_aborted_when_its_cell_ends(notes):
    folder = notes.directory("interrupted")
    cell = notes.cell(
        """
        interrupted = Callback('interrupted')
        def forever():
            for step in range(10**9):
                yield step
                time.sleep(0.01)
        interrupted.fit(forever())
        """,
        interrupt_when=lambda: bool(points_of(folder, "loss")),
    )
    left = notes.cell("print(threads_of(interrupted.training.runs.run))")
    exception = records_of(folder, Kind.STATUS)[-1].body["exception"]["type"]

    assert cell.error == "KeyboardInterrupt"
    assert "runfork: run interrupted aborted\n" in cell.err
    assert (notes.state("interrupted"), exception) == ("aborted", "KeyboardInterrupt")
    assert left.out == "[]\n"


def test_a_training_that_fails_has_failed_though_the_next_one_has_a_callback_of_its_own(notes):
    cell = notes.cell(
        """
        def broken():
            yield 1
            raise ValueError('a plane')
        failing = Callback('failing')
        try:
            failing.fit(broken())
        except ValueError:
            print(failing.training.runs.run.status.state)
        next_one = Callback('next')
        next_one.fit(range(3))
        print(failing.training.runs.run.status.state, threads_of(failing.training.runs.run))
        """
    )

    assert cell.out == "running\nfailed []\n"
    assert (notes.state("failing"), notes.state("next")) == ("failed", "finished")


def test_what_a_fit_opened_stops_capturing_when_its_cell_ends_and_wakes_for_an_evaluation(notes):
    notes.cell("fitted = Callback('fitted'); print('fitting'); fitted.fit(range(3))")
    between = notes.state("fitted")
    rests = notes.cell("run = fitted.training.runs.run; print('nobody asked'); print(threads_of(run))")
    woken = notes.cell(
        "fitted.training.runs.current().log_metrics({'test/acc': 0.5}, step=2); print('evaluated'); print(len(threads_of(run)))"
    )
    again = notes.cell("print(threads_of(run))")

    assert (rests.err, woken.err, again.err) == ("", "", "")  # nothing that was not said before
    assert (rests.out, woken.out, again.out) == ("nobody asked\n[]\n", "evaluated\n2\n", "[]\n")
    assert notes.console("fitted") == ["evaluated", "2"]
    assert points_of(notes.directory("fitted"), "test/acc") == [(2, 0.5)]
    assert (between, notes.state("fitted")) == ("finished", "finished")


def test_a_callback_that_is_used_again_in_a_later_cell_begins_another_run(notes):
    notes.cell("reused = Callback('reused'); reused.fit(range(3))")
    again = notes.cell("second = reused.fit(range(2)); print(second.run_id)").out.strip()
    left = notes.cell(
        "print(threads_of(second), [thread.name for thread in threading.enumerate() if 'runfork' in thread.name])"
    )

    assert again != "reused"
    assert (notes.state("reused"), notes.state(again)) == ("finished", "finished")
    assert points_of(notes.directory("reused"), "loss") == [(step, float(step)) for step in range(3)]
    assert left.out == "[] []\n"


def test_a_training_on_another_thread_goes_on_when_the_cell_ends(notes):
    notes.cell(
        """
        go_on, has_begun = threading.Event(), threading.Event()
        def slowly():
            yield 0
            has_begun.set()
            go_on.wait(300)
            yield 1
        beside = Callback('beside')
        thread = threading.Thread(target=beside.fit, args=(slowly(),))
        thread.start()
        has_begun.wait(300)
        """
    )
    during = notes.state("beside")
    notes.cell("go_on.set(); thread.join()")

    assert during == "running"
    assert notes.state("beside") == "finished"
    assert points_of(notes.directory("beside"), "loss") == [(0, 0.0), (1, 1.0)]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("magic", "%%capture\nmagic = Run('magic', run_id='magic'); print('inside')"),
        (
            "redirected",
            "with redirect_stdout(io.StringIO()):\n    redirected = Run('redirected', run_id='redirected'); print('inside')",
        ),
    ],
)
def test_a_run_that_is_made_while_streams_are_redirected_captures_what_comes_after(notes, name, code):
    shown = notes.cell(code)
    after = notes.cell("print('outside')")
    notes.cell(f"{name}.close()")
    behind = notes.cell("print('behind', type(sys.stdout).__module__)")

    assert "inside" not in shown.out
    assert after.out == "outside\n"
    assert notes.console(name) == ["inside", "outside"]
    assert behind.out.startswith("behind")


def test_a_fork_takes_the_place_of_its_parent_whose_name_it_adopts(notes):
    notes.cell(
        "parent = Run('adopted', run_id='parent'); parent.log_metrics({'a': 1}, step=1); mark = parent.checkpoint_mark(1)"
    )
    notes.cell("parent.log_metrics({'a': 2}, step=2)")
    cell = notes.cell("child = Run(run_id='child', resume_from=mark); child.log_metrics({'a': 3}, step=2)")
    state = notes.state("parent")
    notes.cell("child.close()")

    assert "runfork: run child takes the place of parent, the run of 'adopted' of an earlier cell" in cell.err
    assert (state, notes.state("child")) == ("finished", "finished")


def test_an_error_of_a_cell_is_not_that_of_a_run_that_another_thread_logs_to_meanwhile(notes):
    notes.cell(
        """
        shared = Run('shared', run_id='shared')
        over = threading.Event()
        def log():
            step = 0
            while not over.is_set():
                shared.log_metrics({'a': step}, step=step)
                step += 1
                time.sleep(0.001)
        logging_thread = threading.Thread(target=log)
        logging_thread.start()
        """
    )
    error = notes.cell(
        "before = shared.journal.size\nwhile shared.journal.size == before: time.sleep(0.01)\n1 / 0"
    ).error
    told = notes.cell("print(shared._life.last_ending)").out
    notes.cell("over.set(); logging_thread.join(); shared.close()")

    assert error == "ZeroDivisionError"
    assert "finished" in told


def test_the_source_code_of_a_run_is_the_notebook_and_its_cells(notes):
    notes.cell("__vsc_ipynb_file__ = '/home/me/digits.ipynb'; secret_sauce = 17")
    notes.cell(
        """
        from runfork.capture.source_code import SourceTrackingConfig
        told = Run('told', run_id='told', source_tracking_config=SourceTrackingConfig(upload_entry_point=True))
        """
    )
    notes.cell("told.log_metrics({'a': 1}, step=1)  # the training")
    notes.cell("told.close(); del __vsc_ipynb_file__")
    folder = notes.directory("told")
    files = [record.body["source_code/entry_point"] for record in records_of(folder, Kind.FILES)]
    text = (folder / "files" / files[-1]["sha256"]).read_text(encoding="utf-8")

    assert configs_of(folder)["source_code/run_command"] == "/home/me/digits.ipynb"
    assert files[-1]["name"] == "cells.py"
    assert "# %% [" in text
    assert "secret_sauce = 17" in text
    assert "# the training" in text


def test_without_a_name_the_command_of_the_kernel_is_not_taken_for_it(notes):
    notes.cell("Run('nameless', run_id='nameless').close()")

    assert "source_code/run_command" not in configs_of(notes.directory("nameless"))


def test_changing_the_directory_changes_neither_the_project_nor_the_place_of_later_runs(notes):
    (notes.folder / "deeper").mkdir()
    notes.cell("import os; kept = {name: os.environ.pop(name) for name in ('RUNFORK_DIR', 'RUNFORK_PROJECT')}")
    before = notes.cell("with Run() as run: print(run.project, run.directory.parent)")
    notes.cell("%cd deeper")
    after = notes.cell("with Run() as run: print(run.project, run.directory.parent)")
    found = notes.cell("print(len(runfork.list_runs()))")
    notes.cell("os.environ.update(kept)\n%cd ..")

    assert before.out == after.out
    assert before.out.startswith(f"local/{notes.folder.name} ")
    assert found.out == "2\n"


def test_no_process_without_cells_has_a_notebook(data_directory):
    assert find_shell() is None
    assert Notebook.find() is None
    assert "IPython" not in sys.modules or find_shell() is None


# What the end of the kernel leaves

CELLS = [
    "calm, bad, mended, stopped, mended_stop = (Run(n, run_id=n) for n in 'calm bad mended stopped mended_stop'.split())",
    "for run in (calm, bad, mended, stopped, mended_stop): run.log_metrics({'a': 1}, step=1)",
    "bad.log_metrics({'a': 2}, step=2); raise ValueError('a plane')",
    "mended.log_metrics({'a': 2}, step=2); raise ValueError('another plane')",
    "mended.log_metrics({'a': 3}, step=3)",
    "1 / 0",
    "prnt('a typo')",
]
LOOP = """
for step in range(2, 10**9):
    {name}.log_metrics({{'a': step}}, step=step)
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A notebook that was closed, with runs that were open."""
    notebook = Notes(tmp_path_factory.mktemp("ended"))
    for code in CELLS:
        notebook.cell(code)
    for name in ("stopped", "mended_stop"):
        folder = notebook.directory(name)
        notebook.cell(LOOP.format(name=name), interrupt_when=lambda folder=folder: len(points_of(folder, "a")) > 2)
    notebook.cell("mended_stop.log_metrics({'b': 1}, step=1)")
    sign = notebook.folder / "asleep"
    notebook.cell(f"open({str(sign)!r}, 'x').close(); time.sleep(60)", interrupt_when=sign.exists)
    notebook.close()
    return notebook


@pytest.mark.parametrize(
    ("name", "state", "exception"),
    [
        ("calm", "finished", None),
        ("bad", "failed", "a plane"),
        ("mended", "finished", None),
        ("stopped", "aborted", ""),
        ("mended_stop", "finished", None),
    ],
)
def test_a_run_that_is_open_when_the_kernel_ends_is_as_the_last_cell_that_used_it_left_it(
    ended, name, state, exception
):
    told = [
        record.body.get("exception", {}).get("message") for record in records_of(ended.directory(name), Kind.STATUS)
    ]

    assert ended.state(name) == state
    assert told[-1:] == ([exception] if exception is not None else [])


def test_a_script_that_ipython_runs_fails_as_a_script_does(data_directory, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    script = tmp_path / "train.py"
    script.write_text("from runfork import Run\nrun = Run(run_id='r', source_tracking_config=None)\nint('a plane')")
    subprocess.run(
        [sys.executable, "-m", "IPython", str(script)], capture_output=True, timeout=HANG_SECONDS, check=False
    )

    assert state_of(Store(data_directory).run_directory("tests/project", "r")) == "failed"


def test_a_notebook_that_is_executed_as_a_whole_fails_with_its_cell(data_directory, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    cells = [
        "from runfork import Run\nrun = Run(run_id='r')",
        "run.log_metrics({'a': 1}, step=1)\n1 / 0",
        "run.close()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.raises(CellExecutionError, match="division by zero"):
        NotebookClient(notebook, kernel_name="python3").execute(cwd=str(tmp_path))
    folder = Store(data_directory).run_directory("tests/project", "r")

    assert len(journals_of(folder)) == 1
    assert state_of(folder) == "failed"
