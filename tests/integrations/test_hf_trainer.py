"""What the Trainer of transformers does besides training once, and what runs make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integrations.hf_driver import HfDriver, arguments, data, model

from runfork.errors import RunforkWarning
from runfork.testing.reading import History
from runfork.writing.run import Run

pytest.importorskip("transformers")

import torch
from transformers import GPT2LMHeadModel, Trainer, TrainerCallback, TrainerState
from transformers.integrations import integration_utils

import runfork_hf
from runfork_hf import RunforkCallback

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


@pytest.fixture
def history(data_directory):
    return lambda: History(data_directory)


def dataset(count=64) -> Any:
    """A list is a dataset to the Trainer, though not to its types."""
    return data(count)


def make(folder="out", *, callbacks=None, kind=Trainer, evaluated=False, weights=None, count=64, **options):
    own: list[TrainerCallback] = callbacks if callbacks is not None else [RunforkCallback()]
    return kind(
        model=weights or model(),
        args=arguments(Path(folder).absolute(), **options),
        train_dataset=dataset(count),
        eval_dataset=dataset(16) if evaluated else None,
        callbacks=own,
    )


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# What is resumed


def test_resume_true_takes_the_last_checkpoint_and_forks(history):
    make(num_train_epochs=1).train()
    make(num_train_epochs=2).train(resume_from_checkpoint=True)
    first, second = history().runs

    assert history().parent(second) == (first, 8)


@pytest.mark.parametrize("every", [3, 5])
def test_a_checkpoint_in_mid_epoch_forks_at_its_step(history, every):
    make(save_strategy="steps", save_steps=every, num_train_epochs=1).train()
    make("again", save_strategy="no", num_train_epochs=1).train(
        resume_from_checkpoint=str(Path(f"out/checkpoint-{every}").absolute())
    )
    found = history()
    first, second = found.runs

    assert found.parent(second) == (first, every)
    assert list(range(every + 1, 9)) == sorted(found.own_points(second, "train/loss"))


def test_steps_that_were_trained_without_us_in_between_are_imported_and_say_so(history):
    make(num_train_epochs=1).train()
    make("middle", callbacks=[], num_train_epochs=2).train(
        resume_from_checkpoint=str(Path("out/checkpoint-8").absolute())
    )
    last = make("last", num_train_epochs=3)
    last.train(resume_from_checkpoint=str(Path("middle/checkpoint-16").absolute()))
    found = history()
    first, second = found.runs
    logged = {entry["step"]: entry["loss"] for entry in last.state.log_history if "loss" in entry}

    assert found.parent(second) == (first, 8)
    assert {step: logged[step] for step in range(9, 25)} == found.own_points(second, "train/loss")
    assert found.values(second)["source/imported/first_step"] == 9
    assert found.values(second)["source/imported/last_step"] == 16
    assert found.values(second)["source/imported/from"] == "trainer_state.json"
    assert "source/imported/first_step" not in found.values(first)


def test_a_checkpoint_that_was_trained_without_us_is_adopted_with_its_whole_history(history):
    before = make(callbacks=[], num_train_epochs=1)
    before.train()
    make("more", num_train_epochs=2).train(resume_from_checkpoint=str(Path("out/checkpoint-8").absolute()))
    found = history()
    (run,) = found.runs
    points = found.points(run, "train/loss")

    assert list(range(1, 17)) == sorted(points)
    assert [entry["loss"] for entry in before.state.log_history if "loss" in entry] == [
        points[step] for step in range(1, 9)
    ]
    assert found.values(run)["source/imported/points"] >= 8
    assert found.values(run)["source/global_step"] == 8


def test_a_disabled_training_in_between_counts_as_untracked(history):
    make(num_train_epochs=1).train()
    make("middle", callbacks=[RunforkCallback(mode="disabled")], num_train_epochs=2).train(
        resume_from_checkpoint=str(Path("out/checkpoint-8").absolute())
    )
    make("last", num_train_epochs=3).train(resume_from_checkpoint=str(Path("middle/checkpoint-16").absolute()))
    found = history()
    first, second = found.runs

    assert found.parent(second) == (first, 8)
    assert list(range(9, 25)) == sorted(found.own_points(second, "train/loss"))


@pytest.mark.parametrize("restores", [True, False])
def test_resuming_works_whether_or_not_callback_states_are_restored(history, restores):
    make(num_train_epochs=1).train()
    callback = RunforkCallback()
    make("more", callbacks=[callback], num_train_epochs=2, restore_callback_states_from_checkpoint=restores).train(
        resume_from_checkpoint=str(Path("out/checkpoint-8").absolute())
    )
    found = history()
    first, second = found.runs

    assert found.parent(second) == (first, 8)
    assert callback.run.run_id == second


def test_our_checkpoint_resumes_without_us_and_without_a_warning(caplog):
    make(num_train_epochs=1).train()
    other = make("more", callbacks=[], num_train_epochs=2)
    other.train(resume_from_checkpoint=str(Path("out/checkpoint-8").absolute()))

    assert other.state.global_step == 16
    assert "runfork" not in caplog.text


# Bad input


def _edit_state(folder, change):
    file = Path(folder) / "trainer_state.json"
    state = json.loads(file.read_text())
    change(state)
    file.write_text(json.dumps(state))
    return str(Path(folder).absolute())


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"tool": "another"}, "needs a version"),
        (["a", "list"], "needs a version"),
        ({"version": 99, "run_id": "x"}, "has version 99"),
        ({"version": 1, "run_id": "x", "project": "a/b", "step": "nonsense", "mark": "m"}, "is damaged"),
    ],
)
def test_a_state_that_another_tool_wrote_into_begins_a_new_run_and_says_so_once(history, entry, sentence):
    make(callbacks=[], num_train_epochs=1).train()
    checkpoint = _edit_state("out/checkpoint-8", lambda state: state["stateful_callbacks"].update(runfork=entry))
    with pytest.warns(RunforkWarning, match=sentence) as told:
        make("more", num_train_epochs=2).train(resume_from_checkpoint=checkpoint)
    found = history()
    (run,) = found.runs

    assert 1 == len([one for one in told if one.category is RunforkWarning])
    assert found.parent(run) is None
    assert list(range(1, 17)) == sorted(found.points(run, "train/loss"))


def test_a_folder_without_a_state_is_refused_by_the_trainer_and_leaves_no_run(history):
    make(num_train_epochs=1).train()
    Path("out/checkpoint-8/trainer_state.json").unlink()
    before = history().points(history().runs[0], "train/loss")
    with pytest.raises(FileNotFoundError):
        make("more", num_train_epochs=2).train(resume_from_checkpoint=str(Path("out/checkpoint-8").absolute()))

    assert 1 == len(history().runs)
    assert before == history().points(history().runs[0], "train/loss")


# Run boundaries


def test_a_second_train_is_a_run_of_its_own(history):
    trainer = make(num_train_epochs=1)
    trainer.train()
    trainer.train()
    found = history()

    assert [None, None] == [found.parent(run) for run in found.runs]
    assert [list(range(1, 9))] * 2 == [sorted(found.points(run, "train/loss")) for run in found.runs]


def test_a_batch_that_does_not_fit_fails_its_run_and_the_retry_is_another(history):
    class Small(Trainer):
        def training_step(self, *args, **kwargs):
            if self._train_batch_size == 8 and self.state.global_step == 2:
                raise RuntimeError("CUDA out of memory.")
            return super().training_step(*args, **kwargs)

    make(kind=Small, auto_find_batch_size=True, num_train_epochs=1).train()
    found = history()
    failed, done = found.runs

    assert [found.values(run)["sys/state"] for run in (failed, done)] == ["failed", "finished"]
    assert "training began and did not end" in found.values(failed)["sys/exception"]
    assert [1, 2] == sorted(found.points(failed, "train/loss"))
    assert found.values(done)["trainer/train_batch_size"] < 8


def test_what_a_fork_no_longer_has_is_gone(history):
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True)
    callback = RunforkCallback()
    callback.run.log_configs({"model/note": "mine", "note": "mine"})
    first = make(
        weights=peft.get_peft_model(model(), config),
        callbacks=[callback],
        num_train_epochs=1,
        evaluated=True,
        eval_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        optim="adamw_torch",
        warmup_steps=2,
        max_steps=8,
    )
    first.train()
    plain = RunforkCallback(resume_from="out/checkpoint-8")
    make("more", callbacks=[plain], num_train_epochs=1, optim="sgd").train()
    found = history()
    parent, child = (found.values(run) for run in found.runs)

    assert ("eval_loss", 16, "LORA") == tuple(
        parent[path] for path in ("checkpoints/monitor", "data/eval/samples", "peft/default/peft_type")
    )
    gone = ("checkpoints/monitor", "checkpoints/mode", "data/eval/", "peft/", "optimizer/AdamW/")
    assert [] == [path for path in child if path.startswith(gone)]
    assert ("mine", "mine") == (child["model/note"], child["note"])
    assert "optimizer/SGD/lr" in child


def test_every_trial_of_a_search_is_a_run_and_all_share_a_group_tag(history):
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
    found = history()
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


def test_evaluations_before_and_after_training_and_predictions_belong_to_the_run(history):
    trainer = make(evaluated=True, num_train_epochs=1)
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    trainer.predict(dataset(16))
    found = history()
    (run,) = found.runs

    assert [0, 8] == sorted(found.points(run, "eval/loss"))
    assert [8] == sorted(found.points(run, "test/loss"))
    assert found.values(run)["sys/state"] == "finished"


def test_evaluation_on_start_and_in_between_is_at_the_step_of_the_training(history):
    make(evaluated=True, num_train_epochs=1, eval_strategy="steps", eval_steps=4, eval_on_start=True).train()
    found = history()

    assert [0, 4, 8] == sorted(found.points(found.runs[0], "eval/loss"))


def test_predictions_of_a_checkpoint_go_to_the_run_that_wrote_it(history):
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
    found = history()

    assert 2 == len(found.runs)
    assert [4] == sorted(found.points(found.runs[0], "test/loss"))
    assert [4] == sorted(found.points(found.runs[1], "eval/loss"))


def test_an_evaluation_of_weights_alone_goes_to_the_run_that_saved_a_checkpoint_of_them(history):
    first = make(num_train_epochs=1)
    first.train()
    first.save_model("weights")
    make("other", weights=GPT2LMHeadModel.from_pretrained("weights"), evaluated=True).evaluate()
    found = history()

    assert 1 == len(found.runs)
    assert [8] == sorted(found.points(found.runs[0], "eval/loss"))


def test_training_after_an_evaluation_of_a_checkpoint_does_not_go_to_its_run(history):
    make(num_train_epochs=1).train()
    kind = type(model())
    other = make("other", weights=kind.from_pretrained("out/checkpoint-8"), evaluated=True, num_train_epochs=1)
    other.evaluate()
    other.train()
    found = history()
    first, second = found.runs

    assert [8] == sorted(found.points(first, "eval/loss"))
    assert list(range(1, 9)) == sorted(found.own_points(second, "train/loss"))
    assert found.values(second)["sys/resume/suggestion"] == f"fork_run_id={first!r}, fork_step=8"


# Checkpoints and steps


def test_fine_tuning_that_begins_with_an_evaluation_on_new_data_replaces_nothing(history):
    make(evaluated=True, eval_strategy="epoch", num_train_epochs=1).train()
    before = history().points(history().runs[0], "eval/loss")
    tuned = make("tuned", weights=GPT2LMHeadModel.from_pretrained("out/checkpoint-8"), num_train_epochs=1)
    tuned.evaluate(dataset(24))
    tuned.train()
    tuned.evaluate(dataset(24))
    tuned.evaluate(dataset(16))
    found = history()
    parent, evaluated, trained = found.runs

    assert before == found.points(parent, "eval/loss")
    assert [8] == sorted(found.points(evaluated, "eval/loss"))
    assert (parent, 8) == tuple(found.values(evaluated)[f"source/{name}"] for name in ("run_id", "step"))
    assert [8, 8.000001] == sorted(found.points(trained, "eval/loss"))
    assert {} == found.points(evaluated, "train/loss")
    assert list(range(1, 9)) == sorted(found.points(trained, "train/loss"))


def test_results_of_best_weights_that_a_run_before_had_written_go_to_that_run(history):
    options: dict[str, Any] = {
        "evaluated": True,
        "eval_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": "loss",
        "greater_is_better": True,
        "learning_rate": 0.05,
    }
    make(count=16, num_train_epochs=1, **options).train()
    before = history().points(history().runs[0], "eval/loss")
    again = make(count=16, num_train_epochs=3, **options)
    again.train(resume_from_checkpoint=True)
    best = Path(str(again.state.best_model_checkpoint)).name
    again.evaluate()
    again.predict(dataset(24))
    found = history()
    parent, child = found.runs

    assert best == "checkpoint-2"
    assert before == found.points(parent, "eval/loss")
    assert [2] == sorted(found.own_points(parent, "test/loss"))
    assert [4, 6] == sorted(found.own_points(child, "eval/loss"))
    assert {} == found.own_points(child, "test/loss")


def test_rotated_checkpoints_are_all_noted(history):
    make(num_train_epochs=3, save_total_limit=1).train()
    found = history()
    paths = found.points(found.runs[0], "checkpoints/path")

    assert [8, 16, 24] == sorted(paths)
    assert [path.name for path in Path("out").glob("checkpoint-*")] == ["checkpoint-24"]
    assert 24 in found.points(found.runs[0], "checkpoints/size_bytes")


def test_the_best_checkpoint_and_its_score_are_noted(history):
    trainer = make(
        evaluated=True,
        num_train_epochs=2,
        eval_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="loss",
    )
    trainer.train()
    found = history()
    run = found.runs[0]
    scores = found.points(run, "checkpoints/score")

    assert found.points(run, "eval/loss") == scores
    assert min(scores.values()) == trainer.state.best_metric == found.points(run, "checkpoints/best_model_score")[16]
    assert found.values(run)["checkpoints/monitor"] == "eval_loss"
    assert found.values(run)["checkpoints/mode"] == "min"


def test_gradient_accumulation_counts_optimizer_steps(history):
    make(num_train_epochs=1, gradient_accumulation_steps=2, save_strategy="steps", save_steps=2).train()
    make("more", num_train_epochs=2, gradient_accumulation_steps=2).train(
        resume_from_checkpoint=str(Path("out/checkpoint-2").absolute())
    )
    found = history()
    first, second = found.runs

    assert [1, 2, 3, 4] == sorted(found.points(first, "train/loss"))
    assert found.parent(second) == (first, 2)
    assert list(range(1, 9)) == sorted(found.points(second, "train/loss"))


@pytest.mark.parametrize("resumed", [False, True])
def test_samples_are_those_of_the_batches_that_a_step_was_made_of(history, resumed):
    options: dict[str, Any] = {
        "num_train_epochs": 2,
        "gradient_accumulation_steps": 3,
        "save_strategy": "steps",
        "save_steps": 1,
    }
    make(count=43, **options).train()
    if resumed:
        make("more", count=43, **options).train(resume_from_checkpoint=str(Path("out/checkpoint-1").absolute()))
    found = history()
    samples, steps = (
        found.own_points(found.runs[-1], f"throughput/{name}_per_second") for name in ("samples", "steps")
    )
    held = {step: round(samples[step] / steps[step]) for step in steps}

    assert held == ({} if resumed else {1: 24}) | {2: 19, 3: 24, 4: 19}


def test_a_user_who_saves_at_a_moment_of_their_own_gets_a_mark_of_that_step(history):
    class Saver(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            control.should_save = state.global_step == 5
            return control

    make(callbacks=[RunforkCallback(), Saver()], save_strategy="no", num_train_epochs=1).train()
    make("more", num_train_epochs=1).train(resume_from_checkpoint=str(Path("out/checkpoint-5").absolute()))
    found = history()

    assert found.parent(found.runs[1]) == (found.runs[0], 5)


# How it is passed


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(
        integration_utils, "INTEGRATION_TO_CALLBACK", table := dict(integration_utils.INTEGRATION_TO_CALLBACK)
    )
    return table


def test_report_to_runfork_works_after_register(history, registered):
    runfork_hf.register()
    make(callbacks=[], report_to="runfork", num_train_epochs=1, run_name="by-name").train()
    found = history()

    assert found.values(found.runs[0])["sys/name"] == "by-name"
    assert list(range(1, 9)) == sorted(found.points(found.runs[0], "train/loss"))


def test_report_to_neptune_is_ours_on_request_only(history, registered):
    runfork_hf.register()
    before = registered["neptune"]
    runfork_hf.register(neptune=True)
    make(callbacks=[], report_to="neptune", num_train_epochs=1).train()

    assert before is not RunforkCallback
    assert 1 == len(history().runs)


def test_two_of_our_callbacks_make_one_run(history, registered):
    runfork_hf.register()
    make(callbacks=[RunforkCallback("mine")], report_to="runfork", num_train_epochs=1).train()
    found = history()

    assert 1 == len(found.runs)
    assert list(range(1, 9)) == sorted(found.points(found.runs[0], "train/loss"))


def test_a_subclass_that_computes_its_own_loss_and_logs_its_own_metrics(history):
    class Preference(Trainer):
        """As trainers of TRL are made."""

        def compute_loss(self, model: Any, inputs: Any, *args: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
            del args
            loss, outputs = super().compute_loss(model, inputs, True, **kwargs)
            self.margins = float(loss.detach())
            return (loss, outputs) if return_outputs else loss

        def log(self, logs: Any, *args: Any, **kwargs: Any) -> None:
            further: Any = {"rewards/margins": self.margins, "note": "text"}
            super().log({**logs, **further}, *args, **kwargs)

    make(kind=Preference, num_train_epochs=1).train()
    make("more", kind=Preference, num_train_epochs=2).train(
        resume_from_checkpoint=str(Path("out/checkpoint-8").absolute())
    )
    found = history()
    first, second = found.runs

    assert found.parent(second) == (first, 8)
    assert list(range(1, 17)) == sorted(found.points(second, "train/rewards/margins"))
    assert "text" == found.points(first, "train/note")[1]


def test_run_gives_the_present_run_for_logging_more(history):
    callback = RunforkCallback("mine", tags=["a"])
    trainer = make(callbacks=[callback], num_train_epochs=1)
    callback.run.log_configs({"seed": 3})
    trainer.train()
    found = history()
    (run,) = found.runs

    assert found.values(run)["seed"] == 3
    assert callback.run.run_id == run


def test_secrets_among_the_arguments_are_masked(history):
    make(num_train_epochs=1, hub_token="hf_verysecretverysecret").train()
    found = history()
    values = found.values(found.runs[0])

    assert "verysecret" not in str(values)
    assert values["trainer/learning_rate"] == 0.01


def test_the_configuration_of_peft_adapters_is_logged(history):
    peft = pytest.importorskip("peft")
    adapted = peft.get_peft_model(model(), peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True))
    make(weights=adapted, num_train_epochs=1).train()
    found = history()
    values = found.values(found.runs[0])

    assert values["peft/default/r"] == 2
    assert values["peft/default/peft_type"] == "LORA"
    assert values["model/parameters/trainable"] < values["model/parameters/total"]


def test_a_failure_of_ours_never_reaches_the_training(history, caplog, monkeypatch):
    monkeypatch.setattr("runfork_hf.trainer.callback.loaded_from", lambda _state: 1 / 0)
    trainer = make(num_train_epochs=1)
    trainer.train()

    assert trainer.state.global_step == 8
    assert "RunforkCallback.on_train_begin failed (ZeroDivisionError" in caplog.text


class _Config:
    """A configuration of a user's own: transformers asks no more of it than this."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def to_dict(self):
        return {"widths": np.arange(3), "nothing": [], "depth": 2, **self.values}


class _Unusual(torch.nn.Module):
    """A model of a user's own, with whatever configuration."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.inner = torch.nn.Embedding(16, 4)

    def forward(self, input_ids: Any, labels: Any) -> Any:
        return {"loss": self.inner(input_ids).sum(-1).sub(labels).pow(2).mean()}


class _Broken(_Config):
    def to_dict(self):
        raise RuntimeError("interpolation of 'x' failed")


@pytest.mark.parametrize("config", [_Config(), _Broken()])
def test_what_cannot_be_described_costs_itself_alone_and_no_checkpoint_its_mark(history, caplog, monkeypatch, config):
    monkeypatch.setattr("runfork_hf.trainer.evaluated_weights.fingerprint", lambda _parameters: 1 / 0)
    first = make(weights=_Unusual(config), num_train_epochs=1, optim="sgd")
    first.train()
    make("more", weights=_Unusual(config), num_train_epochs=2, optim="sgd").train(
        resume_from_checkpoint="out/checkpoint-8"
    )
    found = history()
    parent, child = found.runs
    values = found.values(parent)

    assert found.parent(child) == (parent, 8)
    assert ("_Unusual", 0.01, 8) == tuple(
        values[path] for path in ("model/class", "trainer/learning_rate", "data/train/batches")
    )
    assert values.get("model/config/depth") == (None if isinstance(config, _Broken) else 2)
    assert "RunforkCallback.fingerprint failed (ZeroDivisionError" in caplog.text
    assert ("model/config failed (RuntimeError" in caplog.text) is isinstance(config, _Broken)


def test_the_contract_s_driver_counts_as_the_trainer_does(tmp_path):
    assert HfDriver.steps_per_epoch == len(HfDriver().train(tmp_path, epochs=1, is_tracked=False).losses)


def test_a_run_of_ones_own_is_used_for_the_first_training_and_left_open(history):
    with Run("mine", run_id="given") as run:
        trainer = make(callbacks=[RunforkCallback(run=run)], num_train_epochs=1)
        trainer.train()
        trainer.train()
        left_open = not run.is_closed
    found = history()

    assert left_open
    assert 2 == len(found.runs)
    assert list(range(1, 9)) == sorted(found.points("given", "train/loss"))


def test_on_other_ranks_the_run_takes_everything_and_does_nothing(data_directory, monkeypatch):
    callback = RunforkCallback()
    state = TrainerState(is_world_process_zero=False)
    callback.on_init_end(None, state, None)
    callback.run.log_metrics({"a": 1.0}, step=1)
    callback.on_train_begin(None, state, None)
    monkeypatch.setenv("RANK", "1")
    RunforkCallback().run.add_tags(["one"])

    assert not data_directory.exists()


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"\xff", b"[1]", b'{"stateful_callbacks": {"runfork": 3}}'])
def test_a_state_that_is_none_says_nothing_of_the_weights_beside_it(history, content):
    kind = type(model())
    model().save_pretrained("weights")
    Path("weights/trainer_state.json").write_bytes(content)
    make(weights=kind.from_pretrained("weights"), evaluated=True).evaluate()
    found = history()

    assert [0] == sorted(found.points(found.runs[0], "eval/loss"))


def test_a_warning_points_at_the_line_that_called_us(data_directory, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.warns(RunforkWarning, match="carries no mark") as told:
        RunforkCallback(resume_from=tmp_path / "empty")

    assert __file__ == told[0].filename
