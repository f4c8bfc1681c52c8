"""What is said where a logger or callback opens a run again: only where another process may have logged to it."""

from __future__ import annotations

from typing import Any

import pytest

from runfork.training.arguments import Integration, open_training

pytestmark = pytest.mark.usefixtures("data_directory")


def train(*, run_id: str | None, training: Any = None) -> Any:
    training = training or open_training(None, {"run_id": run_id}, Integration("test", "1", "Face"))
    run = training.runs.open()
    for step in range(3):
        run.log_metrics({"loss": 1.0}, step=step)
    run.close()
    return training


@pytest.mark.parametrize("run_id", [None, "job"])
def test_run_that_is_opened_again_by_who_closed_it_is_no_news(capsys, monkeypatch, run_id):
    monkeypatch.setenv("RUNFORK_QUIET", "0")
    train(run_id=run_id, training=train(run_id=run_id))

    assert "exists" not in capsys.readouterr().err


def test_run_of_another_process_that_is_continued_is_told(capsys, monkeypatch):
    train(run_id="job")
    monkeypatch.setenv("RUNFORK_QUIET", "0")
    train(run_id="job")

    told = capsys.readouterr().err

    assert "run job exists, with points up to step 2, and is continued" in told
    assert "leave out run_id\n" in told
