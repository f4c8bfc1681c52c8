"""Writes ``v1-every-kind.journal``: one record of every kind, as journal format 1 has them. Run once, on its release.

The file is never written anew: later versions of runfork must read the bytes that this version wrote.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

from runfork.journal.format import Flag, Kind, encode_file_header, encode_frame, encode_json
from runfork.model.steps import NO_STEP

TARGET = Path(__file__).parent / "v1-every-kind.journal"
START = 1_700_000_000_000_000


def write(target: Path) -> None:
    """Write the file."""
    identity = {
        "project": "team/digits",
        "run_id": "swift-öwl-1",
        "writer": "20231114T221320.000000-host-42-abcdef",
        "created": START,
        "host": "host",
        "pid": 42,
        "boot_id": "00000000-0000-0000-0000-000000000000:pid:[1]",
        "process_start": 123.0,
        "rank": 0,
    }
    lineage = {
        "parent": "root",
        "step": 2_500_000,
        "mark": "m0",
        "policy": "fork",
        "checkpoint": "last.ckpt",
        "inherit_configs": True,
    }
    lines = {"runtime/stdout": ["one", "two"]}
    tags = {"sys/tags": {"add": ["a"], "remove": ["b"]}}
    frames = [
        _json(1, Kind.CREATE, run_id="swift-öwl-1", project="team/digits", experiment_name="näme", creation_time=START,
              inherit_configs=True, fork={"parent": "root", "step": 2_500_000}),
        encode_frame(Kind.LINEAGE, encode_json(lineage), time=START + 2, step=NO_STEP),
        _schema(3, 1, "train/loss", "träin/acc"),
        _row(3, Kind.METRICS, 1, 1_000_000, 0.5, -0.0),
        _row(4, Kind.METRICS, 1, 1_300_000, float("inf"), 0.1),
        _schema(5, 2, "runtime/monitoring/cpu/percent"),
        _row(5, Kind.METRICS, 2, START + 500_000, 12.5, flags=Flag.CLOCK_AXIS),
        _schema(6, 3, "val/loss"),
        _row(7, Kind.PREVIEW, 3, 2_000_000, 0.25, 3.0),
        _json(8, Kind.CONFIGS, lr=["float", 0.001], epochs=["int", 3], amp=["bool", True], optimizer=["string", "ädam"],
              started=["datetime", START], layers=["string_set", ["a", "b"]]),
        _json(9, Kind.STRINGS, lines, step=START + 9, flags=Flag.CLOCK_AXIS),
        _json(10, Kind.HISTOGRAMS, step=1_000_000, weights={"edges": [0.0, 1.0, 2.0], "counts": [3, 4]}),
        _json(11, Kind.FILES, config={"sha256": "0" * 64, "size": 12, "mime": "text/plain", "name": "c.txt"}),
        _json(12, Kind.TAGS, tags),
        _json(13, Kind.MARK, step=3_000_000, mark="m1", epoch=1, fingerprint=None, cuts={"val/loss": 4_000_000}),
        _json(14, Kind.HEARTBEAT),
        _json(15, Kind.STATUS, state="failed", exception={"type": "ValueError", "message": "no"}),
        _json(16, Kind.CLOSE, state="failed"),
    ]  # fmt: skip
    target.write_bytes(encode_file_header(identity) + b"".join(frames))


def _json(
    tick: int, kind: Kind, by_path: dict[str, Any] | None = None, *, step: int = NO_STEP, flags: int = 0, **body: object
) -> bytes:
    return encode_frame(kind, encode_json({**(by_path or {}), **body}), time=START + tick, step=step, flags=flags)


def _schema(tick: int, number: int, *paths: str) -> bytes:
    return encode_frame(Kind.SCHEMA, "\0".join(paths).encode(), time=START + tick, step=NO_STEP, schema=number)


def _row(tick: int, kind: Kind, number: int, step: int, *values: float, flags: int = 0) -> bytes:
    payload = struct.pack(f"<{len(values)}d", *values)
    return encode_frame(kind, payload, time=START + tick, step=step, schema=number, flags=flags)


if __name__ == "__main__":
    if TARGET.exists():
        sys.exit(f"{TARGET} exists: it stays as the released version wrote it")
    write(TARGET)
