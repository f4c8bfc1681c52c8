"""What the Keras callback logs by itself, and that the documents say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations.documented import not_logged, types_of, undocumented

from runfork.testing.reading import History

tiny = pytest.importorskip("tests.integrations.tiny_keras")
keras = tiny.keras

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")

FRAMEWORK = "Keras"
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
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=1, decay_rate=0.5)
        model = tiny.model(
            optimizer=keras.optimizers.SGD(schedule, momentum=0.9), loss_weights=[0.5], weighted_metrics=["mse"]
        )
        own = tiny.callback(experiment_name="all", run_id="all", tags=["a"], log_checkpoint_files=True)
        saver = keras.callbacks.ModelCheckpoint(folder / "{epoch}.keras", monitor="val_loss", save_best_only=True)
        tiny.fit(model, validation_data=tiny.data(16), callbacks=[own, saver])
        model.evaluate(*tiny.data(16), verbose=0, callbacks=[own])
        model.save(folder / "last.keras")
        own.run.close()
        return History(folder / "data")


def test_every_attribute_that_is_logged_is_documented_with_its_type(everything):
    assert [] == undocumented(types_of(everything, "all"), FRAMEWORK, own=OWN)


def test_every_attribute_that_is_documented_is_logged(everything):
    elsewhere = {"source/*", "sys/exception", "sys/resume/suggestion"}

    assert [] == not_logged(types_of(everything, "all"), FRAMEWORK, elsewhere=elsewhere)


def test_values_are_those_of_the_training(everything):
    values = everything.values("all")
    expected = {
        "fit/epochs": 2,
        "fit/batch_size": 8,
        "fit/initial_epoch": 0,
        "fit/shuffle": False,
        "data/train/samples": 64,
        "trainer/callbacks": frozenset({"ModelCheckpoint"}),
        "keras/backend": keras.backend.backend(),
        "compile/loss": "mse",
        "compile/loss_weights": "[0.5]",
        "compile/metrics": frozenset({"mae"}),
        "model/class": "Sequential",
        "model/parameters/total": 19,
        "model/parameters/size_bytes": 76,
        "optimizer/SGD/momentum": 0.9,
        "optimizer/SGD/schedule/decay_rate": 0.5,
        "checkpoints/monitor": "val_loss",
        "checkpoints/saver": "ModelCheckpoint",
        "sys/integration/name": "keras",
        "sys/integration/version": keras.__version__,
        "sys/name": "all",
        "sys/tags": frozenset({"a"}),
    }

    assert expected == {path: values[path] for path in expected}
    assert "dense" in values["model/summary"]


def test_series_stand_at_the_steps_of_the_optimizer(everything):
    assert [8, 16] == sorted(everything.points("all", "val/loss"))
    assert [16] == sorted(everything.points("all", "test/loss"))
    assert list(range(1, 17)) == sorted(everything.points("all", "throughput/samples_per_second"))
    paths = [Path(path).name for _, path in sorted(everything.points("all", "checkpoints/path").items())]
    assert ["1.keras", "2.keras", "last.keras"] == paths
    scores = everything.points("all", "checkpoints/best_model_score")
    assert scores[8] == pytest.approx(everything.points("all", "val/loss")[8])
