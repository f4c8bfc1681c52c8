"""What logging adds to a training step: ``python -m benchmarks.training``.

The same steps with no logger and with each, in turns, round after round in one process; what counts is the difference within a
round. A figure is the median over windows of steps: of 50 where Lightning logs every 50 steps, so that each holds it once, else
of 10. Trains on a GPU where there is one. ``--here`` uses this environment; else one with pinned versions is made for it, with
TensorBoard's writer.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.peers.environments import HOME, Environments
from benchmarks.reporting.documents import markdown_table, replace_section
from benchmarks.reporting.figures import short
from benchmarks.reporting.machine import describe_checkout, describe_machine, today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUIREMENTS = (".[lightning,pandas]", "torch==2.13.0", "tensorboardX==2.6.5")
Round = dict[str, "Step"]
"""The typical step with each logger, all measured one after another."""

NO_LOGGER = "no logger"
LOG_METRICS = "`run.log_metrics`, with console, and hardware every second"
MODELS = {"tiny": (4, 4, 8), "small": (256, 768, 64)}
"""Width of the input, of two hidden layers, and samples in a batch."""


@dataclass(frozen=True)
class Case:
    """What is logged in a training with Lightning, and how.

    Args:
        title: In the table.
        metrics: How many values there are.
        every: Lightning's `log_every_n_steps`.
        is_direct: Whether they go to ``self.logger.log_metrics`` rather than through ``self.log_dict``.
        share: Of the steps that are asked for: some take long with a thousand metrics.
    """

    title: str
    metrics: int
    every: int
    is_direct: bool = False
    share: float = 1.0

    @property
    def window(self) -> int:
        """How many steps are timed together."""
        return 10 if self.every == 1 else self.every


CASES = {
    "tiny": [
        Case("3 metrics with `self.log_dict`, every 50 steps (the default)", 3, 50),
        Case("3 metrics with `self.log_dict`, every step", 3, 1),
        Case("1,000 metrics with `self.logger.log_metrics`, every step", 1000, 1, is_direct=True, share=0.5),
    ],
    "small": [
        Case("3 metrics with `self.log_dict`, every 50 steps (the default)", 3, 50),
        Case("3 metrics with `self.log_dict`, every step", 3, 1),
        Case("1,000 metrics with `self.logger.log_metrics`, every step", 1000, 1, is_direct=True, share=0.5),
        Case("1,000 metrics with `self.log_dict`, every step", 1000, 1, share=0.1),
    ],
}


class Step(NamedTuple):
    """Microseconds of a step: as the clock shows, and of the training thread's CPU."""

    wall: float
    cpu: float


class Timer:
    """Times windows of steps."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._marks: list[tuple[int, int]] = []

    def mark(self, step: int) -> None:
        """Take the time where a window ends. The device catches up first, so that its work belongs to the window."""
        import torch

        if step % self._window:
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._marks.append((time.perf_counter_ns(), time.thread_time_ns()))

    def step(self) -> Step:
        """Return the median over all windows but the first, which is for warming up."""
        pairs = list(itertools.pairwise(self._marks))
        windows = [(end[0] - begin[0], end[1] - begin[1]) for begin, end in pairs[1:]]
        return Step(*(median(column) / self._window / 1000 for column in zip(*windows, strict=True)))


def network(model: str) -> Any:
    """Return the layers of a model."""
    import torch

    width, hidden, _ = MODELS[model]
    sizes = [(width, hidden), (hidden, hidden), (hidden, 1)]
    return torch.nn.Sequential(*(part for size in sizes for part in (torch.nn.Linear(*size), torch.nn.ReLU())))


def batches(model: str, steps: int) -> Any:
    """Return a dataset of as many batches as there are steps; a few tensors, over and over."""
    import torch

    width, _, samples = MODELS[model]
    some = [torch.randn(samples, width, generator=torch.Generator().manual_seed(seed)) for seed in range(8)]
    return [some[step % len(some)] for step in range(steps)]


def more_values(metrics: int) -> dict[str, float]:
    """Return the values of a step besides the loss."""
    import torch

    names = (f"layer{number // 10:03}/stat{number % 10}" for number in range(metrics - 1))
    return dict(zip(names, torch.rand(metrics - 1).tolist(), strict=True))


def lightning_steps(model: str, case: Case, *, logger: Any, steps: int) -> Step:
    """Train with Lightning, and return the typical step."""
    import pytorch_lightning as pl
    import torch

    timer = Timer(case.window)

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network(model)

        def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
            timer.mark(batch_idx)
            loss: torch.Tensor = self.network(batch).square().mean()
            values: dict[str, Any] = more_values(case.metrics)
            if not case.is_direct:
                self.log_dict({"loss": loss, **values})
            elif self.logger is not None:
                self.logger.log_metrics({"loss": loss.item(), **values}, step=batch_idx)
            else:
                loss.item()
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=1e-3)

    torch.manual_seed(0)
    trainer = pl.Trainer(
        logger=logger,
        accelerator="auto",
        devices=1,
        max_epochs=1,
        log_every_n_steps=case.every,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(batches(model, steps), batch_size=None))
    return timer.step()


def plain_steps(model: str, *, metrics: int, log: Callable[..., None] | None, steps: int) -> Step:
    """Train in a loop of one's own, and return the typical step."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    layers = network(model).to(device)
    optimizer = torch.optim.SGD(layers.parameters(), lr=1e-3)
    timer = Timer(10)
    for step, batch in enumerate(batches(model, steps)):
        timer.mark(step)
        optimizer.zero_grad()
        loss = layers(batch.to(device)).square().mean()
        loss.backward()
        optimizer.step()
        values = {"loss": loss.item(), **more_values(metrics)}
        if log is not None:
            log(values, step=step)
    return timer.step()


def loggers(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what is compared, each ready for one training."""
    from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

    from runfork import Settings
    from runfork_lightning import RunforkLogger

    yield NO_LOGGER, False
    settings = Settings(directory=str(folder / "runs"), project="bench/training", console=False, monitoring_seconds=0)
    yield "runfork", RunforkLogger("training", settings=settings)
    settings = settings.with_overrides(console=True, monitoring_seconds=1.0)
    yield "runfork, with console, and hardware every second", RunforkLogger("training", settings=settings)
    yield "Lightning's CSVLogger", CSVLogger(folder / "csv")
    if importlib.util.find_spec("tensorboardX") or importlib.util.find_spec("tensorboard"):
        yield "TensorBoardLogger", TensorBoardLogger(folder / "tensorboard")


def lightning_round(model: str, case: Case, steps: int, *, number: int) -> Round:
    """Train once with each logger, beginning with another one each round; return the step of each."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        turns = list(loggers(Path(folder)))
        first = number % len(turns)
        for name, logger in turns[first:] + turns[:first]:
            found[name] = lightning_steps(model, case, logger=logger, steps=steps)
            if name.startswith("runfork"):
                logger.experiment.close()
    return {name: found[name] for name, _ in turns}


def plain_round(model: str, metrics: int, steps: int, *, number: int) -> Round:
    """Train in a plain loop without and with us, every other round with us first; return the step of each."""
    from runfork import Run, Settings

    found = {}
    for name in (NO_LOGGER, LOG_METRICS) if number % 2 == 0 else (LOG_METRICS, NO_LOGGER):
        if name == NO_LOGGER:
            found[name] = plain_steps(model, metrics=metrics, log=None, steps=steps)
            continue
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(directory=folder, project="bench/training", monitoring_seconds=1.0)
            with Run("training", settings=settings) as run:
                found[name] = plain_steps(model, metrics=metrics, log=run.log_metrics, steps=steps)
    return {name: found[name] for name in (NO_LOGGER, LOG_METRICS)}


def rows_of(title: str, rounds: list[Round]) -> list[list[str]]:
    """Return the rows of one comparison: the step, and what each logger adds to it within a round."""
    rows = []
    for name in rounds[0]:
        step = short(median(one[name].wall for one in rounds))
        if name == NO_LOGGER:
            rows.append([title, name, step, "", "", "", ""])
            continue
        wall = sorted(one[name].wall - one[NO_LOGGER].wall for one in rounds)
        cpu = median(one[name].cpu - one[NO_LOGGER].cpu for one in rounds)
        share = median(wall) / median(one[NO_LOGGER].wall for one in rounds) * 100
        spread = f"{short(wall[0])} to {short(wall[-1])}"
        rows.append(["", name, step, short(median(wall)), f"{share:.1f} %", spread, short(cpu)])
    return rows


def measure(rounds: int, steps: int) -> str:
    """Return a table of all comparisons."""
    head = ["what is logged", "logger", "step, us", "added, us", "added", "over the rounds, us", "CPU added, us"]
    rows = []
    for model, cases in CASES.items():
        for case in cases:
            fewer = max(3 * case.window, int(steps * case.share)) + 1
            rows += rows_of(
                f"{model} model, Lightning: {case.title}", _repeat(rounds, lightning_round, model, case, fewer)
            )
        for metrics in (3, 1000):
            title = f"{model} model, a plain loop: {metrics:,} metrics, every step"
            rows += rows_of(title, _repeat(rounds, plain_round, model, metrics, steps))
    return markdown_table(head, rows)


def _repeat(rounds: int, measured: Callable[..., Round], *given: Any) -> list[Round]:
    found = []
    for number in range(rounds):
        found.append(measured(*given, number=number))
        told = {name: round(step.wall) for name, step in found[-1].items()}
        print(f"{given} round {number + 1} of {rounds}: {told}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600, help="steps of a training")
    parser.add_argument("--here", action="store_true", help="use this environment, with the versions that it has")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="put the table into FILE, between <!-- training --> marks"
    )
    asked = parser.parse_args()
    if not asked.here:
        python = Environments(HOME / "benchmarks" / "peers" / ".venvs").make("training", REQUIREMENTS)
        sys.exit(
            subprocess.run(
                [python, "-m", "benchmarks.training", "--here", *sys.argv[1:]], cwd=HOME, check=False
            ).returncode
        )
    _prepare()
    text = f"{_opening(asked)}\n\n{measure(asked.rounds, asked.steps)}"
    print(text)
    if asked.report is not None:
        replace_section(asked.report, "training", text)


def _prepare() -> None:
    """Leave a core to what runs beside training, and keep Lightning quiet."""
    import pytorch_lightning  # noqa: F401  it sets the level of its log messages
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    os.environ["RUNFORK_QUIET"] = "1"
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _opening(asked: argparse.Namespace) -> str:
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, one thread"
    return (
        f"{today()}, runfork {describe_checkout(HOME)}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"Lightning {version('pytorch-lightning')}; {describe_machine(Path(tempfile.gettempdir()))}; trained on {device}; "
        f"{asked.rounds} rounds of {asked.steps} steps.\n\n```sh\npython3 recipes.py bench training\n```"
    )


if __name__ == "__main__":
    main()
