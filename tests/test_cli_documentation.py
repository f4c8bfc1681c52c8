"""``docs/cli.md`` tells every command and option, as ``--help`` does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.command_line import runner

from runfork.cli import cli, commands
from runfork_server import plugin

DOCUMENT = (Path(__file__).resolve().parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
FACTORIES: list[Any] = [*commands.register_commands(), *plugin.register_commands()]
COMMANDS = [factory.name for factory in FACTORIES]
WIDTH = 100


def help_of(*arguments: str) -> str:
    result = runner().invoke(cli, [*arguments, "--help"], prog_name="runfork", terminal_width=WIDTH)
    text = result.stdout.partition("Plugins that failed")[0].strip("\n")
    return text.replace("] COMMAND [ARGS]", "] [COMMAND] [ARGS]", 1)  # as click has it from 8.2 on


def documented(name: str) -> str:
    found = re.search(rf"^```help{name and ' ' + name}\n(.*?)\n```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no block of help for {name!r}"
    return found[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_document_shows_the_help_of_each_command(name: str) -> None:
    assert documented(name) == help_of(name)


def test_the_document_shows_the_list_of_commands() -> None:
    assert documented("") == help_of()


def test_each_command_has_a_heading() -> None:
    assert sorted(re.findall(r"^## runfork (\w+)$", DOCUMENT, re.MULTILINE)) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_knows_project_directory_and_json(name: str) -> None:
    text = help_of(name)

    assert all(f"--{option}" in text for option in ("json", "project", "dir", "help"))


def test_the_summary_of_a_command_says_what_its_help_says() -> None:
    for factory in FACTORIES:
        assert factory().name == factory.name
