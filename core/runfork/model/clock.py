"""This machine's clock."""

from __future__ import annotations

import time


def now_us() -> int:
    """Return microseconds since 1970."""
    return time.time_ns() // 1000
