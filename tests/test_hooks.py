"""One test for each hook: a plugin that implements it, installed like everyone's."""

import inspect
import re
import sys
from pathlib import Path

import pytest

from runfork import Run, writing
from runfork import hooks as hookspecs
from runfork.cli import group
from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.plugins import Plugins, load_plugins, load_plugins_once
from runfork.reading.project import Project
from runfork.testing.journals import configs_of, points_of, records_of
from runfork.testing.waits import until

BUILT_IN = (*writing.BUILT_IN, *group.BUILT_IN)
HOOKS = [
    function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if getattr(function, "runfork_spec", None) is not None
]
ROOT = Path(__file__).parents[1]
HEADINGS = re.findall(r"^## `(.+)`$", (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8"), re.MULTILINE)
USES = re.compile(r"^@(?:runfork\.)?hookimpl(?:\(.*\))?\ndef (\w+)", re.MULTILINE)


def signature(function):
    return f"{function.__name__}{inspect.signature(function)}".replace("'", "")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin of the given code, or from the given file, as pip would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(code, name="lab"):
        module = f"{name}_plugin_{tmp_path.name}".replace("-", "_")
        if not isinstance(code, Path):
            code = f"from runfork import hookimpl\n{code}"
        (site / f"{module}.py").write_text(code if isinstance(code, str) else code.read_text(encoding="utf-8"))
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[runfork]\n{name} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        return lambda: sys.modules[module]

    return install


@pytest.fixture
def parent():
    run = Run(run_id="p", source_tracking_config=None)
    yield run
    run.close()


# The document


def test_the_document_has_a_heading_with_the_signature_of_every_hook():
    assert sorted(HEADINGS) == sorted(signature(function) for function in HOOKS)


def test_every_hook_has_a_test_of_its_name():
    assert [function.__name__ for function in HOOKS if f"test_hook_{function.__name__}" not in globals()] == []


def test_every_hook_is_used_by_a_feature_or_an_example():
    files = (path for folder in ("core", "integrations", "examples") for path in (ROOT / folder).rglob("*.py"))
    used = {name for path in files for name in USES.findall(path.read_text(encoding="utf-8"))}

    assert [function.__name__ for function in HOOKS if function.__name__ not in used] == []


def test_the_facade_has_a_method_for_every_hook():
    assert [function.__name__ for function in HOOKS if not hasattr(Plugins, function.__name__)] == []


# Asking hooks


def test_hook_open_index(install):
    install(
        """
from runfork.index.memory import MemoryIndex
class Mine(MemoryIndex):
    pass
@hookimpl
def open_index(uri):
    return Mine() if uri == 'mine://' else None
"""
    )
    with Project.open("a/b", index_uri="mine://") as project:
        assert type(project.index).__name__ == "Mine"
    with pytest.raises(ArgumentError, match="^no plugin opens the index 'theirs://'; use sqlite:///path"):
        load_plugins(built_in=BUILT_IN).open_index("theirs://")


def test_hook_convert_value(install):
    install("@hookimpl\ndef convert_value(value):\n    return 42 if type(value).__name__ == 'Quantity' else None")

    class Quantity:
        pass

    with Run(source_tracking_config=None) as run:
        run.log_configs({"a": Quantity(), "b": b"other"})
    configs = configs_of(run.directory)

    assert (configs["a"], configs["b"]) == (42, "other")


def test_hook_find_checkpoint_mark(install, parent, tmp_path):
    mark = parent.checkpoint_mark(3)
    install(f"@hookimpl\ndef find_checkpoint_mark(path):\n    return {mark!r} if path.endswith('.mine') else None")
    (tmp_path / "x.mine").touch()
    with Run(resume_from=tmp_path / "x.mine", source_tracking_config=None) as run:
        pass

    assert run.parent == ("p", 3)


def test_hook_decide_resume(install, parent):
    install("@hookimpl\ndef decide_resume(run, mark):\n    return 'new' if mark['step'] == '3' else None")
    with Run(resume_from=parent.checkpoint_mark(3), source_tracking_config=None) as new:
        pass
    with Run(resume_from=parent.checkpoint_mark(4), source_tracking_config=None) as forked:
        pass

    assert (new.parent, forked.parent) == (None, ("p", 4))


def test_hook_collect_system_attributes(install):
    install("@hookimpl\ndef collect_system_attributes(run):\n    return {'sys/room': 'cold', 'sys/run': run.run_id}")
    with Run(run_id="r", source_tracking_config=None) as run:
        pass
    configs = configs_of(run.directory)

    assert (configs["sys/room"], configs["sys/run"]) == ("cold", "r")
    assert "sys/hostname" in configs


def test_hook_register_samplers(install, monkeypatch):
    monkeypatch.setenv("RUNFORK_MONITORING_SECONDS", "0.1")
    plugin = install(
        """
closed = []
class Room:
    def sample(self):
        return {'room/temperature_celsius': 21.5}
    def close(self):
        closed.append(True)
class Broken:
    def sample(self):
        raise OSError('no sensor')
    def close(self):
        raise OSError('no sensor')
@hookimpl
def register_samplers():
    return [Broken(), Room()]
"""
    )
    run = Run(source_tracking_config=None)
    until(lambda: points_of(run.directory, "runtime/monitoring/room/temperature_celsius"))
    run.close()

    assert plugin().closed == [True]
    assert run.status.problems == ("Broken stopped sampling: OSError: no sensor",)


def test_hook_register_commands(install):
    install(
        "import click\n@hookimpl\ndef register_commands():\n    return [lambda: click.Command('brew', callback=print)]"
    )

    assert "brew" in [factory().name for factory in load_plugins(built_in=BUILT_IN).register_commands()]


# Telling hooks


TOLD = """
told = []
import threading
@hookimpl
def after_run_created(run):
    told.append(('created', run.run_id, threading.current_thread().name, run.is_closed))
@hookimpl
def after_run_forked(run, parent, step):
    told.append(('forked', run.run_id, parent, step))
@hookimpl
def after_run_closed(run):
    told.append(('closed', run.run_id, run.status.state, run.is_closed))
"""


def test_hook_after_run_created(install):
    plugin = install(TOLD)
    Run(run_id="r", source_tracking_config=None).close()

    assert plugin().told[0] == ("created", "r", "runfork plugin", False)


def test_hook_after_run_forked(install, parent):
    plugin = install(TOLD)
    mark = parent.checkpoint_mark(1.5)
    Run(run_id="r", resume_from=mark, source_tracking_config=None).close()
    Run(run_id="s", fork_run_id="p", fork_step=2, source_tracking_config=None).close()

    assert [one for one in plugin().told if one[0] == "forked"] == [("forked", "r", "p", 1.5), ("forked", "s", "p", 2)]


def test_a_fork_that_is_opened_again_is_not_told_as_a_new_one(install, parent):
    plugin = install(TOLD)
    Run(run_id="r", fork_run_id="p", fork_step=2, source_tracking_config=None).close()
    Run(run_id="r", source_tracking_config=None).close()
    Run(run_id="r", source_tracking_config=None, is_visitor=True).close()

    told = [one[0] for one in plugin().told if one[1] == "r"]

    assert ["created", "forked", "closed", "created", "closed", "created", "closed"] == told


def test_hook_after_run_closed(install):
    plugin = install(TOLD)
    Run(run_id="r", source_tracking_config=None).close("failed")

    assert plugin().told[-1] == ("closed", "r", "failed", True)


def test_the_plugin_among_the_examples_keeps_a_book_of_runs_and_indexes_in_memory(
    install, parent, data_directory, tmp_path, monkeypatch
):
    plugin = install(ROOT / "examples" / "lab_plugin.py")
    monkeypatch.setenv("LAB_BOOK", str(tmp_path / "book"))
    monkeypatch.setenv("LOGNAME", "ada")
    with pytest.raises(ValueError, match="diverged"), Run("digits", run_id="r", fork_run_id="p", fork_step=2):
        raise ValueError("diverged")
    book = tmp_path / "book"
    until(lambda: book.exists() and "failed" in book.read_text())  # plugins write on a thread of their own
    lines = [line[len("2026-01-01 00:00 ") :] for line in book.read_text().splitlines() if "/r: " in line]
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(plugin(), "MEMORY", tmp_path / "memory")
    with Project.open(index_uri="ram://mine") as project:
        project.refresh()
        found = set(project.index.nodes())

    assert lines == [
        "ada tests/project/r: began digits",
        "ada tests/project/r: forked it from p at step 2",
        "ada tests/project/r: failed",
    ]
    assert found == {"p", "r"}
    assert (tmp_path / "memory" / "runfork-ada" / "mine.sqlite3").is_file()


# What a plugin does wrong


def test_a_plugin_that_raises_disturbs_neither_the_others_nor_training(install):
    install("@hookimpl\ndef after_run_created(run):\n    raise ValueError('no')", name="broken")
    plugin = install(TOLD)
    with Run(source_tracking_config=None) as run:
        run.log_metrics({"a": 1}, step=1)

    assert [one[0] for one in plugin().told] == ["created", "closed"]
    assert run.status.problems == (
        "plugin broken.after_run_created failed (ValueError: no); it is left out, training goes on",
    )
    assert "broken.after_run_created" in configs_of(run.directory)["sys/diagnostics/problems"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('on import')", "RuntimeError: on import"),
        ("@hookimpl\ndef after_run_creatd(run):\n    pass", "PluginValidationError: unknown hook 'after_run_creatd'"),
        ("@hookimpl\ndef after_run_created(wrong):\n    pass", "PluginValidationError: "),
    ],
)
def test_a_plugin_that_cannot_be_registered_is_left_out_and_told(install, code, said):
    install(code, name="broken")
    plugins = load_plugins(built_in=BUILT_IN)

    assert plugins.failures["broken"].startswith(said)
    assert "broken" not in plugins.names()
    assert "runfork.writing.resume_policy" in plugins.names()


def test_a_plugin_that_answers_nonsense_to_collecting_is_told(install):
    install("@hookimpl\ndef collect_system_attributes(run):\n    return 3", name="broken")
    with Run(source_tracking_config=None) as run:
        pass

    assert "sys/hostname" in configs_of(run.directory)
    assert any("broken" in sentence for sentence in run.status.problems)


def test_a_decision_that_is_none_of_the_three_is_a_fork_and_told(install, parent):
    install("@hookimpl\ndef decide_resume(run, mark):\n    return 'maybe'", name="broken")
    with Run(resume_from=parent.checkpoint_mark(3), source_tracking_config=None) as run:
        pass

    assert records_of(run.directory, Kind.LINEAGE)[0].body["policy"] == "fork"
    assert run.parent == ("p", 3)


def test_only_the_plugins_that_were_named_are_loaded(install, monkeypatch):
    install(TOLD)
    monkeypatch.setenv("RUNFORK_PLUGINS", "other")
    without = load_plugins(built_in=BUILT_IN).names()
    monkeypatch.setenv("RUNFORK_PLUGINS", "other, lab")

    assert "lab" not in without
    assert "lab" in load_plugins(built_in=BUILT_IN).names()
    assert "lab" in load_plugins(["lab"]).names()


def test_every_call_is_printed_on_request(monkeypatch, capsys):
    monkeypatch.setenv("RUNFORK_TRACE_HOOKS", "1")
    load_plugins(built_in=BUILT_IN).collect_system_attributes(run=None)  # type: ignore[arg-type]

    assert "collect_system_attributes" in capsys.readouterr().err


def test_names_and_hooks_of_plugins_can_be_listed(install):
    install(TOLD)
    plugins = load_plugins(built_in=BUILT_IN)

    assert plugins.hooks_of("lab") == ["after_run_closed", "after_run_created", "after_run_forked"]


def test_a_process_imports_plugins_once_unless_another_one_was_installed(install):
    install("import builtins\nbuiltins.imported = getattr(builtins, 'imported', 0) + 1\n" + TOLD, name="counted")
    builtins = sys.modules["builtins"]
    for _ in range(3):
        Run(source_tracking_config=None).close()
    once = builtins.imported
    plugin = install(TOLD, name="later")
    Run(run_id="r", source_tracking_config=None).close()
    del builtins.imported

    assert once == 1
    assert [one[0] for one in plugin().told] == ["created", "closed"]


def test_plugins_are_not_looked_for_anew_because_the_program_writes_where_it_lies(install, tmp_path, monkeypatch):
    install(TOLD)
    program = tmp_path / "program"
    program.mkdir()
    monkeypatch.syspath_prepend(program)
    first = load_plugins_once(BUILT_IN)
    (program / "checkpoint").mkdir()
    second = load_plugins_once(BUILT_IN)

    assert first.manager is second.manager


def test_a_hook_that_hangs_is_not_called_for_another_run(install):
    plugin = install(
        "import threading\nover, calls = threading.Event(), []\n"
        "@hookimpl\ndef after_run_created(run):\n    calls.append(run)\n    over.wait(60)\n"
    )
    first = load_plugins_once(BUILT_IN, timeout_seconds=0.05)
    second = load_plugins_once(BUILT_IN, timeout_seconds=0.05)
    first.after_run_created(None)  # type: ignore[arg-type]
    second.after_run_created(None)  # type: ignore[arg-type]
    plugin().over.set()

    assert len(plugin().calls) == 1
    assert first.failures == {"lab.after_run_created": "StillBusyError: still busy after 0.05 seconds"}
    assert second.failures == {"lab.after_run_created": "it did not come back when it was called before"}
