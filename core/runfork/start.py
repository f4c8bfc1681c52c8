"""Where the program was started: the working directory when runfork was first imported, which comes before whatever changes it."""

from __future__ import annotations

import os

__all__ = ["DIRECTORY"]

try:
    DIRECTORY = os.getcwd()  # noqa: PTH109  pathlib takes longer to import than all of this
except OSError:  # it was deleted
    DIRECTORY = os.path.expanduser("~")  # noqa: PTH111
