"""Journals as writers write them, made up at random, and what a reader should make of each frame."""

import struct
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from tests.strategies import CHARACTERS

from runfork.journal.format import Flag, Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.reader import JournalReader
from runfork.journal.records import Batch
from runfork.model.steps import NO_STEP
from runfork.testing.journals import batches_of

IDENTITY = {"project": "a/b", "run_id": "r", "writer": "w", "created": 1}
HEADER = encode_file_header(IDENTITY)
SCHEMAS = {1: ("a",), 2: ("b", "c"), 3: ("d",)}
FILE_HEALTH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def schema(number):
    return encode_frame(Kind.SCHEMA, "\0".join(SCHEMAS[number]).encode(), time=0, step=NO_STEP, schema=number)


def row(number, step, values, *, completion=None, time=7, flags=0):
    kind = Kind.METRICS if completion is None else Kind.PREVIEW
    numbers = [*([] if completion is None else [completion]), *values]
    return encode_frame(
        kind, struct.pack(f"<{len(numbers)}d", *numbers), time=time, step=step, schema=number, flags=flags
    )


def record(body, *, kind=Kind.HEARTBEAT, time=7, step=NO_STEP):
    return encode_frame(kind, encode_json(body), time=time, step=step)


_BODIES = st.builds(
    lambda text, padding: {"x": text, "pad": "p" * padding},
    st.text(CHARACTERS, max_size=5),
    st.sampled_from([0, 10, 500]),
)
_RECORDS = st.tuples(st.just(0), _BODIES, st.integers(0, 100))
_ROW = st.tuples(
    st.integers(0, 9),
    st.tuples(st.floats(), st.floats()),
    st.none() | st.just(0.5),
    st.sampled_from([0, 0, int(Flag.CLOCK_AXIS)]),
)
_ROWS = st.tuples(
    st.sampled_from(sorted(SCHEMAS)),
    st.lists(_ROW, min_size=1, max_size=5),
    st.sampled_from([1, 1, 1, 1, 8]),
)
_PARTS = _RECORDS | _ROWS


@st.composite
def journals(draw, max_frames=25):
    """Frames of a writer as it would write them, with what a reader should make of each: (bytes, item) pairs."""
    frames: list[tuple[bytes, Any]] = []
    known = set()
    for _ in range(draw(st.integers(0, max_frames))):
        number, *said = draw(_PARTS)
        if not number:
            body, time = said
            frames.append((record(body, time=time), ("record", body, time)))
            continue
        if number not in known:
            known.add(number)
            frames.append((schema(number), None))
        rows, times = said
        for place in range(times):
            for step, values, completion, flags in rows:
                frames.append(_row_and_item(number, step + place, values[: len(SCHEMAS[number])], completion, flags))
    return frames


def _row_and_item(number, step, values, completion, flags):
    item = ("row", SCHEMAS[number], step, completion, flags, tuple(map(bits_of, values)))
    return row(number, step, values, completion=completion, flags=flags), item


def bits_of(value):
    return struct.pack("<d", value)


def items_of(path, *, limit=2**26):
    """Everything that a reader finds, by file offset."""
    found: dict[int, tuple[object, ...]] = {}
    for batch in batches_of(path, limit=limit):
        for one in batch.records:
            found[one.offset] = ("record", dict(one.body), one.time)
        for rows in batch.rows:
            for index, offset in enumerate(rows.sequences.tolist()):
                completion = None if rows.completion is None else float(rows.completion[index])
                values = tuple(bits_of(value) for value in rows.values[index].tolist())
                flags = int(Flag.CLOCK_AXIS) if rows.clock_axis else 0
                found[offset] = ("row", rows.paths, int(rows.steps[index]), completion, flags, values)
    return found


def read(path, carry=None, start=0) -> Batch:
    """Read what must be there."""
    batch = JournalReader(path, carry).read(start)
    assert batch is not None
    return batch


def damage_of(path):
    return [damage for batch in batches_of(path) for damage in batch.damage]


def write(path, frames, header=HEADER):
    """Write frames to a file; returns what should be read, by file offset."""
    expected, data = {}, header
    for frame, item in frames:
        if item is not None:
            expected[len(data)] = item
        data += frame
    path.write_bytes(data)
    return expected
