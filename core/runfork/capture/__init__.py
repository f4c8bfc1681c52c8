"""What a run logs by itself: console output, the environment, hardware, source code, and records of `logging`."""

from __future__ import annotations

__all__: list[str] = []
