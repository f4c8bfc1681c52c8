"""Code that the empty page shows: it is run, or it is what the docs say."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import runfork
from runfork.testing.waits import HANG_SECONDS

ROOT = Path(__file__).parents[1]
SOURCE = (ROOT / "server/ui/src/pages/empty/snippets.ts").read_text(encoding="utf-8")
SNIPPETS: dict[str, str] = dict(re.findall(r'name: "([^"]+)",\s+install: "[^"]*",\s+code: `([^`]*)`', SOURCE))
DOCUMENTED = {
    "Lightning": "frameworks-lightning.md",
    "Transformers": "frameworks-hf.md",
    "Keras": "frameworks-keras.md",
    "Accelerate": "frameworks-hf.md",
}


def statements(code: str) -> set[str]:
    """Return the statements of a program, however they are broken into lines and whatever the experiment is called."""
    tree = ast.parse(code.replace('"first-flight"', '"digits"'))
    return {ast.dump(one) for one in tree.body}


def test_every_snippet_is_tried() -> None:
    assert list(SNIPPETS) == ["Own loop", *DOCUMENTED]
    assert all(len(code.splitlines()) <= 14 for code in SNIPPETS.values())


def test_the_own_loop_makes_a_run_and_from_its_checkpoint_a_fork(tmp_path: Path, data_directory: Path) -> None:
    code = SNIPPETS["Own loop"]
    again = code.split("\n", 3)[3]
    program = tmp_path / "train.py"
    program.write_text(f"{code}{again}", encoding="utf-8")

    subprocess.run(
        [sys.executable, program], check=True, cwd=tmp_path, env=_environment(data_directory), timeout=HANG_SECONDS
    )

    runs = runfork.list_runs(project="tests/project", directory=data_directory)
    table = runfork.fetch_runs_table(project="tests/project", directory=data_directory, attributes=["sys/forking/step"])
    assert len(runs) == 2
    assert table["sys/forking/step"].dropna().tolist() == [99]


def _environment(data_directory: Path) -> dict[str, str]:
    return {**os.environ, "RUNFORK_DIR": str(data_directory), "RUNFORK_PROJECT": "tests/project"}


@pytest.mark.parametrize("name", list(DOCUMENTED))
def test_a_framework_is_used_as_its_page_of_the_docs_uses_it(name: str) -> None:
    text = (ROOT / "docs" / DOCUMENTED[name]).read_text(encoding="utf-8")
    blocks = re.findall(r"```pyt?h?o?n?\n(.*?)```", text, re.DOTALL)
    documented = max((statements(block) for block in blocks), key=lambda one: len(one & statements(SNIPPETS[name])))

    assert documented <= statements(SNIPPETS[name])
