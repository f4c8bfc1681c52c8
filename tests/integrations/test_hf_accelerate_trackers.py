"""How the tracker for Accelerate lives: copies, several Accelerators and processes, and its end."""

from __future__ import annotations

import copy
import gc
import pickle
import socket
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from runfork.testing.processes import start_driver
from runfork.testing.reading import History

pytest.importorskip("accelerate")

from accelerate import Accelerator
from accelerate.state import GradientState
from tests.integrations.accelerate_driver import AccelerateDriver, open_accelerator
from tests.integrations.accelerate_loop import LOSS, begin, needs_names, trained

from runfork.testing.waits import HANG_SECONDS
from runfork_hf import RunforkTracker
from runfork_hf.accelerate.state_file import find_mark_in_state

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tracker_logs_on_when_its_accelerator_is_gone(data_directory):
    loop = begin()
    loop.epoch()
    tracker, run_id = loop.tracker, loop.run_id
    del loop
    gc.collect()
    tracker.log({LOSS: 0.5}, step=9)
    tracker.tracker.log_metrics({"own": 1.0}, step=9)
    tracker.finish()
    history = History(data_directory)

    assert list(history.points(run_id, LOSS)) == list(range(1, 10))
    assert history.points(run_id, "own") == {9: 1.0}
    assert history.values(run_id)["sys/state"] == "finished"


@pytest.mark.parametrize("starts", [True, False], ids=["as now", "as older versions"])
@pytest.mark.parametrize("config", [None, {"lr": 0.1}], ids=["no config", "config"])
def test_a_tracker_goes_on_with_another_accelerator(data_directory, tmp_path, monkeypatch, starts, config):
    if not starts:
        monkeypatch.setattr(RunforkTracker, "_start_is_called", False)
        monkeypatch.setattr(RunforkTracker, "start", lambda _: None)
    tracker = RunforkTracker("tiny")
    loops = []
    for number in range(2):
        loop = begin(open_accelerator(tracker), inits=False)
        loop.accelerator.init_trackers("tiny", config=config)
        loop.progress.step = 8 * number
        loop.epoch()
        loops.append(loop)
    state = loops[1].save(tmp_path / "state")

    assert find_mark_in_state(state) is not None
    assert list(History(data_directory).points(loops[0].run_id, LOSS)) == list(range(1, 17))


@pytest.mark.parametrize("copy_of", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_an_accelerator_can_be_copied_and_its_copy_goes_on(data_directory, tmp_path, copy_of):
    GradientState._reset_state()  # it remembers the loaders of epochs that were left, which nothing can copy
    loop = begin()
    loop.epoch()
    other = copy_of(loop.accelerator)
    other.log({"from/the_copy": 1.0}, step=8)
    other.save_state(str(tmp_path / "copied"))
    other.end_training()
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert [loop.run_id] == history.runs
    assert {8: 1.0} == history.points(loop.run_id, "from/the_copy")
    assert list(range(1, 17)) == sorted(history.points(loop.run_id, LOSS))
    assert {"run_id": loop.run_id, "step": "8"}.items() <= dict(find_mark_in_state(tmp_path / "copied") or {}).items()


def test_another_accelerator_that_trains_does_not_end_an_evaluation(data_directory, tmp_path):
    parent = trained(tmp_path)
    evaluated, other = begin(), begin()
    evaluated.accelerator.load_state(str(tmp_path / "1"))
    other.epoch()
    evaluated.model.eval()
    evaluated.accelerator.log({"val/loss": 1.0})
    evaluated.accelerator.end_training()
    other.accelerator.end_training()
    history = History(data_directory)

    assert {8: 1.0} == history.own_points(parent.run_id, "val/loss")
    assert list(range(1, 9)) == sorted(history.points(other.run_id, LOSS))


class _Owner(Accelerator):  # type: ignore[misc]
    """As trainers have that bring their own: it counts for itself, and logs through methods of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.logged = 0

    def log(self, values: Any, step: Any = None, log_kwargs: Any = None) -> None:
        self.logged += 1
        super().log({f"objective/{name}": value for name, value in values.items()}, step, log_kwargs or {})


def test_a_subclass_of_the_accelerator_forks_too(data_directory, tmp_path):
    parent = trained(tmp_path)
    loop = begin(_Owner(cpu=True, log_with=RunforkTracker("tiny")))
    loop.accelerator.load_state(str(tmp_path / "1"))
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert (parent.run_id, 8) == history.parent(loop.run_id)
    assert list(range(9, 17)) == sorted(history.points(loop.run_id, f"objective/{LOSS}"))


def test_what_a_caller_drops_is_dropped(data_directory, tmp_path):
    class Big:
        pass

    state = str(tmp_path / "state")

    def train() -> Any:
        big = Big()
        found = weakref.ref(big)
        loop = begin()
        loop.epoch()
        loop.save(tmp_path / "state")
        loop.accelerator.load_state(state)
        loop.epoch()
        del big
        gone = found() is None
        loop.accelerator.end_training()
        return gone

    assert train()


def test_an_exception_on_its_way_through_end_training_stands_in_the_run(data_directory):
    loop = begin()
    loop.epoch()

    def fail() -> None:
        try:
            raise ValueError("the data ran out")
        finally:
            loop.accelerator.end_training()

    with pytest.raises(ValueError, match="the data ran out"):
        fail()
    values = History(data_directory).values(loop.run_id)

    assert "failed" == values["sys/state"]
    assert "the data ran out" in values["sys/exception"]


def test_what_is_logged_after_the_end_stays_in_the_run(data_directory):
    loop = begin()
    loop.epoch()
    loop.accelerator.end_training()
    loop.accelerator.log({"test/acc": 0.5}, step=8)
    loop.accelerator.end_training()
    history = History(data_directory)

    assert [loop.run_id] == history.runs
    assert {8: 0.5} == history.points(loop.run_id, "test/acc")


@needs_names
def test_trackers_made_again_by_name_replace_each_other(data_directory):
    loop = begin()
    for _ in range(2):
        loop.epoch()
        loop.accelerator.end_training()
        loop.accelerator.init_trackers("again")
    loop.epoch()
    loop.accelerator.end_training()
    history = History(data_directory)

    assert 3 == len(history.runs)
    assert [8, 8, 8] == [len(history.own_points(run, LOSS)) for run in history.runs]
    assert {"finished"} == {history.values(run)["sys/state"] for run in history.runs}


def run_two_ranks(code: str, folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ranks = [
        start_driver(AccelerateDriver(), code, folder, RANK=str(rank), LOCAL_RANK=str(rank), **common)
        for rank in (0, 1)
    ]
    endings = [(process.communicate(timeout=HANG_SECONDS)[1], process.returncode) for process in ranks]

    assert [0, 0] == [code for _, code in endings], endings


def test_two_ranks_fork_once(data_directory, tmp_path):
    run_two_ranks('driver.train(Path("parent"), epochs=1, run_id="parent")', tmp_path)
    run_two_ranks(
        """
        driver.train(Path("child"), epochs=2, checkpoint=Path("parent/state_1"), run_id="child")
        """,
        tmp_path,
    )
    history = History(data_directory)

    assert {"parent", "child"} == set(history.runs)
    assert ("parent", 8) == history.parent("child")
    assert list(range(9, 17)) == sorted(history.own_points("child", LOSS))
    assert 2 == history.values("child")["accelerate/num_processes"]


def test_on_other_ranks_a_tracker_does_nothing(data_directory, tmp_path):
    run_two_ranks(
        """
        from runfork_hf import RunforkTracker
        from tests.integrations.accelerate_driver import open_accelerator
        tracker = RunforkTracker("tiny", run_id="shared")
        accelerator = open_accelerator(tracker)
        accelerator.init_trackers("tiny")
        tracker.tracker.log_configs({f"rank_{accelerator.process_index}": 1})
        tracker.log({"loss": accelerator.process_index}, step=1)
        accelerator.end_training()
        """,
        tmp_path,
    )
    history = History(data_directory)

    assert ["shared"] == history.runs
    assert {1: 0} == history.points("shared", "loss")
    assert "rank_1" not in history.values("shared")
