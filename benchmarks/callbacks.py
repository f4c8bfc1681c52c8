"""What the callbacks for Hugging Face and Keras add to a training step: the time that is spent in their methods.

``python3 recipes.py bench callbacks [--report FILE]``. The methods are called as a training calls them, with the framework's own
objects and a tiny model, without a training in between: a step of a real model takes hundreds of times longer, and its noise would
hide the figures. Lightning is measured within whole trainings by ``bench training``. In microseconds per step; the median of
the rounds.
"""

from __future__ import annotations

import os
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.reporting.documents import markdown_table
from benchmarks.reporting.figures import short
from benchmarks.reporting.sections import run_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = 5000
ROUNDS = 7
LOGS = {"loss": 1.0, "grad_norm": 2.0, "learning_rate": 0.1, "epoch": 1.0}


def per_step(call: Callable[[], object]) -> float:
    """Return the microseconds that `call` takes."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(STEPS):
            call()
        taken.append((time.perf_counter() - start) / STEPS * 1e6)
    return median(taken)


def trainer_rows(folder: Path) -> list[list[str]]:
    """Measure the callback for the Trainer of transformers."""
    import torch
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from runfork_hf import RunforkCallback

    callback, model = RunforkCallback("callbacks"), torch.nn.Linear(8, 8)
    arguments = TrainingArguments(str(folder / "out"), use_cpu=True, report_to="none")
    state, control = TrainerState(), TrainerControl()
    state.train_batch_size, state.epoch = 8, 0.5
    callback.on_train_begin(arguments, state, control, model=model)

    def step() -> None:
        state.global_step += 1
        callback.on_step_end(arguments, state, control, model=model)

    def log() -> None:
        step()
        callback.on_log(arguments, state, control, logs=LOGS, model=model)

    rows = [
        ["transformers: a step", short(per_step(step))],
        ["transformers: a step at which the Trainer logs 4 metrics", short(per_step(log))],
    ]
    callback.on_train_end(arguments, state, control, model=model)
    callback.run.close()
    return rows


def keras_rows() -> list[list[str]]:
    """Measure the callback for Keras, on torch."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    from runfork_keras import RunforkCallback

    named = {0: "epochs alone are logged", 50: "every 50th is logged (the default)", 1: "every one is logged"}
    rows = []
    for every, words in named.items():
        callback = RunforkCallback("callbacks", log_every_n_batches=every)
        rows.append([f"Keras: a batch, where {words}", short(per_step(_keras_batch(keras, callback)))])
        callback.on_train_end()
        callback.run.close()
    return rows


def _keras_batch(keras: Any, callback: Any) -> Callable[[], None]:
    import numpy as np

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)  # builds the optimizer
    callback.set_model(model)
    callback.set_params({"epochs": 1, "steps": 10**9, "verbose": 0})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    batches = iter(range(10**9))

    def batch() -> None:
        number = next(batches)
        callback.on_train_batch_begin(number)
        callback.on_train_batch_end(number, {"loss": 1.0, "accuracy": 0.5})

    return batch


def accelerate_rows() -> list[list[str]]:
    """Measure the tracker for Accelerate."""
    from accelerate import Accelerator

    from runfork_hf import RunforkTracker

    accelerator = Accelerator(cpu=True, log_with=RunforkTracker("callbacks"))
    accelerator.init_trackers("callbacks")
    steps = iter(range(10**9))
    cost = per_step(lambda: accelerator.log(LOGS, step=next(steps)))
    accelerator.end_training()
    return [["Accelerate: `accelerator.log` of 4 metrics", short(cost)]]


def measure(folder: Path) -> str:
    """Return the table of all of them."""
    os.environ.update(RUNFORK_QUIET="1", RUNFORK_DIR=str(folder / "runs"), RUNFORK_CONSOLE="0")
    return markdown_table(["what", "added, us"], [*trainer_rows(folder), *keras_rows(), *accelerate_rows()])


if __name__ == "__main__":
    run_command("callbacks", __doc__, measure)
