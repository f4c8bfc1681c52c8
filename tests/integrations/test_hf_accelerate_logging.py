"""What the tracker for Accelerate logs, and how it is found."""

from __future__ import annotations

import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest

from runfork import Run
from runfork.errors import RunforkWarning
from runfork.testing.reading import History

pytest.importorskip("accelerate")

from accelerate import Accelerator
from tests.integrations.accelerate_driver import AccelerateDriver, open_accelerator
from tests.integrations.accelerate_loop import LOSS, begin, needs_names
from tests.integrations.documented import not_logged, types_of, undocumented

from runfork.testing.waits import HANG_SECONDS
from runfork_hf import RunforkTracker, register
from runfork_hf.accelerate.state_file import find_mark_in_state


@needs_names
def test_the_name_alone_logs_and_forks(data_directory, tmp_path):
    register()
    register()
    runs: list[str] = []
    for _ in range(2):
        accelerator = Accelerator(cpu=True, log_with="runfork")
        loop = begin(accelerator, inits=False)
        accelerator.init_trackers("my project")
        if runs:
            accelerator.load_state(str(tmp_path / "state"))
        loop.epoch()
        loop.save(tmp_path / "state")
        runs.append(loop.run_id)
        accelerator.end_training()
    history = History(data_directory)

    assert runs == history.runs
    assert (runs[0], 8) == history.parent(runs[1])
    assert "my project" == history.values(runs[1])["sys/name"]
    assert list(range(1, 17)) == sorted(history.points(runs[1], LOSS))


def test_configs_and_what_was_prepared_are_logged(data_directory, tmp_path):
    accelerator = open_accelerator(tags=["one"])
    loop = begin(accelerator, inits=False)
    config = vars(SimpleNamespace(lr=0.5, model={"depth": 2}, names=None, hub_token="verysecret", max_tokens=5))
    accelerator.init_trackers("tiny", config=config, init_kwargs={"runfork": {"tags": ["one"]}})
    loop.epoch()
    accelerator.end_training()
    values = History(data_directory).values(loop.run_id)

    assert (0.5, 2, None) == tuple(values[f"hparams/{name}"] for name in ("lr", "model/depth", "names"))
    assert ("****", 5) == (values["hparams/hub_token"], values["hparams/max_tokens"])
    assert ("accelerate", 1, "no") == (
        values["sys/integration/name"],
        values["accelerate/num_processes"],
        values["accelerate/mixed_precision"],
    )
    assert (49, 0.1) == (values["model/parameters/total"], values["optimizer/SGD/lr"])
    assert "finished" == values["sys/state"]


def test_secrets_among_the_configs_are_masked(data_directory):
    loop = begin(inits=False)
    config = {"hub_token": "hf_verysecretverysecret", "db": "postgres://me:verysecret@host/x", "bos_token": "<s>"}
    loop.accelerator.init_trackers("tiny", config=config)
    loop.accelerator.end_training()
    values = History(data_directory).values(loop.run_id)

    assert "verysecret" not in str(values)
    assert ("****", "<s>") == (values["hparams/hub_token"], values["hparams/bos_token"])


def test_texts_and_nested_values_are_logged_and_steps_are_counted_where_none_is_given(data_directory):
    loop = begin()
    loop.accelerator.log({"loss": 3, "note": "begun", "val": {"acc": 0.5, "text": "fine"}})
    loop.accelerator.log({"loss": 2})
    loop.accelerator.log({"loss": 1}, step=10)
    loop.accelerator.log({"loss": 0})
    loop.accelerator.end_training()
    history = History(data_directory)

    assert {0: 3, 1: 2, 10: 1, 11: 0} == history.points(loop.run_id, "loss")
    assert ({0: "begun"}, {0: 0.5}, {0: "fine"}) == tuple(
        history.points(loop.run_id, path) for path in ("note", "val/acc", "val/text")
    )


def test_unwrapped_tracker_is_a_run_whose_steps_count_for_checkpoints(data_directory, tmp_path):
    loop = begin()
    run = loop.accelerator.get_tracker("runfork", unwrap=True)
    run.log_metrics({"own": 1}, step=5)
    run.add_tags(["mine"])
    state = loop.save(tmp_path / "state")
    loop.accelerator.end_training()

    assert isinstance(run, Run)
    assert {"step": "5", "run_id": run.run_id}.items() <= dict(find_mark_in_state(state) or {}).items()
    assert {"mine"} == set(History(data_directory).values(loop.run_id)["sys/tags"])


def test_a_run_that_is_open_already_is_used_and_left_open(data_directory, open_run):
    run = open_run("mine", run_id="mine")
    loop = begin(run=run)
    loop.epoch()
    loop.accelerator.end_training()

    assert not run.is_closed
    assert list(range(1, 9)) == sorted(History(data_directory).points("mine", LOSS))


def test_images_are_refused_in_a_sentence(caplog):
    loop = begin()
    for _ in range(2):
        loop.accelerator.get_tracker("runfork").log_images({"image": []}, step=1)

    assert 1 == caplog.text.count("images and tables are logged as files")
    loop.accelerator.end_training()


def test_a_value_that_cannot_be_logged_does_not_stop_the_training(data_directory):
    loop = begin()
    with pytest.warns(RunforkWarning, match="must be one number"):
        loop.accelerator.log({"loss": object(), "good": 1}, step=1)
    loop.accelerator.log({"good": 2}, step="two")
    loop.accelerator.log({"good": 2}, step=float("inf"))
    loop.accelerator.log({"good": 3}, step=3)
    loop.accelerator.end_training()

    assert {1: 1, 3: 3} == History(data_directory).points(loop.run_id, "good")


def test_without_accelerate_the_message_names_the_extra():
    code = "import sys; sys.modules['accelerate'] = None\nfrom runfork_hf import RunforkTracker"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=HANG_SECONDS
    )

    assert 'pip install "runfork[hf]"' in done.stderr.splitlines()[-1]


def test_a_tracker_that_no_accelerator_calls_says_what_is_missing(data_directory, caplog):
    caplog.set_level(logging.WARNING)
    tracker = RunforkTracker("alone")
    tracker.log({"loss": 1.0}, step=1)
    tracker.log({"loss": 2.0}, step=2)
    tracker.finish()

    assert 1 == caplog.text.count("call runfork_hf.track(accelerator)")
    assert {1: 1.0, 2: 2.0} == History(data_directory).points(tracker.runs.run_id, "loss")


def test_what_is_logged_by_itself_is_what_the_documents_list(data_directory, tmp_path):
    trained = AccelerateDriver().train(tmp_path)
    types = types_of(History(data_directory), trained.run_id)

    assert [] == undocumented(types, "Accelerate", own=("train/", "sys/", "runtime/", "source_code/"))
    assert [] == not_logged(types, "Accelerate", elsewhere={"source/*", "sys/resume/suggestion", "sys/exception"})
