"""Lightning in processes of its own: killed, interrupted, several at once, under both names, and without the entry points."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import metadata

import pytest
from packaging import version
from tests.integrations import user_scripts

from runfork.testing.waits import HANG_SECONDS, until

pytest.importorskip("pytorch_lightning")

REPEATS_A_STEP = version.parse(metadata.version("pytorch-lightning")) < version.parse("2.5")
"""Before 2.5 Lightning counted the step after a checkpoint in mid-epoch as the one before it."""

NAMESPACES = ["pytorch_lightning", "lightning.pytorch"]

PACED = """
import time


class Paced(Model):
    def training_step(self, batch, batch_idx):
        if self.global_step == 11:
            pathlib.Path("here").touch()
            while not self.trainer.received_sigterm:  # which may come before the first look
                time.sleep(0.01)
        return super().training_step(batch, batch_idx)

saver = L.callbacks.ModelCheckpoint(dirpath="saved", every_n_train_steps=5, save_top_k=-1)
torch.manual_seed(1)
trainer(logger(run_id="parent"), callbacks=[saver]).fit(Paced(), loader(), loader(16))
"""

RESUME = """
saver = L.callbacks.ModelCheckpoint(dirpath="saved", every_n_train_steps=5, save_top_k=-1)
trainer(logger(run_id="child"), callbacks=[saver]).fit(model(), loader(), loader(16), ckpt_path="saved/epoch=1-step=10.ckpt")
"""


def _wait_for(path, process):
    until(lambda: path.exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()[1][-3000:]


def _end(process):
    try:
        return process.communicate(timeout=HANG_SECONDS)
    finally:
        process.kill()


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_killed_training_resumes_as_a_fork_and_loses_no_point(script, history, tmp_path, namespace):
    process = script.start(PACED, namespace=namespace)
    _wait_for(tmp_path / "here", process)
    process.send_signal(signal.SIGKILL)
    _end(process)
    left = history()
    script.run(RESUME, namespace=namespace)
    found = history()

    assert "lost" == left.values("parent")["sys/state"]
    assert set(range(11)) == set(left.points("parent", "train/loss_step"))
    assert ("parent", 9) == found.parent("child")
    assert set(range(10 - REPEATS_A_STEP, 16)) == set(found.own_points("child", "train/loss_step"))
    assert set(range(16)) == set(found.points("child", "train/loss_step"))
    assert {0, 1, 2, 3} == set(found.points("child", "val/loss_step"))
    assert ("tiny", True) == tuple(found.values("child")[f"sys/experiment/{name}"] for name in ("name", "is_head"))


@pytest.mark.parametrize(
    ("number", "state", "told"),
    [(signal.SIGINT, "aborted", "KeyboardInterrupt"), (signal.SIGTERM, "preempted", "SIGTERMException")],
    ids=["ctrl-c", "sigterm"],
)
def test_interrupted_training_says_so(script, history, tmp_path, number, state, told):
    process = script.start(PACED)
    _wait_for(tmp_path / "here", process)
    process.send_signal(number)
    _end(process)
    values = history().values("parent")

    assert state == values["sys/state"]
    assert told in values["sys/exception"]


def test_exception_is_recorded_and_ends_the_process(script, history):
    body = """
class Broken(Model):
    def training_step(self, batch, batch_idx):
        raise ArithmeticError("no number")

trainer(logger(run_id="broken")).fit(Broken(), loader())
"""
    script.run(body, expect=1)
    values = history().values("broken")

    assert ("failed", True) == (values["sys/state"], values["sys/failed"])
    assert "ArithmeticError: no number" in values["sys/exception"]


@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn"])
def test_two_processes_make_one_run_and_fork_once(script, history, store, strategy):
    body = f"""
saver = L.callbacks.ModelCheckpoint(every_n_train_steps=2, save_top_k=-1)
own = logger(run_id="parent")
options = {{"devices": 2, "strategy": "{strategy}", "max_epochs": 1}}
one = trainer(own, callbacks=[saver], **options)
one.fit(model(), loader(), loader(16))
resumed = logger(**({{"run_id": "child"}} if "{strategy}" == "ddp_spawn" else {{}}))
if "{strategy}" == "ddp_spawn":  # as that, but for processes which are forked from one that has imported the framework
    options["strategy"] = importlib.import_module(L.__name__ + ".strategies").DDPStrategy(start_method="forkserver")
another = trainer(resumed, **options)
path = pathlib.Path("tiny/parent/checkpoints/epoch=0-step=2.ckpt").absolute()
another.fit(model(), loader(), loader(16), ckpt_path=str(path))
another.test(model(), loader(16), ckpt_path=str(path))
print("version", resumed.version, flush=True)
"""
    out = script.run(body)
    found = history()
    versions = {line.split()[1] for line in out.splitlines() if line.startswith("version")}
    (child,) = set(found.runs) - {"parent"}

    assert {child} == versions
    assert ("parent", 1) == found.parent(child)
    assert {0, 1, 2, 3} == set(found.points("parent", "train/loss_step"))
    assert set(range(2 - REPEATS_A_STEP, 4)) == set(found.own_points(child, "train/loss_step"))
    assert {1} == set(found.own_points("parent", "test/loss"))
    assert ["finished", "finished"] == [found.values(run)["sys/state"] for run in ("parent", child)]
    assert 2 == found.values("parent")["trainer/world_size"]
    # one of each training, whose processes log nothing twice, and one of the evaluation
    assert [2, 1] == [len(list((store / "test" / "tiny" / run).glob("*.journal"))) for run in ("parent", child)]


def test_logger_works_where_entry_points_are_not_found(script, history):
    body = """
import importlib.metadata
found = importlib.metadata.entry_points
importlib.metadata.entry_points = lambda **options: [] if "callbacks" in options.get("group", "") else found(**options)
import lightning_fabric.utilities.registry as registry
registry.entry_points = importlib.metadata.entry_points
saver = L.callbacks.ModelCheckpoint(dirpath="saved", every_n_train_steps=5, save_top_k=-1)
one = trainer(logger(run_id="parent"), callbacks=[saver], max_epochs=1)
assert not any("Runfork" in type(callback).__name__ for callback in one.callbacks)
one.fit(model(), loader())
trainer(logger(run_id="child")).fit(model(), loader(), ckpt_path="saved/epoch=0-step=5.ckpt")
"""
    script.run(body)

    assert ("parent", 4) == history().parent("child")


def test_callback_given_by_hand_brings_its_logger_and_is_not_doubled(script, history):
    body = """
from runfork_lightning import RunforkCallback
callbacks = [RunforkCallback(logger(run_id="only")), RunforkCallback()]
trainer(False, callbacks=callbacks, max_epochs=1).fit(model(), loader())
"""
    script.run(body)
    found = history()

    assert ["only"] == found.runs
    assert set(range(8)) == set(found.points("only", "optimizer/lr/SGD"))


def test_logger_of_one_namespace_works_in_a_trainer_of_the_other(script, history):
    body = """
import lightning.pytorch as other
assert "pytorch_lightning" in RunforkLogger.__mro__[2].__module__
class Other(other.LightningModule):
    __init__, training_step, configure_optimizers = None, Model.training_step, Model.configure_optimizers
    def __init__(self):
        super().__init__()
        self.save_hyperparameters({"lr": 0.1})
        self.layer = torch.nn.Linear(4, 1)
L = other
saver = L.callbacks.ModelCheckpoint(dirpath="saved", every_n_train_steps=5, save_top_k=-1)
trainer(logger(run_id="parent"), callbacks=[saver], max_epochs=1).fit(Other(), loader())
trainer(logger(run_id="child")).fit(Other(), loader(), ckpt_path="saved/epoch=0-step=5.ckpt")
"""
    script.run(body)

    assert ("parent", 4) == history().parent("child")


def test_losses_are_the_same_with_and_without_us(script):
    body = """
class Noisy(Model):
    losses = []
    def training_step(self, batch, batch_idx):
        loss = super().training_step([torch.nn.functional.dropout(batch[0])], batch_idx)
        self.losses.append(loss.item())
        return loss
    def train_dataloader(self):
        return torch.utils.data.DataLoader(loader().dataset, batch_size=8, shuffle=True)

def losses(own):
    L.seed_everything(5)
    Noisy.losses = []
    trainer(own).fit(Noisy())
    return Noisy.losses

Noisy.validation_step = L.LightningModule.validation_step
with_us, without_us = losses(logger(log_gradient_norms=True)), losses(False)
assert with_us == without_us and len(with_us) == 16, (with_us, without_us)
"""
    script.run(body)


def _run_alone(body):
    """Run a script that does not begin by importing Lightning and our logger."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", body], env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_and_its_entry_points_imports_no_framework():
    body = """
import sys, runfork_lightning, runfork_torch, runfork_torch.plugin, runfork_lightning.factory
assert runfork_lightning.factory.lightning_callbacks() == [] == runfork_lightning.factory.pytorch_lightning_callbacks()
dir(runfork_lightning)
print({"torch", "lightning", "pytorch_lightning", "numpy"} & set(sys.modules))
"""

    assert "set()\n" == _run_alone(body)


def test_trainer_of_a_program_that_does_not_use_us_gets_no_callback(tmp_path):
    body = """
import sys
for name in [name for name in sys.modules if name.startswith("runfork")]:
    del sys.modules[name]
import pytorch_lightning
trainer = pytorch_lightning.Trainer(logger=False, barebones=True)
print([type(callback).__name__ for callback in trainer.callbacks], "runfork_lightning.logger" in sys.modules)
print("runfork_lightning.factory" in sys.modules)
"""
    script = tmp_path / "script.py"
    script.write_text(body)
    out, _ = user_scripts.finish(user_scripts.start(script, framework="lightning", folder=tmp_path))

    assert ["[] False", "True"] == out.splitlines()[-2:]


def test_missing_framework_names_the_extra():
    body = """
import runfork_lightning.namespaces as namespaces
namespaces.find_spec = lambda name: None
try:
    namespaces.load_classes()
except ImportError as error:
    print(error)
"""

    assert 'pip install "runfork[lightning]"' in _run_alone(body)
