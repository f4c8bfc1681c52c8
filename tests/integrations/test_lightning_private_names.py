"""What Lightning does not promise and we use is still there."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.integrations.private_names import PrivateName, check

pytest.importorskip("pytorch_lightning")

import pytorch_lightning as lightning
import torch
from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, Timer
from pytorch_lightning.loggers.logger import DummyLogger
from pytorch_lightning.tuner.tuning import Tuner
from tests.integrations import tiny

from runfork_lightning.internals import (
    gathers_gradients,
    is_rank_zero,
    is_tuner_file,
    last_saved_path,
    loaded_checkpoint_of,
    max_seconds_of,
    step_of,
    trainer_of,
)

pytestmark = pytest.mark.filterwarnings("ignore")


class Watcher(Callback):
    def __init__(self, seen):
        self.seen = seen

    def on_train_batch_end(self, trainer, *_arguments):
        self.seen.steps.append(step_of(trainer))
        self.seen.gathers.append(gathers_gradients(trainer))
        self.seen.is_rank_zero = is_rank_zero()
        self.seen.schedulers = list(trainer.lr_scheduler_configs)

    def on_load_checkpoint(self, trainer, _module, _checkpoint):
        self.seen.loaded_paths.append(str(trainer.ckpt_path))


class WatchingLogger(DummyLogger):
    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def log_metrics(self, metrics, step=None):
        self.seen.logged.append((dict(metrics), step))

    def log_graph(self, model, input_array=None):
        self.seen.trainers.append(trainer_of(model))

    def after_save_checkpoint(self, checkpoint_callback):
        self.seen.saved.append(last_saved_path(checkpoint_callback))

    def log_hyperparams(self, *_arguments, **_options):
        if self.seen.tester is not None:
            self.seen.loaded = dict(loaded_checkpoint_of(self.seen.tester))


class Scheduled(tiny.Model):
    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1), "interval": "step"}]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a fit, a test of its checkpoint and a search for a learning rate show."""
    folder = tmp_path_factory.mktemp("seen")
    found = SimpleNamespace(
        steps=[], gathers=[], logged=[], trainers=[], saved=[], loaded_paths=[], loaded={}, tester=None
    )
    saver = ModelCheckpoint(dirpath=folder / "saved", every_n_train_steps=1, save_top_k=-1)

    def trainer(**options):
        options = {"callbacks": [Watcher(found)], "default_root_dir": folder, **options}
        return tiny.trainer(WatchingLogger(found), **options)

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("PL_GLOBAL_SEED", "")
        lightning.seed_everything(17)
        found.seed = os.environ.get("PL_GLOBAL_SEED")
        fit = trainer(callbacks=[Watcher(found), saver], accumulate_grad_batches=2, max_steps=2)
        found.fit, found.module, found.saver = fit, Scheduled(), saver
        found.trainer_before = trainer_of(found.module)
        fit.fit(found.module, tiny.loader())
        found.tester = trainer()
        found.tester.test(tiny.model(), tiny.loader(), ckpt_path=saver.best_model_path)
        Tuner(trainer()).lr_find(tiny.model(), tiny.loader(), num_training=2)
        Tuner(trainer(max_steps=1)).scale_batch_size(
            WithLoader(), mode="power", max_trials=1, steps_per_trial=1, init_val=4
        )
    return found


class WithLoader(tiny.Model):
    def train_dataloader(self):
        return tiny.loader()

    val_dataloader = train_dataloader


NAMES = [
    PrivateName(
        "trainer.fit_loop.epoch_loop._batches_that_stepped",
        "the main step of each point and of each checkpoint's mark (internals.step_of)",
        lambda seen: seen.steps == [0, 0, 1, 1] and [step for _, step in seen.logged[:2]] == [0, 1],
    ),
    PrivateName(
        "trainer.fit_loop.epoch_loop._should_accumulate",
        "which batches end an optimizer step where gradients are gathered (internals.gathers_gradients)",
        lambda seen: seen.gathers == [True, False, True, False],
    ),
    PrivateName(
        "trainer._checkpoint_connector._loaded_checkpoint",
        "the checkpoint of an evaluation before 2.6, and of a trainer that was told late of our callback "
        "(internals.loaded_checkpoint_of)",
        lambda seen: "state_dict" in seen.loaded,
    ),
    PrivateName(
        "LightningModule._trainer",
        "finding the trainer where entry points are not found (internals.trainer_of)",
        lambda seen: seen.trainer_before is None and seen.trainers[0] is seen.fit,
    ),
    PrivateName(
        "ModelCheckpoint._last_checkpoint_saved",
        "checkpoints/path (internals.last_saved_path)",
        lambda seen: len(seen.saved) == 2 and all(Path(path).is_file() for path in seen.saved),
    ),
    PrivateName(
        "Timer._duration",
        "trainer/max_time_seconds (internals.max_seconds_of)",
        lambda _seen: max_seconds_of(Timer(duration={"minutes": 2})) == 120 and max_seconds_of(Timer()) is None,
    ),
    PrivateName(
        "lightning_utilities.core.rank_zero.rank_zero_only.rank",
        "one run of all ranks (internals.is_rank_zero)",
        lambda seen: seen.is_rank_zero and getattr(rank_zero_only, "rank", None) == 0,
    ),
    PrivateName(
        "names of the tuner's own files",
        "a search for a learning rate or a batch size makes no fork (internals.TUNER_FILES)",
        lambda seen: (
            [is_tuner_file(name) for name in _names(seen)][-2:] == [True, True] and not is_tuner_file("epoch=1.ckpt")
        ),
    ),
    PrivateName(
        "PL_GLOBAL_SEED in the environment", "trainer/seed (trainer_description)", lambda seen: seen.seed == "17"
    ),
    PrivateName(
        "SIGTERMException",
        'the state "preempted" (LightningTraining.fail)',
        lambda _seen: isinstance(_exceptions().SIGTERMException, type),
    ),
    PrivateName(
        "trainer.state.fn is an enum of strings",
        "telling fits from evaluations (lightning_training.is_fitting)",
        lambda seen: seen.fit.state.fn == "fit" and seen.tester.state.fn == "test",
    ),
    PrivateName(
        'Lightning adds "epoch" to metrics whose step it chose',
        "results of an evaluation stand at the step of the weights (LightningTraining.log_metrics)",
        lambda seen: [metrics["epoch"] for metrics, _ in seen.logged if "test/loss" in metrics] == [0],
    ),
    PrivateName(
        "trainer.lr_scheduler_configs",
        "optimizer/<label>/scheduler/ (describe_schedulers)",
        lambda seen: (
            [(type(one.scheduler).__name__, one.interval, one.frequency, one.monitor) for one in seen.schedulers]
            == [("StepLR", "step", 1, None)]
        ),
    ),
    PrivateName(
        "LightningOptimizer.optimizer",
        "the names of optimizers (optimizer_description.unwrap)",
        lambda seen: isinstance(seen.module.optimizers().optimizer, torch.optim.SGD),
    ),
    PrivateName(
        "meta.pt beside a sharded checkpoint",
        "the mark in a directory that FSDP wrote (runfork_torch.checkpoint_files)",
        lambda _seen: _fsdp()._METADATA_FILENAME == "meta.pt",
    ),
]


def _names(seen):
    return [Path(path).name for path in seen.loaded_paths]


def _exceptions():
    from pytorch_lightning.utilities import exceptions

    return exceptions


def _fsdp():
    from lightning_fabric.strategies import fsdp

    return fsdp


@pytest.mark.parametrize("one", NAMES, ids=str)
def test_lightning_still_has(one, seen):
    check("pytorch-lightning", one, seen)
