"""Which trainings of a Trainer are which runs, and what is noted of steps and checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integrations.hf_driver import arguments, model
from tests.integrations.tiny_trainer import dataset, make

pytest.importorskip("transformers")

from transformers import Trainer, TrainerCallback

from runfork_hf import RunforkCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning"),
    pytest.mark.usefixtures("in_own_folder"),
]


def test_a_second_train_is_a_run_of_its_own(default_history):
    trainer = make(num_train_epochs=1)
    trainer.train()
    trainer.train()
    found = default_history()

    assert [None, None] == [found.parent(run) for run in found.runs]
    assert [list(range(1, 9))] * 2 == [sorted(found.points(run, "train/loss")) for run in found.runs]


def test_a_batch_that_does_not_fit_fails_its_run_and_the_retry_is_another(default_history):
    class Small(Trainer):
        def training_step(self, *args, **kwargs):
            if self._train_batch_size == 8 and self.state.global_step == 2:
                raise RuntimeError("CUDA out of memory.")
            return super().training_step(*args, **kwargs)

    make(kind=Small, auto_find_batch_size=True, num_train_epochs=1).train()
    found = default_history()
    failed, done = found.runs

    assert [found.values(run)["sys/state"] for run in (failed, done)] == ["failed", "finished"]
    assert "training began and did not end" in found.values(failed)["sys/exception"]
    assert [1, 2] == sorted(found.points(failed, "train/loss"))
    assert found.values(done)["trainer/train_batch_size"] < 8


def test_every_trial_of_a_search_is_a_run_and_all_share_a_group_tag(default_history):
    pytest.importorskip("optuna").logging.set_verbosity(30)
    trainer = Trainer(
        model_init=lambda _trial: model(),
        args=arguments(Path("search").absolute(), num_train_epochs=1),
        train_dataset=dataset(16),
        eval_dataset=dataset(16),
        callbacks=[RunforkCallback("search")],
    )
    trainer.hyperparameter_search(
        hp_space=lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2)},
        n_trials=3,
        backend="optuna",
    )
    trainer.args.learning_rate = 0.01
    trainer.train()
    found = default_history()
    values = [found.values(run) for run in found.runs]
    groups = [value.get("sys/group_tags") for value in values]
    paths = [found.points(run, "checkpoints/path") for run in found.runs]

    assert 4 == len(values)
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert [1, 2, 3, None] == [value.get("trial/number") for value in values]
    assert all(
        abs(value["trial/params/learning_rate"] - value["trainer/learning_rate"]) < 1e-12 for value in values[:3]
    )
    assert all(Path(path).is_dir() for points in paths for path in points.values())
    assert 4 == len({path for points in paths for path in points.values()})


def test_rotated_checkpoints_are_all_noted(default_history):
    make(num_train_epochs=3, save_total_limit=1).train()
    found = default_history()
    paths = found.points(found.runs[0], "checkpoints/path")

    assert [8, 16, 24] == sorted(paths)
    assert [path.name for path in Path("out").glob("checkpoint-*")] == ["checkpoint-24"]
    assert 24 in found.points(found.runs[0], "checkpoints/size_bytes")


def test_the_best_checkpoint_and_its_score_are_noted(default_history):
    trainer = make(
        evaluated=True,
        num_train_epochs=2,
        eval_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="loss",
    )
    trainer.train()
    found = default_history()
    run = found.runs[0]
    scores = found.points(run, "checkpoints/score")

    assert found.points(run, "eval/loss") == scores
    assert min(scores.values()) == trainer.state.best_metric == found.points(run, "checkpoints/best_model_score")[16]
    assert found.values(run)["checkpoints/monitor"] == "eval_loss"
    assert found.values(run)["checkpoints/mode"] == "min"


def test_gradient_accumulation_counts_optimizer_steps(default_history):
    make(num_train_epochs=1, gradient_accumulation_steps=2, save_strategy="steps", save_steps=2).train()
    make("more", num_train_epochs=2, gradient_accumulation_steps=2).train(
        resume_from_checkpoint=str(Path("out/checkpoint-2").absolute())
    )
    found = default_history()
    first, second = found.runs

    assert [1, 2, 3, 4] == sorted(found.points(first, "train/loss"))
    assert found.parent(second) == (first, 2)
    assert list(range(1, 9)) == sorted(found.points(second, "train/loss"))


@pytest.mark.parametrize("resumed", [False, True])
def test_samples_are_those_of_the_batches_that_a_step_was_made_of(default_history, resumed):
    options: dict[str, Any] = {
        "num_train_epochs": 2,
        "gradient_accumulation_steps": 3,
        "save_strategy": "steps",
        "save_steps": 1,
    }
    make(count=43, **options).train()
    if resumed:
        make("more", count=43, **options).train(resume_from_checkpoint=str(Path("out/checkpoint-1").absolute()))
    found = default_history()
    samples, steps = (
        found.own_points(found.runs[-1], f"throughput/{name}_per_second") for name in ("samples", "steps")
    )
    held = {step: round(samples[step] / steps[step]) for step in steps}

    assert held == ({} if resumed else {1: 24}) | {2: 19, 3: 24, 4: 19}


def test_a_user_who_saves_at_a_moment_of_their_own_gets_a_mark_of_that_step(default_history):
    class Saver(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            control.should_save = state.global_step == 5
            return control

    make(callbacks=[RunforkCallback(), Saver()], save_strategy="no", num_train_epochs=1).train()
    make("more", num_train_epochs=1).train(resume_from_checkpoint=str(Path("out/checkpoint-5").absolute()))
    found = default_history()

    assert found.parent(found.runs[1]) == (found.runs[0], 5)
