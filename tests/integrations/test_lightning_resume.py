"""Resuming is a fork: from the right run, at the right step, with nothing cut and nothing doubled. With real Lightning."""

from __future__ import annotations

import importlib
import shutil
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging import version

from runfork.errors import RunforkWarning
from runfork.journal.reader import JournalReader
from runfork.model.steps import MICRO
from runfork.writing.run import Run

pytest.importorskip("pytorch_lightning")

from pytorch_lightning import Callback, LightningModule
from tests.integrations.fitting import fit, saved, saver
from tests.integrations.tiny import Model

REPEATS_A_STEP = version.parse(metadata.version("pytorch-lightning")) < version.parse("2.5")
"""Before 2.5 Lightning counted the step after a checkpoint in mid-epoch as the one before it."""

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


# The fork step, in every row of how Lightning saves


class CrashError(Exception):
    """What the tests' models raise."""


def _crashing(lightning, *, at_batch):
    class Crashing(Model):
        def training_step(self, batch, batch_idx):
            if batch_idx == at_batch and self.current_epoch == 0:
                raise CrashError
            return super().training_step(batch, batch_idx)

    return Crashing()


def _two_optimizers(lightning):
    class TwoOptimizers(Model):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch, batch_idx):
            loss = self.layer(batch[0]).pow(2).mean()
            self.manual_backward(loss)
            optimizers: Any = self.optimizers()
            for optimizer in optimizers:
                optimizer.step()
            self.zero_grad()
            self.log("train/loss", loss, on_step=True, on_epoch=True)

        def configure_optimizers(self):
            return [lightning.torch.optim.SGD(self.parameters(), lr=0.01) for _ in range(2)]

    return TwoOptimizers()


@pytest.mark.parametrize(
    ("case", "fork_step"),
    [
        ("train_batch_end", 4),
        ("validation_end", 7),
        ("train_epoch_end", 7),
        ("two_optimizers", 2),
        ("accumulation", 1),
        ("mid_accumulation", 0),
        ("saved_by_an_earlier_callback", 4),
    ],
)
def test_fork_step_is_the_last_step_in_the_checkpoint(lightning, history, case, fork_step):
    options, model, savers = {"max_epochs": 1}, lightning.model, []
    if case == "train_batch_end":
        savers = [saver(lightning, every_n_train_steps=5)]
    elif case == "validation_end":
        savers = [saver(lightning, save_on_train_epoch_end=False)]
    elif case == "train_epoch_end":
        savers = [saver(lightning, save_on_train_epoch_end=True)]
    elif case == "two_optimizers":
        savers, model = [saver(lightning, every_n_train_steps=6)], lambda: _two_optimizers(lightning)
    elif case == "accumulation":
        savers, options = [saver(lightning, every_n_train_steps=2)], {"accumulate_grad_batches": 3, "max_epochs": 1}
    else:
        at_batch = 3 if case == "mid_accumulation" else 4

        class Early(Callback):
            def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
                if batch_idx == at_batch and not saved():
                    trainer.save_checkpoint("saved/early.ckpt")

        savers = [Early()]
        options = {"max_epochs": 1, **({"accumulate_grad_batches": 3} if case == "mid_accumulation" else {})}
    fit(lightning, "parent", *savers, model=model(), **options)
    fit(lightning, "child", checkpoint=str(saved()[0]), model=model(), **{**options, "max_epochs": 2})
    found = history()

    assert ("parent", fork_step) == found.parent("child")
    assert min(found.own_points("child", "train/loss_step")) in (
        {fork_step, fork_step + 1} if REPEATS_A_STEP else {fork_step + 1}
    )
    assert found.points("child", "train/loss_step").keys() == set(
        range(max(found.points("child", "train/loss_step")) + 1)
    )


def test_crash_inside_a_training_step_forks_at_the_last_step_that_was_done(lightning, history):
    on_exception = lightning.L.callbacks.OnExceptionCheckpoint("saved")
    with pytest.raises(CrashError):
        fit(lightning, "parent", on_exception, model=_crashing(lightning, at_batch=5))
    # without a path: Lightning takes the checkpoint up by itself
    fit(lightning, "child", lightning.L.callbacks.OnExceptionCheckpoint("saved"))
    found = history()

    assert ("parent", 4) == found.parent("child")
    assert "failed" == found.values("parent")["sys/state"]
    assert "CrashError" in found.values("parent")["sys/exception"]


# Nothing cut, nothing doubled


@pytest.mark.skipif(REPEATS_A_STEP, reason="this Lightning repeats a step")
def test_forked_history_has_the_steps_of_an_uninterrupted_one_in_every_series(lightning, history):
    class Chatty(Model):
        def on_train_epoch_end(self):
            assert self.logger is not None
            self.logger.log_metrics({"user/by_epoch": 1.0}, step=self.current_epoch)

        def on_train_batch_end(self, outputs, batch, batch_idx):
            assert self.logger is not None
            self.logger.log_metrics({"user/by_global_step": 1.0}, step=self.global_step)

    checkpoints = saver(lightning, every_n_train_steps=3)
    fit(lightning, "parent", checkpoints, model=Chatty(), max_epochs=3)
    # the first comes before series of their own axis were seen; after the last Lightning skips a validation that it did not do
    kept = saved()[1:-1]
    for path in kept:
        fit(lightning, f"child of {path.stem}", checkpoint=str(path), model=Chatty(), max_epochs=3)
    found = history()
    series = [
        "train/loss_step",
        "train/loss_epoch",
        "val/loss_step",
        "val/loss_epoch",
        "user/by_epoch",
        "user/by_global_step",
    ]
    whole = {path: set(found.points("parent", path)) for path in series}
    seen = {path.stem: {one: set(found.points(f"child of {path.stem}", one)) for one in series} for path in kept}

    assert {path.stem: whole for path in kept} == seen


@pytest.mark.skipif(REPEATS_A_STEP, reason="this Lightning repeats a step")
def test_grandchild_sees_series_that_its_parent_did_not_log(lightning, history):
    fit(lightning, "root", saver(lightning))
    fit(
        lightning,
        "child",
        saver(lightning, every_n_train_steps=2),
        checkpoint=str(saved()[-1]),
        validation=0,
        max_epochs=3,
    )
    fit(lightning, "grandchild", checkpoint=str(saved()[-1]), max_epochs=4)
    found = history()

    assert {0, 1, 2, 3, 4, 5} == set(found.points("grandchild", "val/loss_step"))


def test_resumed_training_equals_one_without_us(lightning, history):
    _, own = fit(lightning, "parent", saver(lightning))
    _, resumed = fit(lightning, "child", checkpoint=str(saved()[0]))
    del own, resumed
    plain = lightning.trainer(False, callbacks=[], enable_checkpointing=False)
    model = lightning.model()
    losses = []
    model.on_train_batch_end = lambda outputs, batch, batch_idx: losses.append(outputs["loss"].item())
    plain.fit(model, lightning.loader(), lightning.loader(16))

    assert losses == pytest.approx(list(history().points("child", "train/loss_step").values()), rel=1e-6)


# Which checkpoint, from where


def test_path_last_and_best_all_fork(lightning, history):
    savers = [lightning.L.callbacks.ModelCheckpoint(dirpath="saved", monitor="val/loss_epoch", save_last=True)]
    trainer, _ = fit(lightning, "parent", *savers)
    best = trainer.checkpoint_callback.best_model_path
    fit(lightning, "by path", checkpoint=Path(best))
    same = lightning.L.callbacks.ModelCheckpoint(dirpath="saved", monitor="val/loss_epoch", save_last=True)
    same.best_model_path = best
    fit(lightning, "by best", same, checkpoint="best")
    fit(lightning, "by last", same, checkpoint="last")
    parents = {name: history().parent(name) for name in ("by path", "by last", "by best")}

    assert dict.fromkeys(parents, ("parent", 15)) == parents


def test_older_checkpoint_forks_at_its_own_step(lightning, history):
    fit(lightning, "parent", saver(lightning, every_n_train_steps=3))
    fit(lightning, "child", checkpoint=str(saved()[1]))
    found = history()

    assert ("parent", 5) == found.parent("child")
    assert found.own_points("parent", "train/loss_step").keys() == set(range(16))


def test_checkpoint_copied_elsewhere_finds_its_run_from_another_directory(lightning, history, tmp_path, monkeypatch):
    monkeypatch.delenv("RUNFORK_PROJECT", raising=False)
    _, parent = fit(
        lightning,
        "parent",
        saver(lightning),
        own_logger=lightning.RunforkLogger("tiny", run_id="parent"),
        max_epochs=1,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copied = shutil.copy(saved()[0], elsewhere / "renamed.bin")
    monkeypatch.chdir(elsewhere)
    own = lightning.RunforkLogger(run_id="child")
    fit(lightning, "child", own_logger=own, checkpoint=str(copied))

    assert ("parent", 7) == own.experiment.parent
    assert f"local/{tmp_path.name}" == own.experiment.project
    assert "tiny" == own.experiment.experiment_name
    own.experiment.close()
    parent.experiment.close()


def test_parent_that_is_not_here_stays_pending(lightning, history, store, tmp_path, monkeypatch):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    monkeypatch.setenv("RUNFORK_DIR", str(tmp_path / "other"))
    fit(lightning, "child", checkpoint=str(saved()[0]))
    monkeypatch.undo()
    shutil.copytree(tmp_path / "other" / "test" / "tiny" / "child", store / "test" / "tiny" / "child")
    values = history().values("child")

    assert ("parent", 7.0) == (values["sys/forking/parent"], values["sys/forking/step"])


def test_run_that_is_still_running_can_be_forked(lightning, history):
    parent = lightning.logger(run_id="parent")
    parent.log_metrics({"known": 0.0}, step=5)
    fit(lightning, "parent", saver(lightning), own_logger=parent, max_epochs=1)
    fit(lightning, "child", checkpoint=str(saved()[0]))
    parent.log_metrics({"known": 1.0, "unknown": 1.0}, step=3)
    parent.log_metrics({"known": 1.0}, step=99)
    found = history()

    assert ({3: 1.0, 5: 0.0}, {}) == (found.points("child", "known"), found.points("child", "unknown"))


def test_hyperparameters_of_the_child_are_its_own(lightning, history):
    fit(lightning, "parent", saver(lightning), model=lightning.model(lr=0.05), max_epochs=1)
    fit(lightning, "child", checkpoint=str(saved()[0]), model=lightning.model(lr=0.01))
    found = history()

    assert (0.05, 0.01) == (found.values("parent")["hparams/lr"], found.values("child")["hparams/lr"])


# Policies


def test_policy_continue_goes_on_in_the_same_run_when_nothing_followed_the_checkpoint(lightning, history):
    fit(lightning, "parent", saver(lightning), max_epochs=1)[1].experiment.close()
    own = lightning.logger(run_id="provisional", resume="continue")
    fit(lightning, None, own_logger=own, checkpoint=str(saved()[0]))

    assert "parent" == own.version
    assert ["parent"] == history().runs
    assert set(range(16)) == set(history().own_points("parent", "train/loss_step"))


def test_policy_continue_forks_where_the_run_went_on_after_the_checkpoint(lightning, history):
    fit(lightning, "parent", saver(lightning, every_n_train_steps=3), max_epochs=1)[1].experiment.close()
    own = lightning.logger(run_id="child", resume="continue")
    with pytest.warns(RunforkWarning, match="logged points beyond this checkpoint"):
        fit(lightning, None, own_logger=own, checkpoint=str(saved()[0]), max_epochs=1)

    assert ("parent", 2) == history().parent("child")


def test_policy_new_has_no_parent(lightning, history, monkeypatch):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    monkeypatch.setenv("RUNFORK_RESUME", "new")
    fit(lightning, "child", checkpoint=str(saved()[0]))
    found = history()

    assert None is found.parent("child")
    assert "new" == found.values("child")["sys/resume/policy"]


def test_run_named_by_id_resumes_its_own_checkpoint_as_itself(lightning, history):
    fit(lightning, "same", saver(lightning), max_epochs=1)
    fit(lightning, "same", checkpoint=str(saved()[0]))
    found = history()

    assert (["same"], None) == (found.runs, found.parent("same"))


# Checkpoints that are not ours, or damaged


def test_checkpoint_without_a_mark_gives_a_new_run_that_names_it(lightning, history):
    trainer = lightning.trainer(False, callbacks=[saver(lightning)], max_epochs=1)
    trainer.fit(lightning.model(), lightning.loader())
    path = saved()[0].absolute()
    fit(lightning, "child", checkpoint=str(path))
    values = history().values("child")

    assert None is history().parent("child")
    assert (str(path), 8, 0) == tuple(values[f"source/{name}"] for name in ("checkpoint_path", "global_step", "epoch"))


@pytest.mark.parametrize(
    "damage",
    [{"version": 99}, {"step": "soon"}, {"run_id": None}, "no mark at all", None, 7],
    ids=["newer version", "step", "run id", "text", "none", "number"],
)
def test_mark_that_cannot_be_read_gives_one_warning_and_a_new_run(lightning, history, damage):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    path = saved()[0]
    checkpoint = lightning.torch.load(path)
    checkpoint["runfork"] = {**checkpoint["runfork"], **damage} if isinstance(damage, dict) else damage
    lightning.torch.save(checkpoint, path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit(lightning, "child", checkpoint=str(path))
    ours = [str(one.message) for one in told if issubclass(one.category, RunforkWarning)]

    assert 1 == len(ours)
    assert (None, 16) == (history().parent("child"), max(history().points("child", "train/loss_step")) + 1)


def test_checkpoint_loads_without_us_and_holds_plain_values_only(lightning):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    mark = lightning.torch.load(saved()[0], weights_only=True)["runfork"]
    lightning.trainer(False, max_epochs=2).fit(lightning.model(), lightning.loader(), ckpt_path=str(saved()[0]))

    assert {str, int} == {type(value) for value in mark.values()}


def test_mark_is_found_in_the_file_by_the_core(lightning, history):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    with Run(project="test/tiny", run_id="by hand", resume_from=saved()[0]) as run:
        run.log_metrics({"train/loss_step": 1.0}, step=8)

    assert ("parent", 7) == history().parent("by hand")


# One process, several runs


def test_training_on_with_the_same_trainer_stays_in_the_run(lightning, history):
    trainer, own = fit(lightning, "only", max_epochs=1)
    trainer.fit_loop.max_epochs = 2
    trainer.fit(trainer.lightning_module, lightning.loader())

    assert ["only"] == history().runs
    assert set(range(16)) == set(history().points("only", "train/loss_step"))
    assert "only" == own.version


def test_what_is_logged_before_training_belongs_to_its_run(lightning, history):
    own = lightning.logger(run_id="only")
    trainer, model = lightning.trainer(own, max_epochs=1), lightning.model()
    own.experiment.log_metrics({"baseline": 0.5}, step=0)
    trainer.validate(model, lightning.loader(16))
    trainer.fit(model, lightning.loader(), lightning.loader(16))
    found = history()

    assert ["only"] == found.runs
    assert {0, 7} == set(found.points("only", "val/loss_epoch"))


def test_training_from_the_beginning_with_another_trainer_is_another_run(lightning, history):
    _, own = fit(lightning, "first", max_epochs=1)
    fit(lightning, None, own_logger=own, max_epochs=1)
    found = history()

    assert 2 == len(found.runs)
    assert (None, own.version) == (found.parent(found.runs[1]), found.runs[1])
    assert {"finished"} == {found.values("first")["sys/state"]}


def test_rollback_on_a_live_trainer_forks_a_child_and_the_old_handle_follows(lightning, history):
    trainer, own = fit(lightning, "first", saver(lightning, every_n_train_steps=5), max_epochs=1)
    handle = own.experiment
    trainer.fit_loop.max_epochs = 2
    trainer.fit(trainer.lightning_module, lightning.loader(), ckpt_path=str(saved()[0]))
    handle.log_metrics({"after": 1.0}, step=20)
    found = history()
    child = found.runs[1]

    assert ("first", 4) == found.parent(child)
    assert (child, child) == (own.version, handle.run_id)
    assert {20: 1.0} == found.own_points(child, "after")
    assert min(found.own_points(child, "train/loss_step")) in ({4, 5} if REPEATS_A_STEP else {5})
    assert isinstance(handle, Run)


def test_tuner_leaves_no_run_and_no_fork_behind(lightning, history):
    class BatchSized(Model):
        validation_step = LightningModule.validation_step

        def train_dataloader(self):
            return lightning.torch.utils.data.DataLoader(
                lightning.loader().dataset, batch_size=self.hparams["batch_size"]
            )

    model = BatchSized(batch_size=4)
    trainer = lightning.trainer(lightning.logger(run_id="only"), max_epochs=1)
    tuner = importlib.import_module(f"{lightning.L.__name__}.tuner").Tuner(trainer)
    tuner.scale_batch_size(model, max_trials=1, steps_per_trial=1, init_val=4)
    tuner.lr_find(model, num_training=5)
    before = list(history().runs)
    trainer.fit(model)
    found = history()

    assert ([], ["only"]) == (before, found.runs)
    assert None is found.parent("only")


def test_learning_rate_finder_inside_a_resumed_fit_keeps_the_parent_and_logs_nothing(lightning, history, store):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    finder = lightning.L.callbacks.LearningRateFinder(num_training_steps=4)
    fit(lightning, "child", finder, checkpoint=str(saved()[0]))
    journal = next((store / "test" / "tiny" / "child").glob("*.journal"))
    rows = [row for row in JournalReader(journal).read(0).rows if "optimizer/lr/SGD" in row.paths]  # type: ignore[union-attr]
    steps = [step // MICRO for row in rows for step in row.steps.tolist()]

    assert ("parent", 7) == history().parent("child")
    assert list(range(16)) == steps  # Lightning forgets what it has resumed


def test_a_mistyped_checkpoint_leaves_the_run_id_to_the_training_that_follows(lightning, history):
    own = lightning.logger(run_id="job")
    with pytest.raises(FileNotFoundError):
        fit(lightning, None, checkpoint="nowhere.ckpt", own_logger=own)
    fit(lightning, None, own_logger=own)
    found = history()
    (failed,) = [run for run in found.runs if run != "job"]

    assert ("finished", "failed") == tuple(found.values(run)["sys/state"] for run in ("job", failed))
    assert "sys/exception" not in found.values("job")
    assert "FileNotFoundError" in found.values(failed)["sys/exception"]
    assert list(range(16)) == sorted(found.points("job", "train/loss_step"))


def test_fork_from_before_the_first_validation_has_none_of_its_parents(lightning, history):
    class Epochs(Model):
        def on_validation_epoch_end(self):
            self.logger.log_metrics({"by_epoch": 1.0}, step=self.current_epoch)  # type: ignore[union-attr]

    options: Any = {"max_epochs": 1, "num_sanity_val_steps": 0}
    fit(lightning, "parent", saver(lightning, every_n_train_steps=5), model=Epochs(), **options)
    fit(lightning, "child", checkpoint=str(saved()[0]), validation=0, **options)
    found = history()

    assert ("parent", 4) == found.parent("child")
    for path in ("by_epoch", "val/loss_step", "val/loss_epoch"):
        assert found.points("parent", path)
        assert {} == found.points("child", path), path
