"""What is logged by itself, and that the documents say so."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from runfork.errors import ArgumentError, ArgumentTypeError, RunforkWarning
from runfork.writing.run import Run

pytest.importorskip("pytorch_lightning")

from tests.integrations.documented import not_logged, types_of, undocumented
from tests.integrations.tiny import Model

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")

OWN = ("train/", "val/", "hparams/", "sys/", "runtime/", "source_code/")


@pytest.fixture
def everything(lightning, history):
    """The attributes of a run in which everything that can be logged was."""

    class Scheduled(Model):
        def configure_optimizers(self):
            groups = [{"params": [self.layer.weight]}, {"params": [self.layer.bias], "lr": 0.01}]
            optimizer = lightning.torch.optim.SGD(groups, lr=0.1, momentum=0.9)
            scheduler = lightning.torch.optim.lr_scheduler.StepLR(optimizer, 1)
            return [optimizer], [scheduler]

    lightning.L.seed_everything(3)
    own = lightning.logger(
        run_id="all", log_gradient_norms=True, log_checkpoint_files=True, tags=["one"], group_tags=["two"]
    )
    saver = lightning.L.callbacks.ModelCheckpoint(monitor="val/loss_epoch", save_last=True)
    trainer = lightning.trainer(
        own,
        callbacks=[saver],
        gradient_clip_val=1,
        gradient_clip_algorithm="norm",
        max_time="00:01:00:00",
        min_steps=1,
    )
    trainer.fit(Scheduled(), lightning.loader(), lightning.loader(16))
    return history().values("all"), types_of(history(), "all")


def test_every_attribute_that_is_logged_is_documented_with_its_type(everything):
    _, types = everything

    assert [] == undocumented(types, "PyTorch Lightning", own=OWN)


def test_every_attribute_that_is_documented_is_logged(everything):
    _, types = everything

    assert [] == not_logged(
        types, "PyTorch Lightning", elsewhere={"source/*", "sys/exception", "sys/resume/suggestion"}
    )


def test_values_are_those_of_the_training(everything, history):
    values, _ = everything
    expected = {
        "hparams/lr": 0.05,
        "trainer/max_epochs": 2,
        "trainer/seed": 3,
        "trainer/max_time_seconds": 3600.0,
        "data/train/batches": 8,
        "data/train/samples": 64,
        "data/validation/batch_size": 8,
        "model/parameters/total": 5,
        "optimizer/SGD/momentum": 0.9,
        "optimizer/SGD/1/lr": 0.01,
        "optimizer/SGD/scheduler/type": "StepLR",
        "checkpoints/monitor": "val/loss_epoch",
        "sys/integration/name": "pytorch_lightning",
        "sys/tags": frozenset({"one"}),
        "sys/group_tags": frozenset({"two"}),
    }

    assert expected == {path: values[path] for path in expected}


def test_learning_rate_is_that_which_the_step_used(everything, history):
    del everything
    rates = history().points("all", "optimizer/lr/SGD/0")

    assert [0.1] * 8 + [pytest.approx(0.01)] * 8 == [rates[step] for step in range(16)]


def test_every_checkpoint_file_is_listed_with_its_step(everything, history):
    del everything
    names = {step: Path(path).name for step, path in history().points("all", "checkpoints/path").items()}

    assert "epoch=0-step=8.ckpt" == names[7]
    assert "last.ckpt" not in names.values()
    last = history().points("all", "checkpoints/last_model_path").values()
    assert {Path(path).name for path in last} == {"last.ckpt"}
    assert set(names) == set(history().points("all", "checkpoints/size_bytes"))


def test_learning_rate_that_a_hook_changes_on_a_resume_is_the_one_logged(lightning, history):
    class Changing(Model):
        def on_train_start(self):
            optimizer: Any = self.optimizers()
            for group in optimizer.param_groups:
                group["lr"] = self.hparams["lr"]

    saver = lightning.L.callbacks.ModelCheckpoint(dirpath="saved")
    lightning.trainer(lightning.logger(run_id="parent"), callbacks=[saver], max_epochs=1).fit(
        Changing(lr=0.1), lightning.loader()
    )
    trainer = lightning.trainer(lightning.logger(run_id="child"))
    trainer.fit(Changing(lr=0.02), lightning.loader(), ckpt_path=saver.best_model_path)
    found = history()

    assert (0.1, 0.02) == (found.values("parent")["optimizer/SGD/lr"], found.values("child")["optimizer/SGD/lr"])
    assert [0.1, 0.02] == [found.points("child", "optimizer/lr/SGD")[step] for step in (7, 8)]


def test_auto_logged_series_follow_log_every_n_steps(lightning, history):
    lightning.trainer(lightning.logger(run_id="only"), log_every_n_steps=4).fit(lightning.model(), lightning.loader())

    assert [3, 7, 11, 15] == list(history().points("only", "optimizer/lr/SGD"))
    assert [3, 7, 11, 15] == list(history().points("only", "throughput/steps_per_second"))


# The logger by itself


def test_logger_is_known_by_run_and_experiment_before_anything_is_written(lightning, store):
    own = lightning.logger(run_id="chosen")

    assert ("tiny", "chosen", False) == (own.name, own.version, store.exists())
    assert own.save_dir == str(Path.cwd())


def test_reading_the_experiment_opens_no_run_but_using_it_does(lightning, history):
    own = lightning.logger(run_id="late")
    handle = own.experiment
    before = history().runs
    handle.add_tags(["used"])

    assert ([], ["late"]) == (before, history().runs)
    assert isinstance(handle, Run)


def test_logger_survives_pickling_and_names_the_same_run(lightning, history):
    own = lightning.logger(run_id="sent")
    own.log_metrics({"a": 1.0}, step=1)
    again = pickle.loads(pickle.dumps(own))
    again.log_metrics({"a": 2.0}, step=2)
    again.training.runs.run.close()

    assert {1: 1.0, 2: 2.0} == history().points("sent", "a")


def test_handle_of_a_run_can_be_copied_and_sent_without_opening_it(lightning, store):
    handle = lightning.logger(run_id="only").experiment
    sent = pickle.loads(pickle.dumps(handle))

    assert handle is copy.copy(handle) is copy.deepcopy(handle)
    assert not store.exists()
    assert "only" == sent.run_id
    sent.close()


def test_prefix_stands_before_metrics(lightning, history):
    lightning.trainer(lightning.logger(run_id="only", prefix="stage1/"), max_epochs=1).fit(
        lightning.model(), lightning.loader()
    )

    assert set(range(8)) == set(history().points("only", "stage1/train/loss_step"))


def test_hyperparameters_of_any_kind_have_a_text_or_a_value(lightning, history):
    own = lightning.logger(run_id="only")
    own.log_hyperparams(
        {
            "nested": {"depth": 2},
            "layer": lightning.torch.nn.ReLU(),
            "function": lightning.torch.relu,
            "nothing": None,
            "kind": int,
        }
    )
    own.log_hyperparams(None)
    values = history().values("only")
    found = [values[f"hparams/{name}"] for name in ("nested/depth", "layer", "nothing", "kind")]

    assert [2, "torch.nn.modules.activation.ReLU", None, "int"] == found


def test_secrets_among_hyperparameters_are_masked_and_one_that_raises_costs_itself_alone(lightning, history):
    class Broken(dict[str, Any]):
        def __getitem__(self, key):
            if key == "missing":
                raise LookupError("Missing mandatory value: missing")
            return super().__getitem__(key)

    own = lightning.logger(run_id="only")
    with pytest.warns(RunforkWarning, match="^config 'hparams/missing' was not logged: .*Missing mandatory value"):
        own.log_hyperparams(
            Broken(missing="???", hub_token="verysecret", db="postgres://me:verysecret@host", max_tokens=5)
        )
    values = history().values("only")

    assert ["****", "postgres://host", 5] == [values[f"hparams/{name}"] for name in ("hub_token", "db", "max_tokens")]


def test_what_the_user_logs_below_our_namespaces_stays(lightning, history, tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    own = lightning.logger(run_id="only")
    own.experiment.log_configs({"optimizer": {"mine": 1}, "data": {"train": {"path": "x", "samples": -1}}})
    own.experiment.log_configs({"hparams": {"mine": 2}, "model": {"depth": 3}})
    own.experiment.assign_files({"trainer/notes": tmp_path / "notes.txt"})
    lightning.trainer(own, max_epochs=1).fit(lightning.model(), lightning.loader())
    values = history().values("only")
    found = [values.get(path) for path in ("optimizer/mine", "data/train/path", "hparams/mine", "model/depth")]

    assert [1, "x", 2, 3] == found
    assert 64 == values["data/train/samples"]
    assert "trainer/notes" in values


def test_numbers_that_fabric_logs_without_a_step_follow_each_other(store, history):
    from lightning_fabric import Fabric
    from tests.integrations import tiny

    for run in ("only", "only"):
        own = tiny.logger(run_id=run)
        fabric = Fabric(loggers=own, accelerator="cpu", devices=1)
        for number in range(2):
            fabric.log("loss", float(number))
        fabric.log_dict({"acc": 0.5}, step=4)
        own.experiment.close()
    found = history()

    assert ({0: 0, 1: 1, 2: 0, 3: 1}, {4: 0.5}) == (found.points("only", "loss"), found.points("only", "acc"))


def test_metrics_without_a_step_go_to_the_present_one(lightning, history):
    class Direct(Model):
        def on_train_batch_end(self, outputs, batch, batch_idx):
            assert self.logger is not None
            self.logger.log_metrics({"direct": float(batch_idx)})

    lightning.trainer(lightning.logger(run_id="only"), max_epochs=1).fit(Direct(), lightning.loader())

    assert {step: float(step) for step in range(8)} == history().points("only", "direct")


def test_step_of_the_users_own_is_kept(lightning, history):
    class ByEpoch(Model):
        def on_train_epoch_end(self):
            self.log("step", float(self.current_epoch))
            self.log("by_epoch", 1.0)

    lightning.trainer(lightning.logger(run_id="only")).fit(ByEpoch(), lightning.loader())

    assert [0, 1] == list(history().points("only", "by_epoch"))


def test_nothing_that_a_caller_gets_wrong_reaches_training(lightning, history, caplog):
    class Wrong(Model):
        def on_train_batch_end(self, outputs, batch, batch_idx):
            logger: Any = self.logger
            logger.log_metrics({"bad": 1.0}, step="soon")
            logger.log_metrics({"early": 1.0}, step=-5)
            logger.log_hyperparams(7)

    saver = lightning.L.callbacks.ModelCheckpoint(dirpath="saved")
    lightning.trainer(lightning.logger(run_id="only"), callbacks=[saver], max_epochs=1).fit(Wrong(), lightning.loader())
    told = [record.message for record in caplog.records if "training goes on" in record.message]

    assert set(range(8)) == set(history().points("only", "train/loss_step"))
    assert 2 == len(told)
    assert "7" == lightning.torch.load(saver.best_model_path)["runfork"]["step"]


def test_a_run_of_ones_own_is_used_and_left_open(lightning, history):
    with Run("mine", project="test/tiny", run_id="given") as run:
        own = lightning.RunforkLogger(run=run)
        lightning.trainer(own, max_epochs=1).fit(lightning.model(), lightning.loader())
        left_open = not run.is_closed

    assert left_open
    assert ["given"] == history().runs


def test_disabled_mode_writes_nothing_and_marks_nothing(lightning, store):
    saver = lightning.L.callbacks.ModelCheckpoint(dirpath="saved")
    lightning.trainer(lightning.logger(mode="disabled"), callbacks=[saver], max_epochs=1).fit(
        lightning.model(), lightning.loader()
    )

    assert "runfork" not in lightning.torch.load(saver.best_model_path)
    assert not store.exists()


@pytest.mark.parametrize(
    ("options", "error", "names"),
    [
        ({"resume": "sometimes"}, ArgumentError, "fork, continue, new"),
        ({"log_gradient_norms": "some"}, ArgumentError, "total"),
        ({"project": "nowhere"}, ArgumentError, "workspace/project"),
        ({"run_id": "a/b"}, ArgumentError, "'/'"),
        ({"tags": [1]}, ArgumentTypeError, "tags"),
        ({"mode": "loud"}, ArgumentError, "mode"),
        ({"run": Run(mode="disabled"), "run_id": "x"}, ArgumentError, "either run"),
        ({"run": "mine"}, ArgumentTypeError, "must be a runfork.Run, found 'mine'"),
        ({"directory": 5}, ArgumentTypeError, "directory must be a path, found 5"),
        ({"projekt": "a/b"}, TypeError, "unexpected keyword argument 'projekt'; did you mean 'project'?"),
        ({"name": "x"}, TypeError, "unexpected keyword argument 'name'; experiment_name= names the experiment"),
        ({"fork_run_id": "a"}, ArgumentError, "belong together"),
        ({"resume_from": "nowhere.ckpt"}, ArgumentError, "there is no such checkpoint"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_at_once(lightning, options, error, names):
    with pytest.raises(error, match=re.escape(names)):
        lightning.logger(**options)
