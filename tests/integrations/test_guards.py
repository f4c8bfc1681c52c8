"""What goes wrong in a logger or callback is told once, as a mistake of the user's own or as one to be reported."""

from __future__ import annotations

import json

import pytest

from runfork.errors import ArgumentError, LoggingError
from runfork.training.guards import attempt, guarded
from runfork.training.training_steps import TrainingSteps, checked_step

REPORT = "please report it"


class Face:
    @guarded
    def call(self, compute):
        compute()


def of_the_user():
    raise RuntimeError("no such thing")


@pytest.mark.parametrize("compute", [lambda: checked_step(-1), lambda: checked_step("x"), of_the_user])
def test_a_mistake_of_the_users_own_is_not_to_be_reported(compute, caplog):
    face = Face()
    face.call(compute)
    face.call(compute)
    assert attempt(face, "something", compute) is None

    assert 2 == len(caplog.records)
    assert "Face.call failed" in caplog.text
    assert REPORT not in caplog.text


@pytest.mark.parametrize("compute", [lambda: TrainingSteps().place(5, 1, main_step=None), lambda: json.loads("{")])  # type: ignore[arg-type]
def test_what_fails_in_our_code_or_the_frameworks_is_to_be_reported(compute, caplog):
    Face().call(compute)

    assert REPORT in caplog.text


def test_a_mistake_of_the_users_own_hides_none_of_ours(caplog):
    face = Face()
    face.call(of_the_user)
    face.call(lambda: json.loads("{"))

    assert [False, True] == [REPORT in record.getMessage() for record in caplog.records]


def test_what_the_user_asked_to_be_raised_passes():
    def fail():
        raise LoggingError("asked for")

    with pytest.raises(LoggingError):
        Face().call(fail)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ({"loss": 1.0}, {"step": -1}),
        ({"loss": 1.0}, {"step": "x"}),
        ({"loss": 1.0}, {"step": [1]}),
        ({"loss": 1.0}, {"step": float("nan")}),
        (5, {"step": 1}),
        ({"loss": 1.0}, {"colour": "red"}),
        ({"loss": 1.0}, {"timestamp": "x"}),
    ],
)
def test_arguments_of_the_tracker_for_accelerate_that_cannot_be_used_are_the_users(
    values, options, data_directory, caplog
):
    pytest.importorskip("accelerate")
    from runfork_hf import RunforkTracker

    tracker = RunforkTracker("wrong", directory=data_directory)
    tracker.log(values, **options)
    tracker.tracker.log_metrics({"loss": 1.0}, step=-2)
    tracker.finish()

    assert "RunforkTracker.log failed (Argument" in caplog.text
    assert REPORT not in caplog.text


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("log_metrics", ({"loss": 1.0}, "x")),
        ("log_metrics", ({"loss": 1.0}, [1])),
        ("log_metrics", ({"loss": 1.0}, float("nan"))),
        ("log_metrics", (5, 1)),
        ("log_metrics", ([1], 1)),
        ("log_hyperparams", (5,)),
    ],
)
def test_arguments_of_the_logger_for_lightning_that_cannot_be_used_are_the_users(method, arguments, lightning, caplog):
    logger = lightning.logger()
    getattr(logger, method)(*arguments)

    assert f"RunforkLogger.{method} failed (Argument" in caplog.text
    assert REPORT not in caplog.text


def test_arguments_that_frameworks_do_not_pass_on_are_raised(data_directory):
    tiny_keras = pytest.importorskip("tests.integrations.tiny_keras")

    with pytest.raises(ArgumentError, match="step"):
        tiny_keras.RunforkCallback(directory=data_directory).run.log_metrics({"loss": 1.0}, step=-1)


def test_an_error_whose_message_raises_reaches_no_training(caplog):
    class HostileError(Exception):
        def __str__(self):
            raise RuntimeError("no message")

    def compute():
        raise HostileError

    assert attempt(Face(), "description of it", compute) is None
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == [
        "runfork: Face.description of it failed (HostileError)"
    ]
