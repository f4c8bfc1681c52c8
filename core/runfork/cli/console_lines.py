"""Captured console output, as it appeared: the streams of all processes in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    from runfork.index.interface import Index

__all__ = ["CONSOLE_PATTERN", "ConsoleLine", "is_error_path", "read_console_lines"]

CONSOLE_PATTERN = r"(^|/)std(out|err)$"


@dataclass(frozen=True)
class ConsoleLine:
    """One line.

    Args:
        time: When it appeared, microseconds since 1970.
        path: The stream, such as ``runtime/stdout``.
        text: Without its end.
    """

    time: int
    path: str
    text: str

    @property
    def is_error(self) -> bool:
        """Whether it went to stderr."""
        return is_error_path(self.path)


def is_error_path(path: str) -> bool:
    """Return whether a stream is a process' stderr."""
    return path.endswith("stderr")


def read_console_lines(index: Index, run_id: str, count: int) -> list[ConsoleLine]:
    """Return the last `count` lines that a run itself wrote, in the order of time."""
    definitions = index.definitions(
        run_ids=[run_id], pattern=compile_pattern(CONSOLE_PATTERN), types=[AttributeType.STRING_SERIES]
    )
    keys = [SeriesKey(run_id, definition.path) for definition in definitions]
    lines = [
        ConsoleLine(step, series.key.path, str(text))
        for series in index.points(PointsRequest(keys, inherit="own", tail=count))
        for step, text in zip(series.steps.tolist(), series.values, strict=True)
    ]
    return sorted(lines, key=lambda line: (line.time, line.path))[-count:]
