import tests.one_thread  # noqa: F401  before anything loads NumPy or torch

# isort: split
import gc
import os
import signal
import sys
import tempfile

import pytest

from runfork import Run
from runfork.disk.layout import Store
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex
from runfork.query.source import Source
from runfork.testing import warm
from runfork.testing.histories import EPOCH, HistoryWriter

pytest_plugins = ["runfork.testing.fixtures", "tests.command_line", "tests.servers", "tests.trials"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a shell; the processes of tests inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ["RUNFORK_QUIET"] = "1"  # else runs that end after their test speak into the report


def pytest_configure(config):
    if warm.SHARED not in os.environ:  # workers of pytest-xdist and tests in processes of tests find it
        folder = tempfile.TemporaryDirectory(prefix="warm-")
        os.environ[warm.SHARED] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.fixture(autouse=True, scope="module")
def _imported_for_good():
    """Frameworks collect garbage after each training: what was imported is left out, most of a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_data_directory(data_directory):
    """Every test has a data directory of its own."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown():
    """No test leaves to the next ones a run that looks out for the end of the process."""
    result = yield
    assert not hasattr(sys.exit, "of"), f"a run was left open: {[*sys.exit.of.lives]}"
    return result


@pytest.fixture(params=["memory", "sqlite"])
def index(request, tmp_path):
    """An empty index, of each of our kinds in turn."""
    found = MemoryIndex() if request.param == "memory" else SqliteIndex(tmp_path / "index.sqlite3")
    yield found
    found.close()


@pytest.fixture
def folder(data_directory):
    """The folder of the run ``r`` of the project ``tests/project``, which the test has yet to make."""
    return Store(data_directory).run_directory("tests/project", "r")


@pytest.fixture
def open_run(data_directory):
    """Open runs that are closed at the end of the test."""
    opened = []

    def make(*args, **kwargs):
        kwargs.setdefault("source_tracking_config", None)
        run = Run(*args, **kwargs)
        opened.append(run)
        return run

    yield make
    for run in opened:
        run.close()


@pytest.fixture
def run(open_run):
    """A run with the id ``r``."""
    return open_run(run_id="r")


@pytest.fixture
def five_runs(index):
    """A project of five runs: of two experiments with configs, one of them forked, one without a name, one that is archived."""

    def history(run_id, minute):
        return HistoryWriter(run_id, now=EPOCH + minute * 60_000_000)

    runs = [
        history("r1", 1).create("gull").configs({"lr": 0.1, "seed": 1, "sys/name": "gull"}).metrics({"loss": 3}, 0),
        history("r2", 2).create("gull", fork=("r1", 5)).configs({"lr": 0.2}).metrics({"loss": 3}, 6).tags("good"),
        history("r3", 3).create("tern").configs({"lr": "auto", "model/depth": 4}),
        history("r4", 4).create().metrics({"loss": 1}, 0),
        history("r5", 5).create("crow").configs({"sys/archived": True}),
    ]
    for run in runs:
        index.apply(run.batch())
    return Source("local/test", index)
