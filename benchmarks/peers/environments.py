"""One virtual environment per tracker, made by the command itself."""

from __future__ import annotations

import json
import re
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.peers.tracker import About

HOME = Path(__file__).resolve().parent.parent.parent
VERSIONS = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"


@dataclass(frozen=True)
class Environments:
    """The environments of the trackers.

    Args:
        folder: Where they lie.
        checkout_python: The interpreter that has runfork already; None makes an environment for it, too.
    """

    folder: Path
    checkout_python: str | None = None

    def python(self, about: About) -> str:
        """Return the interpreter of a tracker."""
        if self.checkout_python is not None and about.environment == "checkout":
            return self.checkout_python
        return str(self.folder / about.environment / "bin" / "python")

    def install(self, about: About) -> None:
        """Make the environment of a tracker, where it has one of its own."""
        if self.python(about) != self.checkout_python:
            self.make(about.environment, about.requirements)

    def make(self, name: str, requirements: tuple[str, ...]) -> str:
        """Install something, unless that was done, for the checkout since its project file changed. Downloads what it needs.

        Returns:
            The interpreter.

        Raises:
            subprocess.CalledProcessError: pip failed; it has said why.
        """
        place = self.folder / name
        python, stamp = place / "bin" / "python", place / "installed.txt"
        project = (HOME / "pyproject.toml").read_text() if requirements[0][0] == "." else ""
        wanted = "\n".join([*requirements, project])
        if stamp.exists() and stamp.read_text() == wanted:
            return str(python)
        print(f"installing {' '.join(requirements)} into {place}", flush=True)
        venv.EnvBuilder(with_pip=True, symlinks=True).create(place)
        options = [part for one in requirements for part in (["--editable", one] if one[0] == "." else [one])]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *options], cwd=HOME, check=True)
        stamp.write_text(wanted)
        return str(python)

    def versions(self, about: About) -> dict[str, str]:
        """Return the installed version of each requirement."""
        names = ["runfork" if one[0] == "." else re.split(r"[=\[]", one)[0] for one in about.requirements]
        done = subprocess.run(
            [self.python(about), "-c", VERSIONS, *names], capture_output=True, text=True, check=True, cwd=HOME
        )
        found: dict[str, str] = json.loads(done.stdout)
        return found
