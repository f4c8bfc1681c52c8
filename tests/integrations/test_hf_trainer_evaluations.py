"""Where results of a Trainer go that does not train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integrations.hf_driver import model
from tests.integrations.tiny_trainer import dataset, make

pytest.importorskip("transformers")

from transformers import GPT2LMHeadModel

from runfork_hf import RunforkCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning"),
    pytest.mark.usefixtures("in_own_folder"),
]


def test_evaluations_before_and_after_training_and_predictions_belong_to_the_run(default_history):
    trainer = make(evaluated=True, num_train_epochs=1)
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.predict(dataset(16))
    found = default_history()
    (run,) = found.runs

    assert [0, 8] == sorted(found.points(run, "eval/loss"))
    assert [8] == sorted(found.points(run, "test/loss"))
    assert found.values(run)["sys/state"] == "finished"


def test_evaluation_on_start_and_in_between_is_at_the_step_of_the_training(default_history):
    make(evaluated=True, num_train_epochs=1, eval_strategy="steps", eval_steps=4, eval_on_start=True).train()
    found = default_history()

    assert [0, 4, 8] == sorted(found.points(found.runs[0], "eval/loss"))


def test_predictions_of_a_checkpoint_go_to_the_run_that_wrote_it(default_history):
    make(num_train_epochs=1, save_strategy="steps", save_steps=4).train()
    kind = type(model())
    other = make("other", weights=kind.from_pretrained("out/checkpoint-4"), evaluated=True)
    other.predict(dataset(16))
    own = make(
        "own",
        weights=kind.from_pretrained("out/checkpoint-4"),
        callbacks=[RunforkCallback(attach_evaluations=False)],
        evaluated=True,
    )
    own.evaluate()
    found = default_history()

    assert 2 == len(found.runs)
    assert [4] == sorted(found.points(found.runs[0], "test/loss"))
    assert [4] == sorted(found.points(found.runs[1], "eval/loss"))


def test_an_evaluation_of_weights_alone_goes_to_the_run_that_saved_a_checkpoint_of_them(default_history):
    first = make(num_train_epochs=1)
    first.train()
    first.save_model("weights")
    make("other", weights=GPT2LMHeadModel.from_pretrained("weights"), evaluated=True).evaluate()
    found = default_history()

    assert 1 == len(found.runs)
    assert [8] == sorted(found.points(found.runs[0], "eval/loss"))


def test_training_after_an_evaluation_of_a_checkpoint_does_not_go_to_its_run(default_history):
    make(num_train_epochs=1).train()
    kind = type(model())
    other = make("other", weights=kind.from_pretrained("out/checkpoint-8"), evaluated=True, num_train_epochs=1)
    other.evaluate()
    other.train()
    found = default_history()
    first, second = found.runs

    assert [8] == sorted(found.points(first, "eval/loss"))
    assert list(range(1, 9)) == sorted(found.own_points(second, "train/loss"))
    assert found.values(second)["sys/resume/suggestion"] == f"fork_run_id={first!r}, fork_step=8"


def test_fine_tuning_that_begins_with_an_evaluation_on_new_data_replaces_nothing(default_history):
    make(evaluated=True, eval_strategy="epoch", num_train_epochs=1).train()
    before = default_history().points(default_history().runs[0], "eval/loss")
    tuned = make("tuned", weights=GPT2LMHeadModel.from_pretrained("out/checkpoint-8"), num_train_epochs=1)
    tuned.evaluate(dataset(24))
    tuned.train()
    tuned.evaluate(dataset(24))
    tuned.evaluate(dataset(16))
    found = default_history()
    parent, evaluated, trained = found.runs

    assert before == found.points(parent, "eval/loss")
    assert [8] == sorted(found.points(evaluated, "eval/loss"))
    assert (parent, 8) == tuple(found.values(evaluated)[f"source/{name}"] for name in ("run_id", "step"))
    assert [8, 8.000001] == sorted(found.points(trained, "eval/loss"))
    assert {} == found.points(evaluated, "train/loss")
    assert list(range(1, 9)) == sorted(found.points(trained, "train/loss"))


def test_results_of_best_weights_that_a_run_before_had_written_go_to_that_run(default_history):
    options: dict[str, Any] = {
        "evaluated": True,
        "eval_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": "loss",
        "greater_is_better": True,
        "learning_rate": 0.05,
    }
    make(count=16, num_train_epochs=1, **options).train()
    before = default_history().points(default_history().runs[0], "eval/loss")
    again = make(count=16, num_train_epochs=3, **options)
    again.train(resume_from_checkpoint=True)
    best = Path(str(again.state.best_model_checkpoint)).name
    again.evaluate()
    again.predict(dataset(24))
    found = default_history()
    parent, child = found.runs

    assert best == "checkpoint-2"
    assert before == found.points(parent, "eval/loss")
    assert [2] == sorted(found.own_points(parent, "test/loss"))
    assert [4, 6] == sorted(found.own_points(child, "eval/loss"))
    assert {} == found.own_points(child, "test/loss")
