"""Small arithmetic: percentiles, medians, sizes of folders, numbers in words."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share (0 to 1) of sorted values lies: the nearest one, without interpolation."""
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def folder_bytes(folder: Path) -> int:
    """Return the sum of the sizes of all files in a folder, as `ls` shows them."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def sync_folder(folder: Path) -> None:
    """Make all files of a folder safe against power loss."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # a socket, or gone meanwhile
                file = os.open(Path(parent) / name, os.O_RDONLY)
                try:
                    os.fsync(file)
                finally:
                    os.close(file)


def short(number: float | None) -> str:
    """Return a number with three digits that count, and thousands apart; an int in full; "-" for None."""
    if number is None:
        return "-"
    if isinstance(number, int) or number == 0 or abs(number) >= 99.95:
        return f"{number:,.0f}"
    digits = 1 if abs(number) >= 9.995 else 2 if abs(number) >= 0.0995 else 3
    return f"{number:.{digits}f}"


def print_line(what: str, value: str) -> None:
    """Print what was measured, and its value, in columns."""
    print(f"{what:72}{value:>18}", flush=True)


def median_and_least(values: Sequence[float]) -> str:
    """Return the median of some values and, in brackets, the least."""
    return f"{median(values):.0f} ({min(values):.0f})"
