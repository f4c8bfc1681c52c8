"""Evaluating a checkpoint: its metrics go to the run that wrote it, at its step. With real Lightning."""

from __future__ import annotations

import shutil
import signal

import pytest

pytest.importorskip("pytorch_lightning")

from tests.integrations.fitting import fit, saved, saver
from tests.integrations.tiny import Model

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")


def test_evaluation_of_a_checkpoint_belongs_to_the_run_that_wrote_it_at_its_step(lightning, history):
    fit(lightning, "parent", saver(lightning), model=lightning.model(lr=0.05))
    before = history().points("parent", "val/loss_step")
    trainer = lightning.trainer(lightning.logger())
    trainer.test(lightning.model(lr=0.5), lightning.loader(16), ckpt_path=str(saved()[0]))
    trainer.validate(lightning.model(lr=0.5), lightning.loader(16), ckpt_path=str(saved()[0]))
    found = history()

    assert ["parent"] == found.runs
    assert {7} == set(found.points("parent", "test/loss"))
    assert {7, 15} == set(found.points("parent", "val/loss_epoch"))
    assert 0.05 == found.values("parent")["hparams/lr"]
    assert "finished" == found.values("parent")["sys/state"]
    assert before.items() <= found.points("parent", "val/loss_step").items()


def test_evaluation_after_training_belongs_to_the_last_step(lightning, history):
    trainer, _ = fit(lightning, "only")
    trainer.test(trainer.lightning_module, lightning.loader(16))

    assert {15} == set(history().points("only", "test/loss"))


def test_evaluation_of_weights_that_a_single_run_saved_belongs_to_it(lightning, history):
    fit(lightning, "parent", saver(lightning))
    model = lightning.Model.load_from_checkpoint(saved()[0])
    lightning.trainer(lightning.logger()).test(model, lightning.loader(16))
    lightning.trainer(lightning.logger(run_id="fresh")).test(lightning.model(seed=9), lightning.loader(16))
    found = history()

    assert ["parent", "fresh"] == found.runs
    assert ({7}, {0}) == tuple(set(found.points(run, "test/loss")) for run in found.runs)
    assert "source/run_id" not in found.values("fresh")


def test_evaluation_that_fails_in_a_run_of_its_own_says_so(lightning, history):
    fit(lightning, "parent", saver(lightning), max_epochs=1)

    class Failing(Model):
        def on_test_epoch_end(self):
            raise ValueError("no more")

        def test_step(self, batch, batch_idx):
            self.log("test/loss", self.layer(batch[0]).mean(), on_step=True)

    for name in (None, "scores"):
        trainer = lightning.trainer(lightning.logger(run_id=name))
        with pytest.raises(ValueError, match="no more"):
            trainer.test(Failing(), lightning.loader(16), ckpt_path=str(saved()[0]))
    found = history()

    assert ("finished", "failed") == tuple(found.values(run)["sys/state"] for run in ("parent", "scores"))
    assert "no more" in found.values("scores")["sys/exception"]


KILLED = """
class Killed(Model):
    def test_step(self, batch, batch_idx):
        if batch_idx == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        self.log("test/loss", 1.0 * batch_idx, on_step=True)

trainer(logger()).test(Killed(), loader(32), ckpt_path=os.environ["CHECKPOINT"])
"""


def test_values_of_batches_of_an_evaluation_that_is_killed_are_kept(lightning, history, script):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    script.run(KILLED, expect=-signal.SIGKILL, CHECKPOINT=str(saved()[0].absolute()))
    found = history()

    assert ["parent"] == found.runs
    assert {7.000001: 0.0, 7.000002: 1.0, 7.000003: 2.0} == found.points("parent", "test/loss_step")
    assert "finished" == found.values("parent")["sys/state"]


def test_evaluation_of_the_best_checkpoint_belongs_to_its_step(lightning, history):
    best = lightning.L.callbacks.ModelCheckpoint(monitor="val/loss_epoch", mode="max")  # the first epoch's is worst
    trainer, _ = fit(lightning, "only", best)
    trainer.test(ckpt_path="best", dataloaders=lightning.loader(16))
    found = history()

    assert {7} == set(found.points("only", "test/loss"))
    assert ["only"] == found.runs


def test_training_goes_on_in_its_own_run_after_evaluating_another_ones_checkpoint(lightning, history):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    trainer, own = fit(lightning, "child", checkpoint=str(saved()[0]))
    trainer.test(ckpt_path=str(saved()[0]), dataloaders=lightning.loader(16))
    own.log_metrics({"after": 1.0}, step=16)
    found = history()

    assert ({7}, {16}) == (set(found.own_points("parent", "test/loss")), set(found.own_points("child", "after")))


def test_evaluation_of_a_checkpoint_whose_run_is_not_here_names_its_source(lightning, history, store):
    fit(lightning, "parent", saver(lightning), max_epochs=1)[1].experiment.close()
    shutil.rmtree(store)
    trainer = lightning.trainer(lightning.logger(run_id="own"))
    trainer.test(lightning.model(), lightning.loader(16), ckpt_path=str(saved()[0]))
    found = history()

    assert (["own"], {7}) == (found.runs, set(found.points("own", "test/loss")))
    assert ("parent", 7) == tuple(found.values("own")[f"source/{name}"] for name in ("run_id", "step"))


def test_evaluations_keep_to_themselves_on_request(lightning, history):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    trainer = lightning.trainer(lightning.logger(run_id="own", attach_evaluations=False))
    trainer.test(lightning.model(), lightning.loader(16), ckpt_path=str(saved()[0]))

    assert {} == history().points("parent", "test/loss")


def test_prediction_opens_no_run(lightning, history):
    fit(lightning, "parent", saver(lightning), max_epochs=1)
    lightning.Model.predict_step = lambda self, batch, batch_idx: self.layer(batch[0])
    trainer = lightning.trainer(lightning.logger())
    trainer.predict(lightning.model(), lightning.loader(16), ckpt_path=str(saved()[0]))

    assert ["parent"] == history().runs
