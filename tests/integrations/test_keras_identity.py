"""The identity rides in Keras' own files, and the model is as it would be without it."""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import json
import pickle
import sys
import weakref
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from runfork.writing.run import Run
from runfork_keras.checkpoint_files import find_mark_in_checkpoint

tiny = pytest.importorskip("tests.integrations.tiny_keras")
keras = tiny.keras
Callback: Any = keras.callbacks.Callback

pytestmark = pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning")

MAKERS = [tiny.sequential, tiny.functional, tiny.subclassed]


@pytest.fixture(autouse=True)
def _project(store, monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJECT", "test/tiny")


def trained(make=tiny.sequential, *, is_tracked=True, **options):
    model = tiny.model(make)
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="parent", **options)] if is_tracked else [])
    return model


def mark_of(file) -> Any:
    found = find_mark_in_checkpoint(file)
    assert found is not None
    return found


def looks(model):
    """Return everything in which a user could see a difference."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        model.summary()
    return {
        "summary": printed.getvalue(),
        "config": json.dumps(model.to_json()) if not isinstance(model, tiny.Subclassed) else None,
        "layers": [layer.name for layer in model.layers],
        "weights": [weight.tolist() for weight in model.get_weights()],
        "variables": [variable.path for variable in model.variables],
        "trainable": model.count_params(),
        "sublayers": [layer.name for layer in model._flatten_layers()],
    }


@pytest.mark.parametrize("make", MAKERS)
def test_model_looks_the_same_with_an_identity(make):
    keras.backend.clear_session()
    without = looks(trained(make, is_tracked=False))
    keras.backend.clear_session()
    tracked = looks(trained(make))

    assert without == tracked


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "copy_of", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)), keras.models.clone_model]
)
def test_copies_of_a_model_work_and_have_no_identity_of_their_own(make, copy_of, history):
    model = copy_of(trained(make))
    model.compile(optimizer="sgd", loss="mse")
    tiny.fit(model, epochs=1)
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="child")])

    assert ["parent", "child"] == history().runs
    assert history().parent("child") is None


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("file", ["model.keras", "only.weights.h5"])
def test_files_load_in_a_program_without_us_and_the_other_way_round(make, file):
    model = trained(make)
    without = trained(make, is_tracked=False)
    for one, name in ((model, "with-"), (without, "without-")):
        (one.save_weights if file.endswith("h5") else one.save)(name + file)
    fresh, met = tiny.model(make, seed=3), tiny.model(make, seed=3)
    tiny.callback().set_model(met)
    fresh.load_weights("with-" + file)
    met.load_weights("without-" + file)

    for expected, actual in ((model, fresh), (without, met)):
        assert all(np.array_equal(a, b) for a, b in zip(expected.get_weights(), actual.get_weights(), strict=True))


@pytest.mark.parametrize("make", MAKERS)
def test_whole_models_load_with_their_optimizer(make):
    model = trained(make)
    model.save("model.keras")
    loaded = keras.models.load_model("model.keras")

    assert 8 == int(loaded.optimizer.iterations)
    assert all(
        np.array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))
        for a, b in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True)
    )
    assert mark_of("model.keras")["step"] == "8"


@pytest.mark.parametrize("file", ["model.keras", "only.weights.h5"])
def test_mark_is_found_without_keras(file):
    model = trained()
    (model.save_weights if file.endswith("h5") else model.save)(file)
    mark = mark_of(file)

    assert ("test/tiny", "parent", "8", 0) == tuple(mark[name] for name in ("project", "run_id", "step", "epoch"))
    assert mark["fingerprint"]


def test_mark_is_found_in_directories_and_shards():
    model = trained()
    Path("backup").mkdir()
    model.save_weights("backup/latest.weights.h5")
    with contextlib.suppress(TypeError):  # before Keras 3.10
        model.save_weights("sharded.weights.json", max_shard_size=1)

    assert "parent" == mark_of("backup")["run_id"]
    if Path("sharded.weights.json").exists():
        assert "parent" == mark_of("sharded.weights.json")["run_id"]


def test_files_of_others_hold_no_mark(tmp_path):
    trained(is_tracked=False).save("without.keras")
    Path("text.txt").write_text("text")
    Path("empty").write_bytes(b"")
    (tmp_path / "directory").mkdir()
    with h5py.File("other.h5", "w") as file:
        file["x"] = [1, 2]

    assert [None] * 5 == [
        find_mark_in_checkpoint(name) for name in ("without.keras", "text.txt", "empty", "directory", "other.h5")
    ]


@pytest.mark.parametrize("damage", [b"{not json", b"[1, 2]", b"\xff\xfe", bytes(2**21)])
def test_damaged_mark_is_told_and_the_weights_load(damage, caplog, history):
    trained().save_weights("only.weights.h5")
    with h5py.File("only.weights.h5", "a") as file:
        del file["_runfork_identity/vars/mark"]
        file["_runfork_identity/vars/mark"] = np.frombuffer(damage, dtype=np.uint8)
    own, model = tiny.callback(run_id="child"), tiny.model(seed=2)
    own.set_model(model)
    model.load_weights("only.weights.h5")
    tiny.fit(model, epochs=1, callbacks=[own])
    found = history()

    assert found.parent("child") is None
    assert [1, 8] == [min(found.points("child", "batch/loss")), max(found.points("child", "batch/loss"))]
    with pytest.raises(ValueError, match=r"damaged|Expecting|decode"):
        find_mark_in_checkpoint("only.weights.h5")


def test_model_saved_before_any_training_holds_no_mark():
    model = tiny.model()
    tiny.callback().set_model(model)
    model.save("model.keras")

    assert find_mark_in_checkpoint("model.keras") is None
    assert keras.models.load_model("model.keras").built


def test_save_when_training_begins_does_no_harm(history):
    class Early(Callback):  # type: ignore[misc]
        def on_train_begin(self, logs=None):
            self.model.save("early.keras")

        def on_epoch_begin(self, epoch, logs=None):
            self.model.save("begun.keras")

    tiny.fit(tiny.model(), epochs=1, callbacks=[tiny.callback(run_id="parent"), Early()])

    assert find_mark_in_checkpoint("early.keras") is None
    assert "0" == mark_of("begun.keras")["step"]
    assert [*range(1, 9)] == sorted(history().points("parent", "batch/loss"))


def test_model_saved_after_the_callback_is_gone_still_says_where_it_comes_from():
    own, model = tiny.callback(run_id="parent"), tiny.model()
    tiny.fit(model, epochs=1, callbacks=[own])
    gone = weakref.ref(own)
    del own
    gc.collect()
    model.save("model.keras")

    assert gone() is None
    assert ("parent", "8") == tuple(mark_of("model.keras")[name] for name in ("run_id", "step"))


def test_model_within_another_is_saved_and_loaded_as_a_part_of_it(history):
    inner = trained()
    outer = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(1)])
    outer.compile(optimizer="sgd", loss="mse")
    tiny.fit(outer, epochs=1)
    outer.save("outer.keras")
    before = outer.predict(tiny.data()[0], verbose=0)
    again = keras.models.load_model("outer.keras")

    assert find_mark_in_checkpoint("outer.keras") is None
    assert np.array_equal(before, again.predict(tiny.data()[0], verbose=0))
    tiny.fit(outer, epochs=1, callbacks=[tiny.callback(run_id="outer")])
    outer.save("outer.keras")
    assert "outer" == mark_of("outer.keras")["run_id"]


def test_nothing_is_put_into_files_where_nothing_is_logged(store):
    trained(mode="disabled").save("model.keras")

    assert find_mark_in_checkpoint("model.keras") is None
    assert not store.exists()


def test_callback_keeps_neither_a_model_nor_what_its_caller_has_dropped(history):
    class Data:
        pass

    own = tiny.callback(run_id="only")

    def train():
        data = Data()
        found, model = weakref.ref(data), tiny.model()
        tiny.fit(model, epochs=1, callbacks=[own, keras.callbacks.ModelCheckpoint("1.keras")])
        model.save("2.keras")
        del data
        gc.collect()
        return found() is None, weakref.ref(model)

    is_dropped, model = train()
    keras.backend.clear_session()
    gc.collect()

    assert is_dropped
    assert model() is None
    assert own.model is None
    assert 2 == len(history().points("only", "checkpoints/path"))


def test_callback_keeps_no_model_whose_training_broke_off(history):
    class Stop(Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise RuntimeError("stop")

    own = tiny.callback(run_id="only")

    def train():
        model = tiny.model()
        with contextlib.suppress(RuntimeError):
            saver = keras.callbacks.ModelCheckpoint("{batch}.keras", save_freq=2)
            tiny.fit(model, epochs=1, callbacks=[own, saver, Stop()])
        return weakref.ref(model)

    model = train()
    gc.collect()

    assert model() is None


@pytest.mark.parametrize("what", ["trainable_variables", "dtype_policy"])
def test_a_model_that_cannot_be_described_costs_that_alone(history, caplog, what):
    class Odd(tiny.Subclassed):  # type: ignore[misc, name-defined]
        is_odd = False

        def __getattribute__(self, name):
            if name == what and object.__getattribute__(self, "is_odd") and _is_asked_by_us():
                raise RuntimeError("no such thing")
            return super().__getattribute__(name)

    model = tiny.model(Odd)
    model(np.zeros((1, 4), "float32"))
    Odd.is_odd = True
    tiny.fit(model, epochs=1, callbacks=[tiny.callback(run_id="parent")])
    model.save_weights("model.weights.h5")
    Odd.is_odd = False
    found = history()

    assert "parent" == (find_mark_in_checkpoint("model.weights.h5") or {})["run_id"]
    assert "Adam" in found.values("parent")["optimizer/Adam/type"]
    assert "failed (RuntimeError: no such thing)" in caplog.text


def test_an_optimizer_that_does_not_tell_its_settings_costs_these_alone_and_is_named(history, caplog):
    class Odd(keras.optimizers.SGD):  # type: ignore[misc, name-defined]
        def get_config(self):
            raise RuntimeError("no such thing")

    tiny.fit(tiny.model(optimizer=Odd()), epochs=1, callbacks=[tiny.callback(run_id="parent")])
    values = history().values("parent")

    assert values["optimizer/Odd/type"].endswith("Odd")
    assert "optimizer/Odd/momentum" not in values
    assert 8.0 == values["fit/epochs"] * values["data/train/batches"]
    assert "get_config of Odd failed (RuntimeError: no such thing)" in caplog.text
    assert "get_compile_config of the model failed (RuntimeError: no such thing)" in caplog.text


def _is_asked_by_us():
    return sys._getframe(2).f_globals["__name__"].startswith("runfork_keras")


def test_every_file_is_journaled_with_the_step_at_which_it_was_written(history):
    callbacks = [
        keras.callbacks.ModelCheckpoint("{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=3),
        tiny.callback(run_id="parent"),
    ]
    tiny.fit(tiny.model(), epochs=2, callbacks=callbacks)
    steps = {file.name: mark_of(file)["step"] for file in Path().glob("*.weights.h5")}

    assert {"1-3": "3", "1-6": "6", "2-1": "9", "2-4": "12", "2-7": "15"} == {
        name.removesuffix(".weights.h5"): step for name, step in steps.items()
    }
    assert [3, 6, 9, 12, 15] == sorted(history().points("parent", "checkpoints/path"))
    assert [3, 6, 9, 12, 15] == sorted(history().points("parent", "checkpoints/size_bytes"))


def test_file_of_a_training_that_is_stopped_within_its_epoch_is_noted(history):
    class Stop(Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 5:
                raise RuntimeError("out of memory")

    saver = keras.callbacks.ModelCheckpoint("{batch}.weights.h5", save_weights_only=True, save_freq=3)
    with pytest.raises(RuntimeError):
        tiny.fit(tiny.model(), epochs=1, callbacks=[tiny.callback(run_id="only"), saver, Stop()])

    assert [3] == sorted(history().points("only", "checkpoints/path"))


def test_file_that_is_not_copied_is_told(history, caplog):
    own, model = tiny.callback(run_id="only", log_checkpoint_files=True), tiny.model()
    tiny.fit(model, epochs=1, callbacks=[own, keras.callbacks.ModelCheckpoint("1.keras")])
    assert "the checkpoint" not in caplog.text
    model.save("last.keras")

    assert [8] == sorted(history().points("only", "checkpoints/file"))
    assert "last.keras' is still being written: it is not copied into the run" in caplog.text


def test_file_that_is_gone_when_it_is_measured_is_told(history, caplog):
    class Remove(Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch, logs=None):
            self.model.save("1.keras")
            Path("1.keras").unlink()

    tiny.fit(tiny.model(), epochs=1, callbacks=[Remove(), tiny.callback(run_id="only")])

    assert [8] == sorted(history().points("only", "checkpoints/path"))
    assert "1.keras' is not there yet, or not any more: it is not measured" in caplog.text


def test_arguments_travel_with_copies_that_make_runs_of_their_own(history):
    own = tiny.callback(experiment_name="search", tags=["trial"])
    with Run("given", run_id="given") as run:
        given = tiny.callback(run=run)
        copies = [copy.deepcopy(own), pickle.loads(pickle.dumps(own))]
        assert copy.deepcopy(given).run_id not in ("given", pickle.loads(pickle.dumps(given)).run_id)
    for one in copies:
        tiny.fit(tiny.model(), epochs=1, callbacks=[one])
    found = history()

    trials = set(found.runs) - {"given"}

    assert 2 == len(trials)
    assert own.run_id not in trials
    assert {"search"} == {found.values(run)["sys/name"] for run in trials}
    assert {frozenset({"trial"})} == {found.values(run)["sys/tags"] for run in trials}
