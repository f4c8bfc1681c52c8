"""What loading a checkpoint makes of the run: the part of the contract for integrations that is about lineage."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import RunforkWarning
from runfork.testing.processes import start_driver
from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.testing.integration_driver import IntegrationDriver


def last_step(driver: IntegrationDriver, epoch: int) -> int:
    """Return the last step of an epoch, counted from 1."""
    return driver.first_step + driver.steps_per_epoch * epoch - 1


def steps_until(driver: IntegrationDriver, epoch: int) -> list[float]:
    """Return every step up to the end of an epoch."""
    return list(range(driver.first_step, last_step(driver, epoch) + 1))


class ResumeContract:
    """New, resumed, older, moved, unknown, of another project, continued, new on request, at once."""

    def test_a_training_without_a_checkpoint_is_a_new_run(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        trained = driver.train(tmp_path, epochs=1)
        history = History(data_directory)

        assert [trained.run_id] == history.runs
        assert history.parent(trained.run_id) is None
        assert dict(zip(steps_until(driver, 1), map(pytest.approx, trained.losses), strict=True)) == history.points(
            trained.run_id, driver.loss
        )
        assert history.values(trained.run_id)["sys/state"] == "finished"

    def test_resuming_is_a_fork_at_the_step_of_the_checkpoint(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[-1])
        history = History(data_directory)

        assert [parent.run_id, child.run_id] == history.runs
        assert history.parent(child.run_id) == (parent.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))
        assert driver.steps_per_epoch == len(history.own_points(child.run_id, driver.loss))

    def test_a_killed_training_resumes_as_a_fork_and_loses_nothing(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        killed_at = driver.steps_per_epoch + driver.steps_per_epoch // 2
        process = start_driver(
            driver,
            f"""
            import os, signal
            def at_step(step):
                if step == {killed_at}:
                    os.kill(os.getpid(), signal.SIGKILL)
            driver.train(Path("parent"), epochs=2, at_step=at_step, run_id="parent")
            """,
            tmp_path,
        )
        process.communicate(timeout=HANG_SECONDS)
        checkpoint = driver.checkpoints(tmp_path / "parent")[-1]
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=checkpoint)
        history = History(data_directory)

        assert process.returncode == -9
        assert history.parent(child.run_id) == ("parent", last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))
        logged = history.own_points("parent", driver.loss)
        assert list(range(driver.first_step, driver.first_step + killed_at - 1)) == sorted(logged)
        assert history.values("parent")["sys/state"] == "lost"

    def test_an_older_checkpoint_forks_further_back(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=3)
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[0])
        history = History(data_directory)

        assert history.parent(child.run_id) == (parent.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))
        assert steps_until(driver, 3) == sorted(history.points(parent.run_id, driver.loss))

    def test_a_second_attempt_under_one_run_id_hides_nothing_of_the_first(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        first = driver.train(tmp_path / "first", epochs=2, run_id="job")
        second = driver.train(tmp_path / "second", epochs=2, checkpoint=first.checkpoints[0], run_id="job")
        third = driver.train(tmp_path / "third", epochs=3, checkpoint=second.checkpoints[-1], run_id="job")
        history = History(data_directory)

        assert first.run_id == "job"
        assert second.run_id.startswith("job-")
        assert second.run_id == third.run_id  # it ended at that checkpoint
        assert history.parent(second.run_id) == ("job", last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.own_points("job", driver.loss))
        assert steps_until(driver, 3) == sorted(history.points(second.run_id, driver.loss))

    def test_a_fork_of_a_fork_inherits_from_both(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        first = driver.train(tmp_path / "first", epochs=1)
        second = driver.train(tmp_path / "second", epochs=2, checkpoint=first.checkpoints[-1])
        third = driver.train(tmp_path / "third", epochs=3, checkpoint=second.checkpoints[-1])
        history = History(data_directory)

        assert history.parent(third.run_id) == (second.run_id, last_step(driver, 2))
        assert steps_until(driver, 3) == sorted(history.points(third.run_id, driver.loss))

    def test_a_moved_checkpoint_finds_its_run(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        moved = tmp_path / "elsewhere" / parent.checkpoints[-1].name
        moved.parent.mkdir()
        shutil.move(parent.checkpoints[-1], moved)
        shutil.rmtree(tmp_path / "parent")
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=moved)

        assert History(data_directory).parent(child.run_id) == (parent.run_id, last_step(driver, 1))

    def test_a_checkpoint_without_identity_begins_a_new_run(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        unknown = driver.train(tmp_path / "parent", epochs=1, is_tracked=False)
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=unknown.checkpoints[-1])
        history = History(data_directory)

        assert [child.run_id] == history.runs
        assert history.parent(child.run_id) is None
        assert set(steps_until(driver, 2)[driver.steps_per_epoch :]) <= set(history.points(child.run_id, driver.loss))

    def test_weights_alone_are_recognised_and_offered_and_nothing_more(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path, capfd: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setenv("RUNFORK_QUIET", "0")
        parent = driver.train(tmp_path / "parent", epochs=1)
        child = driver.train(tmp_path / "child", epochs=1, weights=parent.weights)
        history = History(data_directory)
        suggestion = f"fork_run_id={parent.run_id!r}, fork_step={last_step(driver, 1)}"

        assert history.parent(child.run_id) is None
        assert history.values(child.run_id)["sys/resume/suggestion"] == suggestion
        assert f"({suggestion})" in capfd.readouterr().err

    def test_an_accepted_suggestion_makes_the_fork(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        child = driver.train(
            tmp_path / "child",
            epochs=1,
            weights=parent.weights,
            fork_run_id=parent.run_id,
            fork_step=last_step(driver, 1),
        )
        history = History(data_directory)

        assert history.parent(child.run_id) == (parent.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))
        assert "sys/resume/suggestion" not in history.values(child.run_id)

    def test_a_checkpoint_named_in_the_arguments_makes_the_fork(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        child = driver.train(
            tmp_path / "child", epochs=1, weights=parent.weights, resume_from=str(parent.checkpoints[-1])
        )
        history = History(data_directory)

        assert history.parent(child.run_id) == (parent.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))

    def test_a_checkpoint_of_another_project_begins_a_new_run_and_says_so(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1, project="tests/other")
        with pytest.warns(RunforkWarning, match="tests/other"):
            child = driver.train(
                tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[-1], project="tests/project"
            )
        history = History(data_directory)

        assert [child.run_id] == history.runs
        assert history.parent(child.run_id) is None

    def test_a_fork_whose_parent_is_not_here_is_pending(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path, caplog: Any
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1, run_id="parent")
        folder = data_directory / "tests" / "project" / "parent"
        folder.rename(tmp_path / "away")
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[-1])
        pending = sorted(History(data_directory).points(child.run_id, driver.loss))
        (tmp_path / "away").rename(folder)
        history = History(data_directory)

        assert "is pending until its folder is copied there" in caplog.text
        assert steps_until(driver, 2)[driver.steps_per_epoch :] == pending
        assert history.parent(child.run_id) == ("parent", last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points(child.run_id, driver.loss))

    def test_continue_goes_on_with_the_same_run(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        process = start_driver(driver, 'driver.train(Path("parent"), epochs=1, run_id="parent")', tmp_path)
        _, errors = process.communicate(timeout=HANG_SECONDS)
        child = driver.train(
            tmp_path / "child", epochs=2, checkpoint=driver.checkpoints(tmp_path / "parent")[-1], resume="continue"
        )
        history = History(data_directory)

        assert process.returncode == 0, errors
        assert child.run_id == "parent"
        assert ["parent"] == history.runs
        assert steps_until(driver, 2) == sorted(history.own_points("parent", driver.loss))

    def test_new_on_request_has_no_parent(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        child = driver.train(tmp_path / "child", epochs=2, checkpoint=parent.checkpoints[-1], resume="new")
        history = History(data_directory)

        assert [parent.run_id, child.run_id] == history.runs
        assert history.parent(child.run_id) is None

    def test_two_processes_fork_from_one_checkpoint_at_once(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        processes = [
            start_driver(
                driver,
                f"driver.train(Path({name!r}), epochs=2, checkpoint=Path({str(parent.checkpoints[-1])!r}), run_id={name!r})",
                tmp_path,
            )
            for name in ("left", "right")
        ]
        endings = [(process.communicate(timeout=HANG_SECONDS)[1], process.returncode) for process in processes]
        history = History(data_directory)

        assert [code for _, code in endings] == [0, 0], endings
        assert {parent.run_id, "left", "right"} == set(history.runs)
        for name in ("left", "right"):
            assert history.parent(name) == (parent.run_id, last_step(driver, 1))
            assert steps_until(driver, 2) == sorted(history.points(name, driver.loss))
