"""Where the program was started, and what a user means by here.

The working directory is looked at when runfork is first imported, which comes before whatever changes it. IPython is never
imported: it is asked where it is there and runs the cells of a notebook.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

try:
    STARTED_IN = os.getcwd()  # noqa: PTH109  pathlib takes longer to import than all of this
except OSError:  # it was deleted
    STARTED_IN = os.path.expanduser("~")  # noqa: PTH111


def find_shell() -> Any | None:
    """Return what runs the cells of this process, or None where it has no cells."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get() if get is not None else None


def starting_directory() -> Path:
    """Return what a user means by here: the working directory, or that in which a process of cells began, whatever ``%cd``."""
    from pathlib import Path

    started = getattr(find_shell(), "starting_dir", None)
    return Path(started) if isinstance(started, str) else Path.cwd()
