"""Bytes with a checksum, and JSON, as the tables hold them."""

from __future__ import annotations

import json
import struct
import zlib

__all__ = ["SEAL", "check_seal", "sealed", "to_json"]

to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
"""Return the JSON of what came from JSON: to look for circles would take three times as long."""

SEAL = struct.Struct("<I")
"""What `sealed` puts behind."""


def sealed(data: bytes) -> bytes:
    """Return `data` with its checksum behind it."""
    return data + SEAL.pack(zlib.crc32(data))


def check_seal(data: bytes) -> None:
    """Check what `sealed` gave.

    Raises:
        ValueError: It is not as it was stored.
    """
    if (
        len(data) <= SEAL.size
        or zlib.crc32(memoryview(data)[: -SEAL.size]) != SEAL.unpack_from(data, len(data) - SEAL.size)[0]
    ):
        raise ValueError("the checksum of a column differs")
