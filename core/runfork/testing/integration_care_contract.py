"""What must not get in the way: the part of the contract for integrations about what fails, is left out, or comes too late."""

from __future__ import annotations

import gc
import shutil
from typing import TYPE_CHECKING

import pytest

from runfork.testing.integration_resume_contract import last_step, steps_until
from runfork.testing.reading import History

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.testing.integration_driver import IntegrationDriver


class CareContract:
    """Descriptions and loads that fail, an argument that is gone, a series that begins late, several optimizers."""

    def test_a_model_that_cannot_be_described_is_trained_marked_and_forked(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1, is_awkward=True, setting=2.0)
        child = driver.train(tmp_path / "child", epochs=2, is_awkward=True, checkpoint=parent.checkpoints[-1])
        history = History(data_directory)

        assert history.values(parent.run_id)[driver.setting] == 2
        assert " failed (" in history.values(parent.run_id)["sys/diagnostics/problems"]
        assert history.parent(child.run_id) == (parent.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))

    def test_an_argument_that_is_gone_from_the_fork_is_gone(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1, setting=2.0)
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[-1])
        history = History(data_directory)

        assert history.values(parent.run_id)[driver.setting] == 2
        assert driver.setting not in history.values(child.run_id)

    def test_after_a_load_that_fails_training_from_the_beginning_is_no_fork(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        spoiled = tmp_path / "elsewhere" / parent.checkpoints[-1].name
        spoiled.parent.mkdir()
        copy = shutil.copytree if parent.checkpoints[-1].is_dir() else shutil.copy
        copy(parent.checkpoints[-1], spoiled)
        driver.spoil(spoiled)
        face = driver.open_face()
        with pytest.raises(Exception):  # noqa: B017, PT011  whatever the framework says of a damaged checkpoint
            driver.train(tmp_path / "failed", epochs=2, checkpoint=spoiled, face=face)
        child = driver.train(tmp_path / "child", epochs=1, face=face, at_step=lambda _: gc.collect())
        history = History(data_directory)

        assert history.parent(child.run_id) is None
        assert steps_until(driver, 1) == sorted(history.points(child.run_id, driver.loss))

    def test_a_fork_has_nothing_of_a_series_that_began_after_the_checkpoint(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        face = driver.open_face()

        def at_step(step: int) -> None:
            if step == driver.steps_per_epoch + 2:
                driver.run_of(face).log_metrics({"on/an_axis_of_its_own": 1.0}, step=0)

        parent = driver.train(tmp_path / "parent", epochs=2, face=face, at_step=at_step)
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[0])
        history = History(data_directory)

        assert {0: 1.0} == history.points(parent.run_id, "on/an_axis_of_its_own")
        assert {} == history.points(child.run_id, "on/an_axis_of_its_own")

    def test_several_optimizers_count_one_step(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        if not driver.takes_several_optimizers:
            pytest.skip("the framework trains with one optimizer")
        parent = driver.train(tmp_path / "parent", epochs=2, optimizers=2)
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[0], optimizers=2)
        history = History(data_directory)

        assert steps_until(driver, 2) == sorted(history.points(parent.run_id, driver.loss))
        assert history.parent(child.run_id) == (parent.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))

    def test_a_run_id_that_stays_the_same_through_a_requeue_hides_no_attempt(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        def at_step(step: int) -> None:
            if step == driver.steps_per_epoch + 4:
                raise ValueError("the node went down")

        with pytest.raises(ValueError, match="the node went down"):
            driver.train(tmp_path / "first", epochs=2, at_step=at_step, run_id="job")
        first = driver.checkpoints(tmp_path / "first")[0]
        second = driver.train(tmp_path / "second", epochs=2, checkpoint=first, run_id="job")
        history = History(data_directory)

        assert second.run_id.startswith("job-")
        assert history.parent(second.run_id) == ("job", last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(second.run_id, driver.loss))
        assert last_step(driver, 1) + 3 == max(history.points("job", driver.loss))
