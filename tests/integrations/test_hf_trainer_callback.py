"""How the callback for the Trainer is passed, and what it does where something is odd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integrations.hf_driver import HfDriver, model
from tests.integrations.tiny_trainer import make

from runfork.errors import RunforkWarning
from runfork.writing.run import Run

pytest.importorskip("transformers")

import torch
from transformers import Trainer, TrainerState
from transformers.integrations import integration_utils

import runfork_hf
from runfork_hf import RunforkCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning"),
    pytest.mark.usefixtures("in_own_folder"),
]


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(
        integration_utils, "INTEGRATION_TO_CALLBACK", table := dict(integration_utils.INTEGRATION_TO_CALLBACK)
    )
    return table


def test_report_to_runfork_works_after_register(default_history, registered):
    runfork_hf.register()
    make(callbacks=[], report_to="runfork", num_train_epochs=1, run_name="by-name").train()
    found = default_history()

    assert found.values(found.runs[0])["sys/name"] == "by-name"
    assert list(range(1, 9)) == sorted(found.points(found.runs[0], "train/loss"))


def test_report_to_neptune_is_ours_on_request_only(default_history, registered):
    runfork_hf.register()
    before = registered["neptune"]
    runfork_hf.register(neptune=True)
    make(callbacks=[], report_to="neptune", num_train_epochs=1).train()

    assert before is not RunforkCallback
    assert 1 == len(default_history().runs)


def test_two_of_our_callbacks_make_one_run(default_history, registered):
    runfork_hf.register()
    make(callbacks=[RunforkCallback("mine")], report_to="runfork", num_train_epochs=1).train()
    found = default_history()

    assert 1 == len(found.runs)
    assert list(range(1, 9)) == sorted(found.points(found.runs[0], "train/loss"))


def test_a_subclass_that_computes_its_own_loss_and_logs_its_own_metrics(default_history):
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
    found = default_history()
    first, second = found.runs

    assert found.parent(second) == (first, 8)
    assert list(range(1, 17)) == sorted(found.points(second, "train/rewards/margins"))
    assert "text" == found.points(first, "train/note")[1]


def test_run_gives_the_present_run_for_logging_more(default_history):
    callback = RunforkCallback("mine", tags=["a"])
    trainer = make(callbacks=[callback], num_train_epochs=1)
    callback.run.log_configs({"seed": 3})
    trainer.train()
    found = default_history()
    (run,) = found.runs

    assert found.values(run)["seed"] == 3
    assert callback.run.run_id == run


def test_secrets_among_the_arguments_are_masked(default_history):
    make(num_train_epochs=1, hub_token="hf_verysecretverysecret").train()
    found = default_history()
    values = found.values(found.runs[0])

    assert "verysecret" not in str(values)
    assert values["trainer/learning_rate"] == 0.01


def test_the_configuration_of_peft_adapters_is_logged(default_history):
    peft = pytest.importorskip("peft")
    adapted = peft.get_peft_model(model(), peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True))
    make(weights=adapted, num_train_epochs=1).train()
    found = default_history()
    values = found.values(found.runs[0])

    assert values["peft/default/r"] == 2
    assert values["peft/default/peft_type"] == "LORA"
    assert values["model/parameters/trainable"] < values["model/parameters/total"]


def test_a_failure_of_ours_never_reaches_the_training(default_history, caplog, monkeypatch):
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
def test_what_cannot_be_described_costs_itself_alone_and_no_checkpoint_its_mark(
    default_history, caplog, monkeypatch, config
):
    monkeypatch.setattr("runfork_hf.trainer.evaluated_weights.fingerprint", lambda _parameters: 1 / 0)
    first = make(weights=_Unusual(config), num_train_epochs=1, optim="sgd")
    first.train()
    make("more", weights=_Unusual(config), num_train_epochs=2, optim="sgd").train(
        resume_from_checkpoint="out/checkpoint-8"
    )
    found = default_history()
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


def test_a_run_of_ones_own_is_used_for_the_first_training_and_left_open(default_history):
    with Run("mine", run_id="given") as run:
        trainer = make(callbacks=[RunforkCallback(run=run)], num_train_epochs=1)
        trainer.train()
        trainer.train()
        left_open = not run.is_closed
    found = default_history()

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


def test_a_warning_points_at_the_line_that_called_us(data_directory, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.warns(RunforkWarning, match="carries no mark") as told:
        RunforkCallback(resume_from=tmp_path / "empty")

    assert __file__ == told[0].filename
