import json
import pkgutil
from pathlib import Path

import pytest

import runfork

HEAVY = {"numpy", "pandas", "click", "rich", "psutil", "pluggy", "torch", "requests", "pcodec", "pynvml", "sqlite3"}


@pytest.mark.parametrize(
    "statement", ["import runfork", "from runfork import Run", "import runfork.writing.run, runfork.capture.console"]
)
def test_logging_needs_nothing_but_the_standard_library(run_script, statement):
    done = run_script(f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)")
    loaded = {name.partition(".")[0] for name in done.stdout.split()}

    assert loaded & HEAVY == set()
    assert loaded <= set(__import__("sys").stdlib_module_names) | {"runfork"}


def test_importing_runfork_loads_none_of_its_parts(run_script):
    done = run_script("import sys, runfork\nprint(*(name for name in sys.modules if name.startswith('runfork')))")

    assert set(done.stdout.split()) == {
        "runfork",
        "runfork.disk",
        "runfork.disk.starting_directory",  # it may change later
    }


def test_a_run_that_logs_loads_no_framework_and_no_reader(run_script):
    done = run_script(
        """
        import sys
        from runfork import Run
        with Run() as run:
            run.log_metrics({"a": 1}, step=1)
        print(*{name.partition('.')[0] for name in sys.modules})
        """
    )

    assert done.stderr == ""
    assert (
        set(done.stdout.split()) & {"numpy", "pandas", "torch", "rich", "sqlite3", "lightning", "pytorch_lightning"}
        == set()
    )


PAGE = """
import sys
from runfork.index.interface import RunsQuery
from runfork.reading.project import Project
with Project.open("a/b") as project:
    project.refresh()
    (row,) = project.index.runs(RunsQuery(limit=50)).rows
    assert project.index.values([row.node.run_id])[row.node.run_id]["loss"].value == 1.0
print(*{"pluggy", "importlib.metadata", "numpy", "pcodec", "runfork.journal.reader"} & {*sys.modules})
"""


def test_a_page_of_runs_that_have_not_changed_takes_no_plugins_and_nothing_that_computes(run_script):
    run_script("from runfork import Run\nwith Run(project='a/b') as run:\n    run.log_metrics({'loss': 1.0}, step=1)")
    first, again = run_script(PAGE), run_script(PAGE)

    assert first.stderr == again.stderr == ""
    assert sorted(first.stdout.split()) == ["numpy", "pcodec", "runfork.journal.reader"]
    assert again.stdout.split() == []


def modules():
    roots = [Path(runfork.__file__).parent]
    return sorted(
        module.name
        for module in pkgutil.walk_packages([str(root) for root in roots], "runfork.")
        if not module.name.startswith(("runfork.testing", "runfork.__main__"))
    )


def test_every_module_imports_without_side_effects(run_script, tmp_path):
    done = run_script(
        f"""
        import importlib, json, os, signal, sys, threading, atexit
        sys.dont_write_bytecode = True
        opened = []
        def audit(event, arguments):
            if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
                opened.append(str(arguments[0]))
            if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "os.mkdir", "os.rename"):
                if "__pycache__" not in str(arguments):
                    opened.append(event + str(arguments))
        sys.addaudithook(audit)
        streams, handler, threads = (sys.stdout, sys.stderr), signal.getsignal(signal.SIGTERM), threading.active_count()
        for name in {modules()!r}:
            importlib.import_module(name)
        same = (sys.stdout, sys.stderr) == streams and signal.getsignal(signal.SIGTERM) == handler
        print(json.dumps([same, threading.active_count() - threads, [one for one in opened if "__pycache__" not in one]]))
        """
    )

    assert done.stderr == ""
    assert json.loads(done.stdout) == [True, 0, []]


@pytest.mark.parametrize("name", runfork.__all__)
def test_every_public_name_is_there(name):
    assert getattr(runfork, name) is not None


def test_the_public_names_are_listed_once_and_in_order():
    homes = [name for names in runfork._HOMES.values() for name in names]

    assert sorted(homes) == runfork.__all__ == sorted(set(homes))
    assert set(runfork.__all__) <= set(dir(runfork))


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="^module 'runfork' has no attribute 'Rum'$"):
        runfork.Rum  # noqa: B018
