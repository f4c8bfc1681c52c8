"""Writes ``v2-what-is-new.journal``: one record of every form that journal format 2 has beyond format 1. Run once, on its release.

The file is never written anew: later versions of runfork must read the bytes that this version wrote.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

from runfork.journal.format import (
    FLAGS_TIMES,
    NAMESPACE,
    Flag,
    Kind,
    encode_file_header,
    encode_frame,
    encode_json,
    selection_bytes,
)
from runfork.model.steps import NO_STEP

TARGET = Path(__file__).parent / "v2-what-is-new.journal"
START = 1_800_000_000_000_000
TAG = 77


def write(target: Path) -> None:
    """Write the file."""
    identity = {
        "project": "team/digits",
        "run_id": "job-a1b2c3",
        "writer": "20270115T080000.000000-host-42-abcdef",
        "created": START,
        "tag": TAG,
        "host": "host",
        "pid": 42,
        "boot_id": "00000000-0000-0000-0000-000000000000:pid:[1]",
        "process_start": 123.0,
        "rank": 0,
        FLAGS_TIMES: True,
    }
    about = {"mark": "m0", "mark_time": START - 9, "journals": {"20270115T070000.000000-host-41-abcdef": 1234}}
    fork = {"parent": "job", "step": 2_500_000, **about}
    creation = {
        "run_id": "job-a1b2c3",
        "project": "team/digits",
        "experiment_name": None,
        "creation_time": START,
        "inherit_configs": True,
        "fork": fork,
        "attempt_of": "job",
    }
    described = {"trainer/": [NAMESPACE, None], "trainer/clip": ["none", None], "trainer/epochs": ["int", 3]}
    mark = {"mark": "m1", "epoch": None, "fingerprint": None, "cuts": {}, "journals": {"other": 99}}
    frames = [
        _json(1, Kind.CREATE, creation),
        _json(2, Kind.LINEAGE, {**fork, "policy": "fork", "checkpoint": None, "inherit_configs": True}),
        _json(3, Kind.CONFIGS, described),
        encode_frame(Kind.SCHEMA, b"a\0b\0c", time=START + 4, step=NO_STEP, schema=TAG + 1),
        _selection(5, 1_000_000, {0: 0.5, 2: -1.0}, flags=0),
        _selection(6, 2_000_000, {1: 3.0}, flags=Flag.GIVEN_TIME),
        _json(7, Kind.MARK, mark, step=2_000_000),
    ]
    target.write_bytes(encode_file_header(identity) + b"".join(frames))


def _json(tick: int, kind: Kind, body: dict[str, Any], *, step: int = NO_STEP) -> bytes:
    return encode_frame(kind, encode_json(body), time=START + tick, step=step, schema=TAG)


def _selection(tick: int, step: int, values: dict[int, float], *, flags: int) -> bytes:
    bits = sum(1 << place for place in values).to_bytes(selection_bytes(3), "little")
    payload = bits + struct.pack(f"<{len(values)}d", *values.values())
    return encode_frame(Kind.SELECTION, payload, time=START + tick, step=step, schema=TAG + 1, flags=flags)


if __name__ == "__main__":
    if TARGET.exists():
        sys.exit(f"{TARGET} exists: it stays as the released version wrote it")
    write(TARGET)
