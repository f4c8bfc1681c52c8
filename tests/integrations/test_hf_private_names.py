"""What transformers does not promise and we use is still there."""

from __future__ import annotations

import json
import warnings
from types import SimpleNamespace

import pytest
from tests.integrations.hf_driver import arguments, data, model
from tests.integrations.private_names import PrivateName, check

pytest.importorskip("transformers")

from transformers import GPT2LMHeadModel, Trainer, TrainerCallback
from transformers.integrations import integration_utils

from runfork.model.marks import MARK_KEY
from runfork_hf.trainer.evaluated_weights import path_of
from runfork_hf.trainer.samples import batch_size_of
from runfork_hf.trainer.state_file import STATE_FILE

pytestmark = pytest.mark.filterwarnings("ignore")

MARK = {"args": {}, "attributes": {}, "mark": "m"}
"""A plain dict among the states of callbacks, as we put it there."""


class Watcher(TrainerCallback):
    def __init__(self, seen):
        self.seen = seen

    def on_train_begin(self, args, state, control, **objects):
        self.seen.found.append(state.stateful_callbacks.get(MARK_KEY))
        self.seen.logs.append(vars(state).setdefault("_runfork_callback", self))
        self.seen.batch_sizes.append((batch_size_of(objects["train_dataloader"]), state.train_batch_size))
        self.seen.is_search = state.is_hyper_param_search

    def on_step_end(self, args, state, control, **objects):
        state.stateful_callbacks[MARK_KEY] = MARK

    def on_save(self, args, state, control, **objects):
        self.seen.saved.append(f"checkpoint-{state.global_step}")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a training, and one that is resumed, show."""
    folder = tmp_path_factory.mktemp("seen")
    found = SimpleNamespace(found=[], logs=[], saved=[], batch_sizes=[], folder=folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for options, checkpoint in ({"max_steps": 1}, None), ({"max_steps": 2}, folder / "checkpoint-1"):
            settings = arguments(folder, save_strategy="steps", save_steps=1, **options)
            trainer = Trainer(model(), settings, train_dataset=data(16), callbacks=[Watcher(found)])
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
    found.state = json.loads((folder / "checkpoint-1" / STATE_FILE).read_text())
    return found


NAMES = [
    PrivateName(
        "transformers.integrations.integration_utils.INTEGRATION_TO_CALLBACK",
        'report_to="runfork" and report_to="neptune" (register)',
        lambda _seen: (
            integration_utils.get_reporting_integration_callbacks(["tensorboard"])
            == [integration_utils.INTEGRATION_TO_CALLBACK["tensorboard"]]
        ),
    ),
    PrivateName(
        "PretrainedConfig._name_or_path",
        "whose weights are evaluated before any training (trainer.evaluated_weights.path_of)",
        lambda seen: (
            path_of(GPT2LMHeadModel.from_pretrained(seen.folder / "checkpoint-1")) == str(seen.folder / "checkpoint-1")
        ),
    ),
    PrivateName(
        "TrainerState.stateful_callbacks takes a plain dict",
        "the mark in trainer_state.json (trainer.state_file.put_mark)",
        lambda seen: seen.state["stateful_callbacks"][MARK_KEY] == MARK and seen.found == [None, MARK],
    ),
    PrivateName(
        "TrainerState has attributes that are not saved",
        "one callback of several logs (CallbackMethods._logs)",
        lambda seen: "_runfork_callback" not in seen.state and len({id(one) for one in seen.logs}) == 2,
    ),
    PrivateName(
        "checkpoint-<step> below output_dir, with trainer_state.json",
        "checkpoints/path, and finding marks (trainer.checkpoint_folders)",
        lambda seen: seen.saved and all((seen.folder / name / STATE_FILE).is_file() for name in seen.saved),
    ),
    PrivateName(
        "total_batch_size of the data loader, train_batch_size of the state",
        "throughput/samples_per_second, trainer/train_batch_size (trainer.samples)",
        lambda seen: seen.batch_sizes == [(8, 8), (8, 8)],
    ),
    PrivateName(
        "TrainerState.is_hyper_param_search",
        "a run for every trial (trainer.trials)",
        lambda seen: seen.is_search is False,
    ),
]


@pytest.mark.parametrize("one", NAMES, ids=str)
def test_transformers_still_has(one, seen):
    check("transformers", one, seen)
