from __future__ import annotations

import getpass
import hashlib
import os
import platform
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from runfork import Run
from runfork.capture.environment import collect_system_attributes, list_packages
from runfork.journal.reader import JournalReader
from runfork.plugins import load_plugins
from runfork.writing import BUILT_IN


@pytest.fixture
def run() -> Any:
    return SimpleNamespace(runtime_namespace="runtime", rank=0)


def test_place_is_described(run: Any) -> None:
    found = collect_system_attributes(run)

    assert getpass.getuser() == found["sys/owner"]
    assert platform.node() == found["sys/hostname"]
    assert platform.python_version() == found["sys/environment/python"]
    assert psutil.cpu_count() == found["runtime/details/cpu_logical_num"]
    assert 1 <= found["runtime/details/cpu_usable_num"] <= psutil.cpu_count()
    assert psutil.virtual_memory().total == round(found["runtime/details/memory_total_GiB"] * 1024**3)


def test_packages_and_their_digest_are_listed(run: Any) -> None:
    found = collect_system_attributes(run)
    packages = found["runtime/details/packages"]

    assert f"pytest=={pytest.__version__}" in packages.splitlines()
    assert hashlib.sha256(packages.encode()).hexdigest() == found["sys/environment/packages_digest"]


def test_packages_are_sorted_and_named_once() -> None:
    names = [package.partition("==")[0].lower().replace("_", "-").replace(".", "-") for package in list_packages()]

    assert names == sorted(set(names))


def test_distribution_without_metadata_is_left_out(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken-1.0.dist-info").mkdir()
    (tmp_path / "headless-1.0.dist-info").mkdir()
    (tmp_path / "headless-1.0.dist-info" / "METADATA").write_bytes(b"Summary: \xff no name\n\nName: body\n")
    (tmp_path / "whole-1.0.dist-info").mkdir()
    (tmp_path / "whole-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: whole\nVersion: 1.0\n\nbody"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    assert ["whole==1.0"] == list_packages()


def test_no_environment_variable_is_logged(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "hunter2-hunter2")

    assert "hunter2" not in repr(collect_system_attributes(run))


def test_other_ranks_tell_only_of_their_machine() -> None:
    run: Any = SimpleNamespace(runtime_namespace="runtime/rank_3", rank=3)
    found = collect_system_attributes(run)

    assert all(path.startswith("runtime/rank_3/details/") for path in found)
    assert platform.node() == found["runtime/rank_3/details/hostname"]


def test_user_without_a_name_is_a_number(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)

    assert "4000000000" == collect_system_attributes(run)["sys/owner"]


def test_no_framework_is_imported() -> None:
    code = """
import sys
from types import SimpleNamespace
from runfork.capture.environment import collect_system_attributes
from runfork.capture.hardware import register_samplers
collect_system_attributes(SimpleNamespace(runtime_namespace="runtime", rank=0))
register_samplers()
print([name for name in ("torch", "numpy", "pandas", "lightning") if name in sys.modules])
"""
    paths = os.pathsep.join(path for path in sys.path if path)
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "[]" == answer.stdout.strip()


def test_hook_collect_system_attributes(run: Any) -> None:
    plugins = load_plugins([], built_in=BUILT_IN)

    assert platform.node() == plugins.collect_system_attributes(run)["sys/hostname"]
    assert {} == plugins.failures


def test_run_logs_where_it_takes_place() -> None:
    run = Run(source_tracking_config=None)
    run.close()
    journal = run.status.journal
    assert journal is not None
    batch = JournalReader(journal).read()
    assert batch is not None
    logged = {path: value for record in batch.records for path, value in record.body.items()}

    assert ["string", platform.node()] == logged["sys/hostname"]
    assert ["int", psutil.cpu_count()] == logged["runtime/details/cpu_logical_num"]
