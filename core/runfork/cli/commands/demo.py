"""``runfork demo``: a small training that is lost and resumed, to see what a fork looks like."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from runfork.cli.json_output import write_json
from runfork.cli.place import json_option
from runfork.disk.layout import DIRECTORY_NAME

_MODULE = "runfork_lightning.demo"
_NEEDED = ("torch", "pytorch_lightning", "sklearn")


@click.command("demo")
@click.option("--dir", "directory", metavar="DIR", help="Folder for data and checkpoints; default: ./runfork-demo.")
@click.option("--project", metavar="NAME", help="Project to log to; default: demo/digits.")
@click.option("--no-ui", is_flag=True, help="Do not open the web UI at the end; say how to.")
@json_option
def command(*, directory: str | None, project: str | None, no_ui: bool, as_json: bool) -> None:
    """Train a small model, lose it, resume it from its checkpoint, and see the fork.

    On a terminal it ends with the web UI open on what it made, until Ctrl-C; elsewhere, and where CI is set, it says how to
    open it. Needs Lightning and scikit-learn: pip install "runfork[demo]".
    """
    result = _load_demo().run_demo(project=project, directory=directory, is_quiet=as_json)
    if as_json:
        write_json(result)
        return
    folder, typed = Path(result["directory"]), _typed()
    seen = [f"{typed} {words}" for words in ("ls --runs", "compare RUN RUN", f"show {result['experiment']}")]
    click.echo(f"\nLook further:    {';  '.join([f'cd {shlex.quote(str(folder))}', *seen])}")
    _show_in_browser(folder / DIRECTORY_NAME, result["project"], typed, opens=not no_ui and _is_watched())


def _show_in_browser(data: Path, project: str, typed: str, *, opens: bool) -> None:
    """Serve the data directory until Ctrl-C, or say how; nothing where there is no such command."""
    from runfork.cli.group import cli

    web_ui = cli.get_command(click.get_current_context(), "ui")
    if web_ui is None:
        return
    place = ["--dir", str(data), "--project", project]
    if not opens:
        click.echo(f"In the browser:  {shlex.join([*shlex.split(typed), 'ui', *place])}")
        return
    click.echo("In the browser, until Ctrl-C:")
    sys.stdout.flush()
    # Any free port: that of another web UI, left open, is taken.
    web_ui.main([*place, "--port", "0"], prog_name="runfork ui", standalone_mode=False)


def _is_watched() -> bool:
    """Return whether somebody sits at a terminal, who can end what goes on until Ctrl-C."""
    is_ci = os.environ.get("CI", "").lower() not in ("", "0", "false", "no")
    return sys.stdin.isatty() and sys.stdout.isatty() and not is_ci


def _typed() -> str:
    """Return what the command line is called by: its name if that is found, else its path."""
    beside = Path(sys.executable).with_name("runfork")
    if shutil.which("runfork"):
        return "runfork"
    return shlex.join([str(beside)] if beside.exists() else [sys.executable, "-m", "runfork"])


def _load_demo() -> Any:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f'the demo needs {" and ".join(missing)}: pip install "runfork[demo]"')
    return importlib.import_module(_MODULE)
