"""The console that commands print to: as wide as the terminal, or as wide as needed when the output goes elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NoReturn

from rich.console import Console

UNLIMITED_WIDTH = 4000
"""Nothing is cut or wrapped before this width when the output is no terminal."""

DEFAULT_CHART_WIDTH = 80
MIN_CHART_WIDTH = 20


class OutputConsole(Console):
    """rich's console; a closed pipe stays what it is."""

    def on_broken_pipe(self) -> NoReturn:
        """Leave it to the command line, which ends quietly."""
        raise BrokenPipeError


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def open_console(width: int | None = None) -> OutputConsole:
    """Return a console on stdout.

    Args:
        width: Columns; None is the terminal's (or ``COLUMNS``), and unlimited when the output goes to a file or pipe.
    """
    if width is None and not is_terminal():
        width = _columns_variable() or UNLIMITED_WIDTH
    return OutputConsole(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def chart_width() -> int:
    """Return how many columns a chart may take: the terminal's, ``COLUMNS``, or 80."""
    if is_terminal():
        return max(shutil.get_terminal_size((DEFAULT_CHART_WIDTH, 24)).columns, MIN_CHART_WIDTH)
    return max(_columns_variable() or DEFAULT_CHART_WIDTH, MIN_CHART_WIDTH)


def _columns_variable() -> int | None:
    text = os.environ.get("COLUMNS", "")
    return int(text) if text.isdecimal() and int(text) > 0 else None
