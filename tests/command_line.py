"""Calling the command line, and runs on disk to call it on."""

from __future__ import annotations

import inspect
import json
import math
from typing import Any

import pytest
from click.testing import CliRunner

from runfork import Histogram, Run
from runfork.cli import cli


@pytest.fixture
def lineage(data_directory):
    """A root that was forked at 80 and went on, a fork of it that is the head, and a side branch; run ids are their names."""
    with Run("gull", run_id="root") as root:
        root.log_configs({"lr": 0.1, "model": {"depth": 4}})
        root.add_tags(["baseline"])
        for step in range(0, 101, 10):
            root.log_metrics({"train/loss": 1 / (step + 1), "val/acc": step / 200}, step=step)
    with Run("gull", run_id="head", fork_run_id="root", fork_step=80) as head:
        head.log_configs({"lr": 0.2})
        for step in range(90, 131, 10):
            head.log_metrics({"train/loss": 2 / (step + 1)}, step=step)
        head.log_metrics({"train/loss": math.nan}, step=140)
        head.log_histograms({"grads": Histogram([0.0, 1.0, 2.0], [3, 4])}, step=1)
        head.log_string_series({"samples": "a sample"}, step=90)
        head.assign_files({"weights": b"12345"})
    with Run(None, run_id="side", fork_run_id="root", fork_step=50) as side:
        side.log_metrics({"train/loss": 0.5}, step=60)
    return data_directory


def runner() -> CliRunner:
    """Return click's runner, with stderr apart from stdout as versions from 8.2 on have it."""
    options: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**options)


def call(*arguments, exit_code=0, env=None, **options):
    environment = {"COLUMNS": "100", **(env or {})}  # else that of whoever runs the tests
    result = runner().invoke(cli, list(arguments), prog_name="runfork", env=environment, **options)
    assert result.exit_code == exit_code, result.output
    return result


def call_json(*arguments, **options):
    return json.loads(call(*arguments, "--json", **options).stdout)
