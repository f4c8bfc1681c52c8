r"""The bytes of a journal, version 2. This module is their only description in code; ``docs/journal-format.md`` is the other.

All integers are little-endian. A file is a header and then frames::

    header   magic   8 bytes   b"\x89RFJ\r\n\x1a\n"
             version u16       2; journals of version 1 are read as well, and have no SELECTION frames
             length  u16       bytes of the JSON that follows
             crc     u32       CRC-32 of version, length and JSON
             JSON              project, run_id, writer, tag, created (us), host, pid, boot_id, process_start, rank, flags_times;
                               where they apply launch, launch_rank, forked_by, is_visitor

    frame    length  u32       bytes of the payload
             crc     u32       CRC-32 of length, the rest of this header, and the payload
             kind    u8        `Kind`
             flags   u8        `Flag` bits
             sync    u16       0x4652, where a reader looks for the next frame after damage
             schema  u32       schema id for METRICS, PREVIEW, SELECTION and SCHEMA frames, else the journal's tag, or 0
             step    i64       micro-steps, or NO_STEP
             time    i64       microseconds since 1970
             payload           by kind

    payloads METRICS   float64 x number of paths of the schema
             PREVIEW   float64 completion ratio, then as METRICS
             SELECTION bit i of `selection_bytes` bytes, the lowest first, says whether path i of the schema has a value; then a
                       float64 for each that has, in their order
             SCHEMA    the paths as UTF-8, separated by NUL
             all other kinds   a JSON object (ASCII)

Frames of one schema and kind have one length, so a run of them decodes as one NumPy view. A reader ignores kinds that it
does not know; a change that older readers must not ignore raises the file's version.
"""

from __future__ import annotations

import json
import struct
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any
from zlib import crc32

from runfork.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC = b"\x89RFJ\r\n\x1a\n"
FILE_VERSION = 2
FLAGS_TIMES = "flags_times"
"""Stands in the header of journals whose frames say whether their time is given; those of earlier versions do not."""
SYNC = 0x4652
_FILE_PREFIX = struct.Struct("<8sHHI")
FRAME_HEADER = struct.Struct("<IIBBHIqq")
"""length, crc, kind, flags, sync, schema, step, time."""
HEADER_SIZE = FRAME_HEADER.size
CHECKSUM_AT, KIND_AT, SYNC_AT, STEP_AT, TIME_AT = 4, 8, 10, 16, 24
"""Where a frame holds them; the checksum covers what follows it, and the length."""

FRAME_LENGTH = struct.Struct("<I")
FRAME_PREFIX = struct.Struct("<II")
FRAME_BODY_FORMAT = "<BBHIqq"
FRAME_BODY = struct.Struct(FRAME_BODY_FORMAT)
MAX_FILE_HEADER = _FILE_PREFIX.size + 2**16
"""No file header is longer."""

MAX_PAYLOAD = 64 * 1024 * 1024
"""No payload is longer; a length beyond it is damage."""

NAMESPACE = "namespace"
"""In a CONFIGS record, what stands for the type where the key is a namespace (with its slash) that the record replaces."""

MAX_SCHEMA_IDS = 2**20
"""Schema ids of a journal are its tag and so many numbers after it."""


class Kind(IntEnum):
    """What a frame says."""

    CREATE = 1
    """The run exists: run_id, project, experiment_name, creation_time (us), inherit_configs, fork; attempt_of where it is one."""
    LINEAGE = 2
    """The run's parent: parent, step (micro-steps), mark, mark_time (us), journals, inherit_configs, checkpoint, policy."""
    SCHEMA = 3
    """The ordered paths that METRICS, PREVIEW and SELECTION frames with this schema id carry."""
    METRICS = 4
    """One row of float series."""
    PREVIEW = 5
    """One provisional row of float series."""
    CONFIGS = 6
    """Single values: {path: [type, value]}; {"namespace/": ["namespace", null]} replaces what stood below it."""
    STRINGS = 7
    """String-series points: {path: text}, or {path: [text, ...]} for lines one micro-step apart."""
    HISTOGRAMS = 8
    """Histogram-series points: {path: {edges, counts | densities}}."""
    FILES = 9
    """Files: {path: {sha256, size, mime, name}}; a file series where the frame has a step."""
    TAGS = 10
    """Changes to a string set: {path: {add: [...], remove: [...]}}."""
    MARK = 11
    """A checkpoint was written: mark, epoch, fingerprint, cuts {path: micro-step}, journals {writer: bytes}; at the main step."""
    HEARTBEAT = 12
    """The writer was alive: {}."""
    STATUS = 13
    """The run's state changed: state, and exception where it failed."""
    CLOSE = 14
    """The writer is done: state."""
    FILLER = 15
    """Bytes that could not be read stood here: written by a repair, so that all that follows keeps its place. Says nothing."""
    SELECTION = 16
    """One row of float series that has values of some paths of its schema: which, in bits, and the values."""


class Flag(IntFlag):
    """Bits of a frame's flags."""

    CLOCK_AXIS = 1
    """The step is Unix time (see `runfork.model.steps`)."""
    GIVEN_TIME = 2
    """The time is what the user passed, and not what the writer's clock showed. Said only where the header holds `FLAGS_TIMES`."""


def selection_bytes(paths: int) -> int:
    """Return how many bytes of a SELECTION frame say which of so many paths have values: whole words of 64."""
    return (paths + 63) // 64 * 8


def encode_file_header(identity: Mapping[str, Any], *, size: int = 0) -> bytes:
    """Return the bytes that a journal begins with, made up with spaces to `size` bytes where they are fewer."""
    body = encode_json(dict(identity)).ljust(size - _FILE_PREFIX.size)
    crc = crc32(struct.pack("<HH", FILE_VERSION, len(body)) + body)
    return _FILE_PREFIX.pack(MAGIC, FILE_VERSION, len(body), crc) + body


def decode_file_header(data: bytes | memoryview, *, source: str) -> tuple[Any, int] | None:
    """Read a journal's header.

    Args:
        data: The first bytes of the file.
        source: The file's name, for messages.

    Returns:
        The JSON, whatever it holds, and the offset of the first frame; None when `data` ends inside the header, which is still
        being written.

    Raises:
        FormatError: It is no journal, is damaged, or is of a newer version.
    """
    if bytes(data[: len(MAGIC)]) != MAGIC[: len(data)]:
        raise FormatError(f"{source} is not a runfork journal: it does not begin with the journal's magic bytes")
    if len(data) < _FILE_PREFIX.size:
        return None
    _, version, length, crc = _FILE_PREFIX.unpack_from(data)
    end = _FILE_PREFIX.size + length
    if len(data) < end:
        return None
    body = bytes(data[_FILE_PREFIX.size : end])
    if crc32(struct.pack("<HH", version, length) + body) != crc:
        raise FormatError(f"{source} has a damaged header (its checksum differs)")
    if version > FILE_VERSION:
        raise FormatError(
            f"{source} has journal format {version}, this runfork reads up to {FILE_VERSION}; upgrade runfork to read it"
        )
    try:
        return read_json(body), end
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{source} has a header that is no JSON: {error}") from error


def is_of_newer_version(data: bytes) -> bool:
    """Return whether a file that begins with `data` has a sound header of a version above ours, which must not be read."""
    if data[: len(MAGIC)] != MAGIC or len(data) < _FILE_PREFIX.size:
        return False
    _, version, length, crc = _FILE_PREFIX.unpack_from(data)
    body = data[_FILE_PREFIX.size : _FILE_PREFIX.size + length]
    return bool(version > FILE_VERSION and crc32(struct.pack("<HH", version, length) + body) == crc)


def encode_frame(kind: Kind, payload: bytes, *, time: int, step: int, schema: int = 0, flags: int = 0) -> bytes:
    """Return one frame's bytes; `time` in microseconds, `step` in micro-steps or NO_STEP."""
    length = len(payload)
    body = FRAME_BODY.pack(kind, flags, SYNC, schema, step, time)
    crc = crc32(payload, crc32(body, crc32(FRAME_LENGTH.pack(length))))
    return FRAME_PREFIX.pack(length, crc) + body + payload


def encode_json(body: dict[str, Any]) -> bytes:
    """Return a record's JSON payload: ASCII, so that lone surrogates survive; NaN and infinities as Python spells them."""
    return _write_value(body).encode("ascii")


def read_json(payload: bytes) -> Any:
    """Return what `json.loads` makes of a record's payload, in less time where it is what `encode_json` gives.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deep.
    """
    if payload.startswith(b'{"'):  # no other coding begins like that
        text = payload.decode("utf-8", "surrogatepass")
        body, end = _read_value(text)
        if end == len(text):
            return body
    return json.loads(payload)


_read_value = json.JSONDecoder().raw_decode
_write_value = json.JSONEncoder(separators=(",", ":")).encode
