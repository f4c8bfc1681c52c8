"""What the Trainer's callback logs by itself, and that the documents say so."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.integrations.documented import not_logged, types_of, undocumented
from tests.integrations.hf_driver import arguments, data, model

from runfork.testing.reading import History

pytest.importorskip("transformers")

from transformers import Trainer

import runfork_hf
from runfork_hf import RunforkCallback

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")

FRAMEWORK = "Hugging Face Trainer"
OWN = ("sys/", "runtime/", "source_code/")


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A run in which everything that can be logged was."""
    folder = tmp_path_factory.mktemp("everything")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNFORK_DIR", str(folder / "data"))
        patch.setenv("RUNFORK_PROJECT", "tests/project")
        patch.setenv("RUNFORK_CONSOLE", "0")
        patch.setenv("RUNFORK_MONITORING_SECONDS", "0")
        callback = RunforkCallback("all", run_id="all", tags=["a"])
        rows: Any = data()  # a list is a dataset to the Trainer
        trainer = Trainer(
            model=model(),
            args=arguments(
                folder / "out",
                eval_strategy="epoch",
                load_best_model_at_end=True,
                metric_for_best_model="loss",
                include_num_input_tokens_seen=True,
            ),
            train_dataset=rows,
            eval_dataset=rows[:16],
            callbacks=[callback],
        )
        trainer.train()
        trainer.predict(rows[:16])
        callback.run.close()
        return History(folder / "data")


def test_every_attribute_that_is_logged_is_documented_with_its_type(everything):
    assert [] == undocumented(types_of(everything, "all"), FRAMEWORK, own=OWN)


def test_every_attribute_that_is_documented_is_logged(everything):
    elsewhere = {"peft/*/*", "source/*", "source/imported/*", "sys/exception", "sys/resume/suggestion"}
    elsewhere |= {"trial/number", "trial/name", "trial/params/*"}

    assert [] == not_logged(types_of(everything, "all"), FRAMEWORK, elsewhere=elsewhere)


def test_values_are_those_of_the_training(everything):
    values = everything.values("all")
    expected = {
        "trainer/num_train_epochs": 2,
        "trainer/learning_rate": 0.01,
        "trainer/world_size": 1,
        "trainer/train_batch_size": 8,
        "model/class": "GPT2LMHeadModel",
        "model/config/n_embd": 8,
        "model/parameters/total": 1080,
        "optimizer/AdamW/lr": 0.01,
        "data/train/batches": 8,
        "data/train/samples": 64,
        "data/train/batch_size": 8,
        "data/eval/samples": 16,
        "checkpoints/monitor": "eval_loss",
        "sys/integration/name": "transformers",
        "sys/name": "all",
        "sys/tags": frozenset({"a"}),
    }

    assert expected == {path: values[path] for path in expected}


def test_series_stand_at_the_steps_of_the_trainer(everything):
    assert [8, 16] == sorted(everything.points("all", "eval/loss"))
    assert [16] == sorted(everything.points("all", "test/loss"))
    assert [8, 16] == sorted(everything.points("all", "checkpoints/path"))
    assert list(range(1, 17)) == sorted(everything.points("all", "throughput/tokens_per_second"))
    flos = everything.points("all", "train/total_flos")
    assert flos[16] > flos[1] > 0
    assert Path(everything.points("all", "checkpoints/path")[8]).name == "checkpoint-8"


def test_pickles_hold_the_paths_that_users_import():
    for one in (runfork_hf.RunforkCallback, runfork_hf.RunforkTracker):
        assert b"runfork_hf\n" in pickle.dumps(one, protocol=0)
        assert one is pickle.loads(pickle.dumps(one))
