"""Where results of evaluations stand: the part of the contract for integrations that is about weights and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runfork.testing.integration_resume_contract import last_step, steps_until
from runfork.testing.reading import History

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.testing.integration_driver import IntegrationDriver


class EvaluationContract:
    """Of another's checkpoint, on other data, under a name of its own, of the best weights, before a resume."""

    def test_an_evaluation_on_other_data_replaces_nothing(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=2)
        step = last_step(driver, 1)
        driver.evaluate(tmp_path / "first", parent.checkpoints[0])
        result = History(data_directory).points(parent.run_id, driver.evaluated)[step]
        driver.evaluate(tmp_path / "second", parent.checkpoints[0], other_data=True)
        driver.evaluate(tmp_path / "third", parent.checkpoints[0])
        history = History(data_directory)
        others = [run for run in history.runs if run != parent.run_id]
        values = history.values(others[0])

        assert result == history.points(parent.run_id, driver.evaluated)[step]
        assert 1 == len(others)
        assert result != history.points(others[0], driver.evaluated)[step]
        assert (parent.run_id, step) == (values["source/run_id"], values["source/step"])
        assert "sys/name" not in values
        assert history.parent(others[0]) is None

    def test_an_evaluation_with_a_run_id_or_a_name_of_its_own_is_a_run_of_its_own(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        driver.evaluate(tmp_path / "first", parent.checkpoints[0], run_id="scores")
        driver.evaluate(tmp_path / "second", parent.checkpoints[0], experiment_name="scores of old ones")
        history = History(data_directory)
        named = next(run for run in history.runs if history.values(run).get("sys/name") == "scores of old ones")

        assert {} == history.points(parent.run_id, driver.evaluated)
        assert {parent.run_id, "scores", named} == set(history.runs)
        for run in ("scores", named):
            assert [last_step(driver, 1)] == list(history.points(run, driver.evaluated))
            assert history.values(run)["source/run_id"] == parent.run_id

    def test_results_of_the_best_weights_stand_at_their_step(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        trained = driver.train(tmp_path, epochs=2, evaluates_best=True)
        history = History(data_directory)

        assert [trained.run_id] == history.runs
        assert last_step(driver, 1) in history.points(trained.run_id, driver.evaluated)
        assert last_step(driver, 2) not in history.points(trained.run_id, driver.evaluated)

    def test_a_baseline_before_a_resume_leaves_the_run_id_to_the_training(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        parent = driver.train(tmp_path / "parent", epochs=1)
        child = driver.train(
            tmp_path / "child",
            epochs=2,
            checkpoint=parent.checkpoints[-1],
            evaluates_before=True,
            run_id="resumed",
        )
        history = History(data_directory)
        others = [run for run in history.runs if run not in (parent.run_id, "resumed")]

        assert child.run_id == "resumed"
        assert history.parent("resumed") == (parent.run_id, last_step(driver, 1))
        assert steps_until(driver, 2) == sorted(history.points("resumed", driver.loss))
        assert {} == history.own_points("resumed", driver.evaluated)
        assert 1 == len(others)
        assert 1 == len(history.points(others[0], driver.evaluated))
        assert {} == history.points(others[0], driver.loss)

    def test_a_baseline_before_a_training_belongs_to_it(
        self, driver: IntegrationDriver, data_directory: Path, tmp_path: Path
    ) -> None:
        trained = driver.train(tmp_path, epochs=1, evaluates_before=True, run_id="only")
        history = History(data_directory)

        assert (["only"], "only") == (history.runs, trained.run_id)
        assert 1 == len(history.points("only", driver.evaluated))
        assert steps_until(driver, 1) == sorted(history.points("only", driver.loss))

    def test_numbers_logged_without_a_step_follow_each_other(
        self, driver: IntegrationDriver, data_directory: Path
    ) -> None:
        if not driver.logs_without_step:
            pytest.skip("the framework always names a step")
        face = driver.open_face(run_id="loop")
        for number in range(3):
            driver.log(face, {"series": float(number)})

        assert {0: 0.0, 1: 1.0, 2: 2.0} == History(data_directory).points("loop", "series")
