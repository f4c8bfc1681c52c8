"""Trainings in processes of their own, for tests."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING

from runfork.testing.warm import start_warm

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.testing.integration_driver import IntegrationDriver
    from runfork.testing.warm import WarmProcess


def start_driver(driver: IntegrationDriver, code: str, folder: Path, **environment: str) -> WarmProcess:
    """Start a process that runs `code` in `folder`, with ``driver`` (a new one of the same class) and ``Path`` at hand.

    Args:
        driver: Whose class to use; it is imported by its name.
        code: Python, of any indentation.
        folder: The working directory.
        environment: Variables beside those of this process.
    """
    kind = type(driver)
    lines = [
        "import warnings",
        "from pathlib import Path",
        "if __name__ == '__main__':",
        "    warnings.simplefilter('ignore')",
        f"    from {kind.__module__} import {kind.__qualname__}",
        f"    driver = {kind.__qualname__}()",
        textwrap.indent(textwrap.dedent(code).strip(), "    "),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"script_{len(list(folder.glob('script_*.py')))}.py"
    file.write_text("\n".join(lines), encoding="utf-8")
    return start_warm(
        file,
        modules=(kind.__module__, *driver.preloaded),
        cwd=folder,
        environment={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        settings=driver.read_when_imported,
    )
