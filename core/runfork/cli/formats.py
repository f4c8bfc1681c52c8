"""What people read in a terminal: numbers, times, sizes, whatever an attribute holds, and short names of runs."""

from __future__ import annotations

import math
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runfork.model.attributes import AttributeType
from runfork.model.steps import shown_step
from runfork.query.names import short_names
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from runfork.index.interface import Index
    from runfork.model.attributes import Value

NOTHING = "\u2013"
"""Stands where there is no value: an en dash."""

MICROSECONDS = 1_000_000
_CONTROL = (
    {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "\u2421"} | dict.fromkeys(range(0x80, 0xA0), "\ufffd")
)
_STATE_STYLES = {
    "running": "green",
    "failed": "red",
    "lost": "red",
    "aborted": "yellow",
    "preempted": "yellow",
}
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86400, 7 * 86400


def format_number(number: float | None, *, digits: int = 5) -> str:
    """Return a number with at most `digits` significant digits; whole numbers below 1e15 in full; a dash for None."""
    if number is None:
        return NOTHING
    if isinstance(number, int) or (math.isfinite(number) and number == int(number) and abs(number) < 1e15):  # noqa: PLR2004
        return str(int(number))
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("inf" if number > 0 else "-inf")
    return f"{number:.{digits}g}"


def format_range(first: int, last: int) -> str:
    """Return a range of micro-steps, such as ``0-800``, with an en dash."""
    low, high = shown_step(first), shown_step(last)
    return low if low == high else f"{low}\u2013{high}"


def format_time(micros: int) -> str:
    """Return a moment in local time, such as ``2026-11-22 21:16:05``."""
    try:
        return datetime.fromtimestamp(micros / MICROSECONDS).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{micros} us"  # years that datetime cannot hold


def format_age(micros: int, *, now: float | None = None) -> str:
    """Return how long ago a moment was: ``just now``, ``5 min ago``, ``3 h ago``, ``2 d ago``, else its date."""
    seconds = (time.time() if now is None else now) - micros / MICROSECONDS
    if not -_MINUTE < seconds < _WEEK:
        return format_time(micros).partition(" ")[0]
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    return f"{int(seconds // _HOUR)} h ago" if seconds < _DAY else f"{int(seconds // _DAY)} d ago"


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: ``45 s``, ``3 min 20 s``, ``5 h 02 min``, ``2 d 03 h``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"  # noqa: PLR2004
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR:02d} h"


def format_size(size_bytes: float) -> str:
    """Return a size in bytes, kB, MB, ... of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:  # noqa: PLR2004
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def one_line(text: str) -> str:
    """Return `text` with control characters as pictures, so that it stays on its line and moves no cursor."""
    return text.translate(_CONTROL)


def state_style(state: str | None) -> str:
    """Return the style that a run's state is written in."""
    return _STATE_STYLES.get(state or "", "dim")


def format_value(value: Value | None) -> str:
    """Return the value of an attribute on one line; series as their last value; a dash for None."""
    if value is None:
        return NOTHING
    if value.type is AttributeType.NONE:
        return "None"
    if value.type is AttributeType.DATETIME:
        return format_time(value.value)
    return _format_content(value.content)


def _format_content(content: Any) -> str:
    if content is None:
        return NOTHING
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, (int, float)):
        return format_number(content)
    if isinstance(content, list):
        return one_line(", ".join(content)) or NOTHING
    if isinstance(content, FileReference):
        return f"{one_line(content.name)} ({format_size(content.size_bytes)})"
    if isinstance(content, Histogram):
        edges = list(content.bin_edges)
        return f"{len(edges) - 1} bins from {format_number(edges[0])} to {format_number(edges[-1])}"
    return one_line(str(content))


def run_names(index: Index, *, are_short: bool) -> dict[str, str]:
    """Return what to call each run: short names are for a terminal, ids for where a program may read the output."""
    nodes = index.nodes()
    if not are_short:
        return {run_id: run_id for run_id in nodes}
    return short_names(nodes, (node.experiment_name for node in nodes.values() if node.experiment_name))
