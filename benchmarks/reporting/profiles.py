"""Where the time of a piece of work goes, by function."""

from __future__ import annotations

import cProfile
import pstats
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def profiled(lines: int) -> Iterator[None]:
    """Print the functions in which most time was spent, with their share of it; 0 lines look at nothing."""
    if not lines:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    found = pstats.Stats(profile).get_stats_profile()
    rows = sorted(found.func_profiles.items(), key=lambda row: -row[1].tottime)[:lines]
    for name, one in rows:
        place = "" if one.file_name == "~" else f" ({Path(one.file_name).name})"
        share = one.tottime / found.total_tt
        print(f"    {share:6.1%}{one.ncalls:>12} calls  {name}{place}")
