"""Moments: microseconds since 1970, by this machine's clock or as a user gives them."""

from __future__ import annotations

import time
from datetime import datetime

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.conversion import datetime_to_micros, plain_value
from runfork.model.messages import shown

__all__ = ["now_us", "to_micros"]

_MICRO = 1_000_000
_MAX_SECONDS = 10**11  # some three thousand years


def now_us() -> int:
    """Return microseconds since 1970."""
    return time.time_ns() // 1000


def to_micros(timestamp: object) -> int:
    """Return a timestamp as microseconds since 1970; None is now, a naive datetime local, a number Unix seconds.

    Raises:
        ArgumentTypeError: It is none of these.
        ArgumentError: It is NaN, infinite, or thousands of years away.
    """
    if timestamp is None:
        return now_us()
    moment = plain_value(timestamp)
    if type(moment) is datetime:
        return datetime_to_micros(moment)
    if moment is None:
        raise ArgumentError(f"timestamp must be a time, found {shown(timestamp)}; leave it out where it is not known")
    if type(moment) not in (int, float):
        raise ArgumentTypeError(f"timestamp must be a datetime or Unix seconds, found {shown(timestamp)}")
    if not -_MAX_SECONDS < moment < _MAX_SECONDS:
        raise ArgumentError(f"timestamp must be Unix seconds, found {shown(timestamp)}; divide milliseconds by 1000")
    return round(float(moment) * _MICRO)
