"""How runs live and end: the part of the contract for integrations that is about processes, failures and costs."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runfork.testing.integration_resume_contract import last_step, steps_until
from runfork.testing.processes import start_driver
from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.testing.integration_driver import IntegrationDriver

RAISES = """
def at_step(step):
    if step == 3:
        raise ValueError("the data ran out")

def train():
    driver.train(Path("parent"), epochs=1, at_step=at_step, run_id="broken")
"""


class LifeContract:
    """Evaluated, trained twice, disabled, distributed, failed; imported; compared with a training without us."""

    def test_an_evaluation_of_a_checkpoint_logs_to_the_run_that_wrote_it(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=2)
        driver.evaluate(tmp_path / "evaluation", parent.checkpoints[0])
        history = History(data_directory)

        assert [parent.run_id] == history.runs
        assert last_step(driver, 1) in history.points(parent.run_id, driver.evaluated)
        assert history.values(parent.run_id)["sys/state"] == "finished"

    def test_a_second_training_in_the_process_is_a_run_of_its_own(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        first = driver.train(tmp_path / "first", epochs=2)
        second = driver.train(tmp_path / "second", epochs=1, face=first.face)
        history = History(data_directory)

        assert [first.run_id, second.run_id] == history.runs
        assert history.parent(second.run_id) is None
        assert steps_until(driver, 2) == sorted(history.points(first.run_id, driver.loss))
        assert steps_until(driver, 1) == sorted(history.points(second.run_id, driver.loss))
        assert {"finished"} == {history.values(run)["sys/state"] for run in history.runs}

    def test_what_has_ended_is_closed_where_the_next_training_or_evaluation_of_the_process_begins(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        first = driver.train(tmp_path / "first", epochs=1)
        for run_id in ("scores", "others"):
            driver.evaluate(tmp_path / run_id, first.checkpoints[0], run_id=run_id)
        before, history = _open_runs(data_directory), History(data_directory)
        second = driver.train(tmp_path / "second", epochs=1)

        assert before <= {"others"}
        assert {"finished"} == {history.values(run)["sys/state"] for run in history.runs}
        assert _open_runs(data_directory) <= {second.run_id}

    def test_going_back_to_a_checkpoint_in_the_process_forks(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        first = driver.train(tmp_path / "first", epochs=2)
        second = driver.train(tmp_path / "second", epochs=2, checkpoint=first.checkpoints[0], face=first.face)
        history = History(data_directory)

        assert [first.run_id, second.run_id] == history.runs
        assert history.parent(second.run_id) == (first.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(first.run_id, driver.loss))
        assert steps_until(driver, 2) == sorted(history.points(second.run_id, driver.loss))

    def test_disabled_mode_leaves_nothing_on_disk_and_trains(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        trained = driver.train(tmp_path / "first", epochs=1, mode="disabled")
        resumed = driver.train(tmp_path / "second", epochs=2, checkpoint=trained.checkpoints[-1], mode="disabled")

        assert driver.steps_per_epoch == len(trained.losses) == len(resumed.losses)
        assert not data_directory.exists()

    def test_two_ranks_make_one_run(self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        processes = [
            start_driver(
                driver,
                'driver.train(Path("saved"), epochs=1, run_id="shared")',
                tmp_path,
                RANK=str(rank),
                LOCAL_RANK=str(rank),
                GROUP_RANK="0",
                WORLD_SIZE="2",
                LOCAL_WORLD_SIZE="2",
                MASTER_ADDR="127.0.0.1",
                MASTER_PORT=port,
                TORCHELASTIC_RUN_ID="test",
            )
            for rank in (0, 1)
        ]
        endings = [(process.communicate(timeout=HANG_SECONDS)[1], process.returncode) for process in processes]
        history = History(data_directory)

        assert [0, 0] == [code for _, code in endings], endings
        assert ["shared"] == history.runs
        assert 1 == len(list((data_directory / "tests" / "project" / "shared").glob("*.journal")))
        assert driver.first_step in history.points("shared", driver.loss)

    def test_an_exception_that_ends_the_program_stands_in_the_run(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        process = start_driver(driver, f"{RAISES}\ntrain()", tmp_path)
        _, errors = process.communicate(timeout=HANG_SECONDS)
        values = History(data_directory).values("broken")

        assert process.returncode == 1
        assert "the data ran out" in errors
        assert values["sys/state"] == "failed"
        assert "ValueError: the data ran out" in values["sys/exception"]

    def test_after_an_exception_that_the_program_catches_the_next_training_is_a_run_of_its_own(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        def at_step(step: int) -> None:
            if step == 3:
                raise ValueError("the data ran out")

        with pytest.raises(ValueError, match="the data ran out"):
            driver.train(tmp_path / "first", epochs=1, at_step=at_step, run_id="broken")
        second = driver.train(tmp_path / "second", epochs=1)
        history = History(data_directory)

        assert ["broken", second.run_id] == history.runs
        if driver.says_when_it_ended:
            assert history.values("broken")["sys/state"] == "failed"
        assert history.values(second.run_id)["sys/state"] == "finished"
        assert [driver.first_step, driver.first_step + 1] == sorted(history.points("broken", driver.loss))

    def test_an_exception_that_the_program_catches_before_it_ends_leaves_a_failed_run(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        code = f"{RAISES}\ntry:\n    train()\nexcept ValueError:\n    print('caught')"
        process = start_driver(driver, code, tmp_path)
        out, errors = process.communicate(timeout=HANG_SECONDS)
        values = History(data_directory).values("broken")

        assert ("caught", 0) == (out.split()[-1], process.returncode), errors
        assert values["sys/state"] == ("failed" if driver.says_when_it_ended else "finished")
        assert ("sys/exception" in values) is driver.says_when_it_ended

    def test_importing_the_integration_imports_no_framework(
        self, driver: IntegrationDriver, data_directory: Path
    ) -> None:
        del data_directory
        names = [*driver.packages, *(f"{package}.plugin" for package in driver.packages)]
        code = (
            "import sys, importlib, importlib.util as u\n"
            f"for name in {names!r}:\n"
            "    if u.find_spec(name): dir(importlib.import_module(name))\n"
            f"print(sorted({set(driver.frameworks)!r} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=HANG_SECONDS
        )

        assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr

    def test_losses_are_the_same_with_us_and_without(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        del data_directory
        without = driver.train(tmp_path / "without", epochs=2, is_tracked=False)
        tracked = driver.train(tmp_path / "tracked", epochs=2)
        resumed_without = driver.train(
            tmp_path / "resumed_without", epochs=3, checkpoint=without.checkpoints[0], is_tracked=False
        )
        resumed = driver.train(tmp_path / "resumed", epochs=3, checkpoint=tracked.checkpoints[0])

        assert without.losses == tracked.losses
        assert resumed_without.losses == resumed.losses


def _open_runs(directory: Path) -> set[str]:
    """Return the runs that a process would close when it ends."""
    writers = History(directory).project.index.writers()
    return {journal.run_id for journal, writer in writers.items() if not writer.is_closed}
