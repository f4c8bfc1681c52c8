"""The code in the documents runs, and their tables name what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runfork.settings import VARIABLES
from runfork.testing.waits import HANG_SECONDS

HOME = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "docs/getting-started.md", "docs/own-loops.md", "docs/query.md"]


def python_blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (HOME / document).read_text(encoding="utf-8"), re.DOTALL)


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNFORK_")}
    environment["RUNFORK_MONITORING_SECONDS"] = "0"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_code_of_a_document_runs_as_it_stands(document: str, tmp_path: Path) -> None:
    script = tmp_path / "document.py"
    script.write_text("\n".join(python_blocks(document)), encoding="utf-8")

    done = run_in(tmp_path, str(script))

    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr


def test_the_own_loop_of_the_documents_forks_twice_from_one_checkpoint(tmp_path: Path) -> None:
    script = tmp_path / "document.py"
    blocks = python_blocks("docs/own-loops.md")
    question = (
        "import runfork\n"
        "table = runfork.fetch_runs_table(attributes=['sys/forking/step', 'train/loss'], sort_by='sys/forking/step')\n"
        "print(table['sys/forking/step'].dropna().tolist())\n"
        "frame = runfork.fetch_metrics(experiments=['own-loop'], attributes=['train/loss'])\n"
        "print(frame['train/loss'].tolist() == [1 / (step + 1) for step in range(15)])\n"
    )
    script.write_text("\n".join([*blocks, question]), encoding="utf-8")

    done = run_in(tmp_path, str(script))

    assert done.stdout.splitlines()[-2:] == ["[9.0, 9.0]", "True"], done.stderr


def test_the_settings_table_names_every_setting_and_variable() -> None:
    text = (HOME / "docs/settings.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE)}

    documented = {name: tuple(re.findall(r"`(\w+)`", cell)) for name, cell in rows.items()}

    assert documented == VARIABLES


def test_links_between_documents_lead_somewhere() -> None:
    for document in [HOME / "README.md", HOME / "CONTRIBUTING.md", *sorted((HOME / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_words_mean_on_pages_what_the_glossary_says() -> None:
    module = (HOME / "server/ui/src/text/words.ts").read_text(encoding="utf-8")
    document = (HOME / "docs/ui.md").read_text(encoding="utf-8")
    glossary = document.split("\n## Words\n")[1].split("\n## ")[0]
    meanings = re.findall(r'^  "?([\w ]+?)"?:\s+"(.+)",$', module, re.MULTILINE)
    assert len(meanings) > 10
    assert re.findall(r"^\| \*\*(.+)\*\* \| (.+) \|$", glossary, re.MULTILINE) == meanings
