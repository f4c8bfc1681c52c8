"""Projects to look at: small ones that were logged, and large ones that are drawn."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from tests.drawn_journals import EPOCH, Lines, Rows, draw_run

from runfork import ArgumentError, Run
from runfork.disk.layout import Store
from runfork.model.attributes import check_path
from runfork.model.identifiers import check_experiment_name, check_run_id
from runfork.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MINUTE = 60_000_000
LAST_STEP, FORKS = 1000, (800, 900)
"""Of the project `lineage`."""

SPIKE_STEP = 437
"""Where the first run of `sweep` has a point far above all others."""

HOSTILE_NAMES = [
    "<script>window.harmed = 1</script>",
    '<img src=x onerror="window.harmed = 1">',
    "\u202eright to left\u202c",
    "שלום עולם",
    "🦜 e\u0301 \u200b",
    "n" * 700,
    "a/../b",
    "a%2Fb%00",
    "tab\tand\nnewline",
    "' \" ` \\ {{7*7}} ${7*7}",
    "constructor",
    "lone \ud83e surrogate",
]


class Seeds:
    """Projects below one data directory, each made when it is first asked for. An attribute is a project's name.

    Args:
        directory: The data directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @cached_property
    def lineage(self) -> str:
        """One experiment, ``digits``: ``root`` (steps 0 to 1000), ``first`` that left it at 800, ``second`` that left that at 900.

        Each logs ``train/loss`` at every step from its fork step on, and ``val/acc`` at every tenth; ``lr`` differs.
        """
        project = "seeds/lineage"
        settings = Settings(project=project, directory=str(self.directory), console=False, monitoring_seconds=0)
        parent, fork_step = None, None
        for number, (run_id, lr) in enumerate([("root", 0.1), ("first", 0.05), ("second", 0.01)]):
            with Run(
                "digits",
                run_id=run_id,
                fork_run_id=parent,
                fork_step=fork_step,
                settings=settings,
                source_tracking_config=None,
            ) as run:
                run.log_configs({"lr": lr, "batch_size": 64, "model/depth": 4})
                noise = np.random.default_rng(number).normal(0, 0.02, LAST_STEP + 1)
                begin = 0 if fork_step is None else int(fork_step) + 1
                for step in range(begin, LAST_STEP + 1):
                    loss = (1 - 0.15 * number) * np.exp(-step / 400) + 0.2 + noise[step]
                    row = {"train/loss": float(loss)}
                    if step % 10 == 0:
                        row["val/acc"] = float(1 - loss / 2)
                    run.log_metrics(row, step=step)
                    if step % 200 == 0:
                        run.checkpoint_mark(step, epoch=step // 200)
            parent, fork_step = run_id, FORKS[number] if number < len(FORKS) else None
        return project

    @cached_property
    def sweep(self) -> str:
        """Forty experiments of four states, every fourth with a fork at step 600 of 1000; one point stands out in the first run."""
        project, random = "seeds/sweep", np.random.default_rng(1)
        steps = range(1, 1001)
        for number in range(40):
            rate, optimizer = float(10 ** random.uniform(-4, -1)), ("adam", "sgd")[number % 2]
            configs = {"lr": rate, "optimizer": optimizer, "seed": number, "model/depth": 2 + number % 5}
            loss = np.exp(-np.arange(1, 1001) * rate) + random.normal(0, 0.05, 1000) + 0.3
            state = ("finished", "finished", "failed", "lost")[number % 4]
            if number == 0:
                loss[SPIKE_STEP - 1] = 9.0
            if state == "failed":
                loss[900:] = np.nan
            rows = [Rows(steps, {"train/loss": loss}), Rows(range(100, 1001, 100), {"val/acc": 1 - loss[99::100] / 2})]
            began = EPOCH + number * 7 * MINUTE
            name, run_id = f"sweep-{number:02}", f"s{number:02}"
            draw_run(
                self.directory,
                run_id,
                project=project,
                experiment=name,
                created=began,
                configs=configs,
                tags=[optimizer, *(["best"] if number == 8 else [])],
                rows=rows,
                lines=[Lines("notes", ["began", "warmed up"])],
                state=state,
            )
            if number % 4 == 0:
                later = range(601, 1001)
                draw_run(
                    self.directory,
                    f"{run_id}-b",
                    project=project,
                    experiment=name,
                    created=began + 200 * MINUTE,
                    fork=(run_id, 600),
                    configs={"lr": rate / 10},
                    rows=[Rows(later, {"train/loss": loss[600:] * 0.8})],
                )
        return project

    @cached_property
    def thousand(self) -> str:
        """A thousand runs, as `many` makes them."""
        return self.many("seeds/thousand", 1000)

    @cached_property
    def ten_thousand(self) -> str:
        """Ten thousand runs that say little: ids ``r00000`` on, experiments of five, ``seed``, and ``train/loss`` at one step."""
        project = "seeds/ten-thousand"
        for number in range(10_000):
            draw_run(
                self.directory,
                f"r{number:05}",
                project=project,
                experiment=f"e{number // 5:04}",
                created=EPOCH + number * MINUTE,
                configs={"seed": number},
                rows=[Rows([number], {"train/loss": [1 / (number + 1)]})],
            )
        return project

    def many(self, project: str, runs: int) -> str:
        """Draw a project of many runs: ids ``r00000`` on, experiments ``e0000`` of five runs, twenty configs, a thousand metrics.

        Each run has ``train/loss``, ``val/acc`` and eight of the thousand, at ten steps.
        """
        random = np.random.default_rng(2)
        steps = range(0, 1000, 100)
        for number in range(runs):
            values = random.random((10, len(steps)))
            names = ["train/loss", "val/acc", *(f"layers/{(number * 8 + one) % 1000:03}/norm" for one in range(8))]
            numbers = random.random(10)
            configs: dict[str, object] = {
                "seed": number,
                **{f"config/{place:02}": float(value) for place, value in enumerate(numbers)},
            }
            configs |= {f"choice/{place}": f"option {(number + place) % 7}" for place in range(9)}
            draw_run(
                self.directory,
                f"r{number:05}",
                project=project,
                experiment=f"e{number // 5:04}",
                created=EPOCH + number * MINUTE,
                configs=configs,
                tags=[f"group {number % 3}"],
                rows=[Rows(steps, dict(zip(names, values, strict=True)))],
                state=("finished", "failed", "lost", "aborted")[min(number % 50, 3)] if number % 50 < 4 else "finished",
            )
        return project

    def curves(self, runs: int, points: int) -> str:
        """Draw a project of long curves: runs ``c000`` on with so many points of ``noise``, one of which stands out in ``c000``.

        A hundred of 100,000 points take 15 seconds and 400 MB. The spike is at step ``points // 2``.
        """
        project = f"seeds/curves-{runs}x{points}"
        if not Store(self.directory).project_directory(project).exists():
            random = np.random.default_rng(3)
            for number in range(runs):
                noise = random.normal(number / runs, 0.1, points)
                if number == 0:
                    noise[points // 2] = 5.0
                draw_run(
                    self.directory,
                    f"c{number:03}",
                    project=project,
                    experiment=f"curve-{number:03}",
                    created=EPOCH + number * MINUTE,
                    rows=[Rows(range(points), {"noise": noise.tolist()})],
                )
        return project

    @cached_property
    def hostile(self) -> str:
        """What nobody expects: hostile names of runs, experiments, tags, configs, metrics, in texts; series of nothing but NaN.

        A name that cannot be that of a run, an experiment or an attribute is its value alone.
        """
        project = "seeds/hostile"
        for number, name in enumerate(HOSTILE_NAMES):
            draw_run(
                self.directory,
                _allowed(check_run_id, name) or f"h{number:02}",
                project=project,
                experiment=_allowed(check_experiment_name, name) or f"hostile {number}",
                created=EPOCH + number * MINUTE,
                configs={_allowed(check_path, name) or "value": name, "lr": float("nan")},
                tags=[name],
                rows=[
                    Rows([0], {"one_point": [1.0]}),
                    Rows(range(50), dict(self._odd_series(name))),
                ],
                lines=[Lines("text", [name, "", name * 3])],
            )
        draw_run(self.directory, "no-points", project=project, created=EPOCH - MINUTE)
        draw_run(self.directory, "pending", project=project, fork=("never-arrived", 5), created=EPOCH - MINUTE)
        return project

    @staticmethod
    def _odd_series(name: str) -> Iterator[tuple[str, list[float]]]:
        ramp = [float(number) for number in range(50)]
        yield _allowed(check_path, f"metrics/{name}") or "metrics/other", ramp
        yield "nan_alone", [float("nan")] * 50
        yield (
            "mixed",
            [float("inf") if number % 9 == 0 else float("nan") if number % 7 == 0 else number for number in ramp],
        )
        yield "constant", [1.0] * 50
        yield "huge", [1e308 * (-1) ** number for number in range(50)]
        yield "tiny", [number * 5e-324 for number in ramp]


def _allowed(check: Callable[[str], object], name: str) -> str | None:
    """Return the name, unless runs refuse it."""
    try:
        check(name)
        name.encode()
    except (ArgumentError, UnicodeEncodeError):
        return None
    return name
