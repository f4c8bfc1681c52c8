"""What resuming a Trainer of transformers makes of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integrations.hf_driver import model
from tests.integrations.tiny_trainer import make

from runfork.errors import RunforkWarning

pytest.importorskip("transformers")


from runfork_hf import RunforkCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore", "error::runfork.errors.RunforkWarning"),
    pytest.mark.usefixtures("in_own_folder"),
]


def test_resume_true_takes_the_last_checkpoint_and_forks(default_history):
    make(num_train_epochs=1).train()
    make(num_train_epochs=2).train(resume_from_checkpoint=True)
    first, second = default_history().runs

    assert default_history().parent(second) == (first, 8)


@pytest.mark.parametrize("every", [3, 5])
def test_a_checkpoint_in_mid_epoch_forks_at_its_step(default_history, every):
    make(save_strategy="steps", save_steps=every, num_train_epochs=1).train()
    make("again", save_strategy="no", num_train_epochs=1).train(
        resume_from_checkpoint=str(Path(f"out/checkpoint-{every}").absolute())
    )
    found = default_history()
    first, second = found.runs

    assert found.parent(second) == (first, every)
    assert list(range(every + 1, 9)) == sorted(found.own_points(second, "train/loss"))


def test_steps_that_were_trained_without_us_in_between_are_imported_and_say_so(default_history):
    make(num_train_epochs=1).train()
    make("middle", callbacks=[], num_train_epochs=2).train(
        resume_from_checkpoint=str(Path("out/checkpoint-8").absolute())
    )
    last = make("last", num_train_epochs=3)
    last.train(resume_from_checkpoint=str(Path("middle/checkpoint-16").absolute()))
    found = default_history()
    first, second = found.runs
    logged = {entry["step"]: entry["loss"] for entry in last.state.log_history if "loss" in entry}

    assert found.parent(second) == (first, 8)
    assert {step: logged[step] for step in range(9, 25)} == found.own_points(second, "train/loss")
    assert found.values(second)["source/imported/first_step"] == 9
    assert found.values(second)["source/imported/last_step"] == 16
    assert found.values(second)["source/imported/from"] == "trainer_state.json"
    assert "source/imported/first_step" not in found.values(first)


def test_a_checkpoint_that_was_trained_without_us_is_adopted_with_its_whole_history(default_history):
    before = make(callbacks=[], num_train_epochs=1)
    before.train()
    make("more", num_train_epochs=2).train(resume_from_checkpoint=str(Path("out/checkpoint-8").absolute()))
    found = default_history()
    (run,) = found.runs
    points = found.points(run, "train/loss")

    assert list(range(1, 17)) == sorted(points)
    assert [entry["loss"] for entry in before.state.log_history if "loss" in entry] == [
        points[step] for step in range(1, 9)
    ]
    assert found.values(run)["source/imported/points"] >= 8
    assert found.values(run)["source/global_step"] == 8


def test_a_disabled_training_in_between_counts_as_untracked(default_history):
    make(num_train_epochs=1).train()
    make("middle", callbacks=[RunforkCallback(mode="disabled")], num_train_epochs=2).train(
        resume_from_checkpoint=str(Path("out/checkpoint-8").absolute())
    )
    make("last", num_train_epochs=3).train(resume_from_checkpoint=str(Path("middle/checkpoint-16").absolute()))
    found = default_history()
    first, second = found.runs

    assert found.parent(second) == (first, 8)
    assert list(range(9, 25)) == sorted(found.own_points(second, "train/loss"))


@pytest.mark.parametrize("restores", [True, False])
def test_resuming_works_whether_or_not_callback_states_are_restored(default_history, restores):
    make(num_train_epochs=1).train()
    callback = RunforkCallback()
    make("more", callbacks=[callback], num_train_epochs=2, restore_callback_states_from_checkpoint=restores).train(
        resume_from_checkpoint=str(Path("out/checkpoint-8").absolute())
    )
    found = default_history()
    first, second = found.runs

    assert found.parent(second) == (first, 8)
    assert callback.run.run_id == second


def test_our_checkpoint_resumes_without_us_and_without_a_warning(caplog):
    make(num_train_epochs=1).train()
    other = make("more", callbacks=[], num_train_epochs=2)
    other.train(resume_from_checkpoint=str(Path("out/checkpoint-8").absolute()))

    assert other.state.global_step == 16
    assert "runfork" not in caplog.text


def _edit_state(folder, change):
    file = Path(folder) / "trainer_state.json"
    state = json.loads(file.read_text())
    change(state)
    file.write_text(json.dumps(state))
    return str(Path(folder).absolute())


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"tool": "another"}, "needs a version"),
        (["a", "list"], "needs a version"),
        ({"version": 99, "run_id": "x"}, "has version 99"),
        ({"version": 1, "run_id": "x", "project": "a/b", "step": "nonsense", "mark": "m"}, "is damaged"),
    ],
)
def test_a_state_that_another_tool_wrote_into_begins_a_new_run_and_says_so_once(default_history, entry, sentence):
    make(callbacks=[], num_train_epochs=1).train()
    checkpoint = _edit_state("out/checkpoint-8", lambda state: state["stateful_callbacks"].update(runfork=entry))
    with pytest.warns(RunforkWarning, match=sentence) as told:
        make("more", num_train_epochs=2).train(resume_from_checkpoint=checkpoint)
    found = default_history()
    (run,) = found.runs

    assert 1 == len([one for one in told if one.category is RunforkWarning])
    assert found.parent(run) is None
    assert list(range(1, 17)) == sorted(found.points(run, "train/loss"))


def test_a_folder_without_a_state_is_refused_by_the_trainer_and_leaves_no_run(default_history):
    make(num_train_epochs=1).train()
    Path("out/checkpoint-8/trainer_state.json").unlink()
    before = default_history().points(default_history().runs[0], "train/loss")
    with pytest.raises(FileNotFoundError):
        make("more", num_train_epochs=2).train(resume_from_checkpoint=str(Path("out/checkpoint-8").absolute()))

    assert 1 == len(default_history().runs)
    assert before == default_history().points(default_history().runs[0], "train/loss")


def test_what_a_fork_no_longer_has_is_gone(default_history):
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True)
    callback = RunforkCallback()
    callback.run.log_configs({"model/note": "mine", "note": "mine"})
    first = make(
        weights=peft.get_peft_model(model(), config),
        callbacks=[callback],
        num_train_epochs=1,
        evaluated=True,
        eval_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        optim="adamw_torch",
        warmup_steps=2,
        max_steps=8,
    )
    first.train()
    plain = RunforkCallback(resume_from="out/checkpoint-8")
    make("more", callbacks=[plain], num_train_epochs=1, optim="sgd").train()
    found = default_history()
    parent, child = (found.values(run) for run in found.runs)

    assert ("eval_loss", 16, "LORA") == tuple(
        parent[path] for path in ("checkpoints/monitor", "data/eval/samples", "peft/default/peft_type")
    )
    gone = ("checkpoints/monitor", "checkpoints/mode", "data/eval/", "peft/", "optimizer/AdamW/")
    assert [] == [path for path in child if path.startswith(gone)]
    assert ("mine", "mine") == (child["model/note"], child["note"])
    assert "optimizer/SGD/lr" in child


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"\xff", b"[1]", b'{"stateful_callbacks": {"runfork": 3}}'])
def test_a_state_that_is_none_says_nothing_of_the_weights_beside_it(default_history, content):
    kind = type(model())
    model().save_pretrained("weights")
    Path("weights/trainer_state.json").write_bytes(content)
    make(weights=kind.from_pretrained("weights"), evaluated=True).evaluate()
    found = default_history()

    assert [0] == sorted(found.points(found.runs[0], "eval/loss"))
