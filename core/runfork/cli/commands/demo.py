"""``runfork demo``: a small training that is lost and resumed, to see what a fork looks like."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import click

from runfork.cli.json_output import write_json
from runfork.cli.place import json_option

_MODULE = "runfork_lightning.demo"
_NEEDED = ("torch", "pytorch_lightning", "sklearn")


@click.command("demo")
@click.option("--dir", "directory", metavar="DIR", help="Folder for data and checkpoints; default: ./runfork-demo.")
@click.option("--project", metavar="NAME", help="Project to log to; default: demo/digits.")
@json_option
def command(*, directory: str | None, project: str | None, as_json: bool) -> None:
    """Train a small model, lose it, resume it from its checkpoint, and see the fork.

    Needs Lightning and scikit-learn: pip install "runfork[demo]".
    """
    result = _load_demo().run_demo(project=project, directory=directory, is_quiet=as_json)
    if as_json:
        write_json(result)


def _load_demo() -> Any:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f'the demo needs {" and ".join(missing)}: pip install "runfork[demo]"')
    return importlib.import_module(_MODULE)
