"""The command line itself: help, usage, warnings and errors, plugins, damage."""

from __future__ import annotations

import json
import re
import sys

import pytest
from tests.command_line import call, call_json

from runfork import Run


def test_without_a_command_the_help_is_shown(data_directory):
    assert call().stdout == call("--help").stdout


def test_a_failed_run_shows_the_last_line_of_what_ended_it(data_directory):
    with pytest.raises(ZeroDivisionError), Run(None, run_id="broken"):
        raise ZeroDivisionError("division by zero")

    assert "  failed with  ZeroDivisionError: division by zero\n" in call("show", "broken").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lss"], "runfork: there is no command 'lss'; did you mean ls\\?"),
        (["ls", "--fliter", "x"], "runfork ls: no such option:? '?--fliter"),
        (["show"], "runfork show: missing argument 'RUN'; see 'runfork show --help'"),
        (["ls", "-n", "many"], "runfork ls: invalid value for '-n' / '--limit'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_two(arguments, message, data_directory):
    error = call(*arguments, exit_code=2).stderr

    assert re.match(message, error)
    assert error.count("\n") == 1


def test_an_unexpected_error_is_one_sentence_that_names_the_debug_switch(lineage, monkeypatch):
    monkeypatch.setattr("runfork.cli.commands.ls.read_listing", lambda *_, **__: 1 / 0)

    error = call("ls", exit_code=1).stderr

    assert error.count("\n") == 1
    assert "ZeroDivisionError" in error
    assert "RUNFORK_DEBUG=1" in error


def test_the_debug_switch_shows_the_traceback(lineage, monkeypatch):
    monkeypatch.setattr("runfork.cli.commands.ls.read_listing", lambda *_, **__: 1 / 0)
    monkeypatch.setenv("RUNFORK_DEBUG", "1")

    assert "Traceback" in call("ls", exit_code=1).stderr


def test_warnings_are_one_sentence_without_their_place(lineage, recwarn):
    result = call("ls", "--filter", 'nothing == "x"', "--json")

    assert "runfork: the filter names 'nothing', which doesn't exist in the project" in result.stderr
    assert ".py" not in result.stderr


def test_a_plugin_may_replace_a_command(data_directory, monkeypatch, tmp_path):
    plugin = tmp_path / "my_runfork_plugin.py"
    plugin.write_text(
        "import click\n"
        "from runfork import hookimpl\n"
        "@hookimpl\n"
        "def register_commands():\n"
        "    return [lambda: click.Command('ls', callback=lambda: click.echo('mine'), help='My own list.')]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("runfork.cli.group.BUILT_IN", ("runfork.cli.commands", "my_runfork_plugin"))

    assert call("ls").stdout == "mine\n"
    assert "My own list." in call("--help").stdout


# plugins


def test_plugins_lists_names_versions_and_hooks(data_directory):
    plugins = {plugin["name"]: plugin for plugin in call_json("plugins")["plugins"]}

    assert plugins["runfork.cli.commands"]["hooks"] == ["register_commands"]
    assert plugins["runfork.cli.commands"]["version"]


def test_a_plugin_that_fails_is_told_with_the_reason(data_directory, monkeypatch):
    monkeypatch.setattr("runfork.cli.group.BUILT_IN", ("runfork.cli.commands", "runfork.no_such_module"))

    document = call_json("plugins", exit_code=1)

    assert "No module named" in document["failures"]["runfork.no_such_module"]


def test_the_help_tells_of_plugins_that_failed(data_directory, monkeypatch):
    monkeypatch.setattr("runfork.cli.group.BUILT_IN", ("runfork.cli.commands", "runfork.no_such_module"))

    assert "Plugins that failed: runfork.no_such_module" in " ".join(call("--help").stdout.split())


# demo


def test_the_demo_without_its_libraries_says_what_to_install(data_directory, monkeypatch):
    for name in ("torch", "pytorch_lightning", "sklearn"):
        monkeypatch.setitem(sys.modules, name, None)

    message = call("demo", exit_code=1).stderr

    needs = "torch and pytorch_lightning and sklearn"
    assert message == f'runfork: the demo needs {needs}: pip install "runfork[demo]"\n'


# Damage


def test_the_other_commands_read_past_damage(lineage):
    (journal,) = (lineage / "tests" / "project" / "root").glob("*.journal")
    data = bytearray(journal.read_bytes())
    data[-300] ^= 0xFF
    journal.write_bytes(data)

    result = call("ls", "--json")

    assert json.loads(result.stdout)["items"][0]["run_id"] == "head"
    assert re.fullmatch(
        r"runfork: damage in the journal /.*[.]journal was skipped; 'runfork fsck' tells more\n", result.stderr
    )


def test_the_other_commands_read_past_what_is_no_journal(lineage):
    (lineage / "tests" / "project" / "root" / "x.journal").write_bytes(b"something else entirely")

    assert re.fullmatch(
        r"runfork: the journal /.*[.]journal could not be read: .*; 'runfork fsck' tells more\n", call("ls").stderr
    )
