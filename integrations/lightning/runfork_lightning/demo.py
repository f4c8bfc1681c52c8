"""The work of ``runfork demo``: a training that is killed, resumed and forked, and what runfork shows of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from runfork.errors import RunforkError
from runfork.model.identifiers import check_project
from runfork_lightning.demo_processes import Trainings, trainings

EXPERIMENT = "digits"
PROJECT = "demo/digits"
STEPS_PER_EPOCH = 23


def run_demo(*, project: str | None = None, directory: str | None = None, is_quiet: bool = False) -> dict[str, Any]:
    """Train a small model, kill it, resume it, and show what became of it.

    Args:
        project: Where to log; default ``demo/digits``.
        directory: A folder for data and checkpoints; default ``./runfork-demo``. One that exists is left alone: the demo
            takes the next free name.
        is_quiet: Whether nothing is printed.

    Returns:
        The folder, the project, and the runs in the order in which they were made.

    Raises:
        ArgumentError: The project has no such name.
        RunforkError: The folder cannot be made, or a training failed.
    """
    project = check_project(project or PROJECT)
    demo = _Demo(_free_folder(Path(directory or "runfork-demo")), project, is_quiet=is_quiet)
    demo.train()
    if not is_quiet:
        demo.show()
    return {"directory": str(demo.folder), "project": demo.project, "experiment": EXPERIMENT, "runs": demo.runs}


def _free_folder(wanted: Path) -> Path:
    folder, number = wanted, 1
    try:
        while folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            number += 1
            folder = wanted.with_name(f"{wanted.name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunforkError(
            f"the demo's folder {folder} cannot be made ({error.strerror}); choose another with --dir"
        ) from None
    return folder


@dataclass
class _Demo:
    folder: Path
    project: str
    is_quiet: bool = False
    runs: list[dict[str, Any]] = field(default_factory=list)

    # Training

    def train(self) -> None:
        """Make the four runs."""
        self._say(f"A small Lightning model learns handwritten digits. Everything goes to {self.folder}/.\n")
        with trainings("runfork_lightning.demo_training", self.folder, self._environment()) as processes:
            self._train_all(processes)
        self._say("\nNo line of the script said 'fork': the checkpoints did.")

    def _train_all(self, processes: Trainings) -> None:
        first = self._train(processes, "first", lr=0.1, epochs=12, wait_at=5 * STEPS_PER_EPOCH + 12)
        self._say(f"1  train with lr 0.1            killed (SIGKILL) in the middle of epoch 5, at step {first['step']}")
        second = self._train(processes, "second", lr=0.1, epochs=9, resume="first/epoch=4.ckpt")
        self._say(f"2  resume from epoch=4.ckpt     {_forked(second, self.runs)}")
        third = self._train(processes, "third", lr=0.02, epochs=12, resume="second/epoch=8.ckpt")
        self._say(f"3  resume with lr 0.02          {_forked(third, self.runs)}")
        fourth = self._train(processes, "fourth", lr=0.5, epochs=12, resume="first/epoch=1.ckpt")
        self._say(f"4  back to epoch=1.ckpt, lr 0.5 {_forked(fourth, self.runs)}")

    def _train(
        self,
        processes: Trainings,
        name: str,
        *,
        lr: float,
        epochs: int,
        resume: str | None = None,
        wait_at: int = 0,
    ) -> dict[str, Any]:
        """Train in a process of its own; with `wait_at` kill it there."""
        arguments = ["--experiment", EXPERIMENT, "--lr", str(lr), "--epochs", str(epochs)]
        arguments += ["--checkpoints", str((self.folder / "checkpoints" / name).absolute())]
        if resume is not None:
            arguments += ["--resume", str((self.folder / "checkpoints" / resume).absolute())]
        if wait_at:
            arguments += ["--wait-at", str(wait_at)]
        result = {"parent": None, "fork_step": None, **processes.run(arguments, is_killed=bool(wait_at))}
        self.runs.append({"name": name, "lr": lr, "was_killed": bool(wait_at), **result})
        return result

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFORK_", "NEPTUNE_"))}
        path = os.pathsep.join(part for part in sys.path if part)
        ours = {
            "RUNFORK_DIR": str(self._data.absolute()),
            "RUNFORK_PROJECT": self.project,
            "RUNFORK_MONITORING_SECONDS": "0.2",
        }
        return {**kept, **ours, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}

    @property
    def _data(self) -> Path:
        return self.folder / ".runfork"

    # Showing

    def show(self) -> None:
        """Show tables, tree and chart, as the commands do."""
        from runfork.cli.commands.lineage import command as lineage
        from runfork.cli.commands.ls import command as ls
        from runfork.cli.commands.plot import command as plot

        self._call(ls, "ls", "--columns", "train/loss,val/loss,val/accuracy")
        self._call(lineage, "lineage", EXPERIMENT)
        self._call(plot, "plot", EXPERIMENT, "^train/loss$", "--pruned")

    def _call(self, command: click.Command, *words: str) -> None:
        typed = " ".join(f"'{word}'" if any(sign in word for sign in "^$") else word for word in words)
        self._say(f"\n$ runfork {typed}")
        place = ["--dir", str(self._data), "--project", self.project]
        command.main([*words[1:], *place], prog_name=f"runfork {words[0]}", standalone_mode=False)

    def _say(self, text: str) -> None:
        if not self.is_quiet:
            click.echo(text)


def _forked(result: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    number = next((place for place, run in enumerate(runs, start=1) if run["run_id"] == result["parent"]), None)
    if number is None:
        return "a new run"
    return f"a fork of run {number} at step {result['fork_step']}"
