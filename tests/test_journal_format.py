import json
import math
import re
import struct
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journal_bytes import bits_of, items_of, read
from tests.strategies import CHARACTERS

from runfork.errors import FormatError
from runfork.journal.format import (
    FRAME_HEADER,
    MAGIC,
    SYNC,
    Kind,
    decode_file_header,
    encode_file_header,
    encode_frame,
    encode_json,
    read_json,
)

IDENTITY = {"project": "a/b", "run_id": "ä" * 243, "writer": "w"}
TABLE = Path(__file__).parents[1] / "docs" / "journal-format.md"


def test_a_header_reads_back_with_where_the_first_frame_begins():
    data = encode_file_header(IDENTITY)

    assert (IDENTITY, len(data)) == decode_file_header(data + b"frames", source="x")


@given(
    st.dictionaries(st.text(CHARACTERS, max_size=9), st.text(CHARACTERS, max_size=30) | st.integers() | st.none()),
    st.integers(0, 5000),
)
def test_a_header_may_be_made_up_to_any_size(identity, size):
    data = encode_file_header(identity, size=size)

    assert len(data) == max(size, len(encode_file_header(identity)))
    assert decode_file_header(data, source="x") == (identity, len(data))


def test_a_header_that_is_still_being_written_is_none():
    data = encode_file_header(IDENTITY)

    assert {None} == {decode_file_header(data[:length], source="x") for length in range(len(data))}


@pytest.mark.parametrize("data", [b"SQLite format 3\0", b"\x89PNG\r\n\x1a\n", b"\0" * 100, b"\x89RFX"])
def test_something_else_is_no_journal(data):
    with pytest.raises(
        FormatError, match="^x is not a runfork journal: it does not begin with the journal's magic bytes"
    ):
        decode_file_header(data, source="x")


@given(st.data())
def test_a_header_with_a_flipped_bit_is_damaged_or_unfinished(data):
    good = encode_file_header(IDENTITY)
    position = data.draw(st.integers(len(MAGIC), len(good) - 1))
    bad = bytearray(good)
    bad[position] ^= 1 << data.draw(st.integers(0, 7))

    try:
        assert decode_file_header(bytes(bad), source="x") is None
    except FormatError as error:
        assert re.match(r"x has (a damaged header|journal format \d+)", str(error))  # noqa: PT017


def test_a_newer_version_says_to_upgrade():
    body = b"{}"
    data = struct.pack("<8sHHI", MAGIC, 3, len(body), crc32(struct.pack("<HH", 3, len(body)) + body)) + body

    with pytest.raises(
        FormatError, match="^x has journal format 3, this runfork reads up to 2; upgrade runfork to read it$"
    ):
        decode_file_header(data, source="x")


@given(
    kind=st.sampled_from(Kind),
    payload=st.binary(max_size=200),
    step=st.integers(-(2**63), 2**63 - 1),
    time=st.integers(-(2**63), 2**63 - 1),
    schema=st.integers(0, 2**32 - 1),
    flags=st.integers(0, 255),
)
def test_a_frame_is_the_bytes_that_the_document_says(kind, payload, step, time, schema, flags):
    frame = encode_frame(kind, payload, time=time, step=step, schema=schema, flags=flags)

    length, crc, *rest = FRAME_HEADER.unpack_from(frame)
    assert rest == [kind, flags, SYNC, schema, step, time]
    assert length == len(payload)
    assert frame[32:] == payload
    assert crc == crc32(frame[:4] + frame[8:])


def test_json_is_ascii_and_keeps_what_json_cannot():
    assert encode_json({"a": "\ud800ä", "b": math.nan}) == b'{"a":"\\ud800\\u00e4","b":NaN}'


def test_the_document_lists_every_kind_with_its_number():
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)

    assert {kind.name: kind.value for kind in Kind} == {name: int(number) for number, name in rows}


def test_the_document_shows_the_magic_and_the_sync_word():
    text = TABLE.read_text(encoding="utf-8")

    assert MAGIC.hex(" ") in text
    assert f"0x{SYNC:04X}" in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=3), inner, max_size=3),
)


@given(
    JSON,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"]),
    st.booleans(),
    st.binary(max_size=3),
)
def test_json_is_read_as_the_standard_library_reads_it(value, encoding, ensure_ascii, rest):
    payload = json.dumps({"a": value}, ensure_ascii=ensure_ascii).encode(encoding, "surrogatepass")
    for written in (payload, payload + rest, payload[:-1], b" " + payload):
        assert _outcome(json.loads, written) == _outcome(read_json, written)


def _outcome(function, payload):
    try:
        return repr(function(payload))
    except ValueError as error:
        return type(error), str(error)


# For ever

FORMATS = sorted((Path(__file__).parent / "formats").glob("v1-*.journal"))


def test_there_are_files_of_released_formats():
    assert [one.name for one in FORMATS] == ["v1-every-kind.journal"]


@pytest.mark.parametrize("released", FORMATS, ids=lambda one: one.stem)
def test_a_file_of_a_released_format_is_read_for_ever(released):
    batch = read(released)
    found = items_of(released)

    assert (batch.damage, batch.end) == ([], released.stat().st_size)
    assert [item for _, item in sorted(found.items())] == [
        ("record", {"run_id": "swift-öwl-1", "project": "team/digits", "experiment_name": "näme", "creation_time": 1_700_000_000_000_000, "inherit_configs": True, "fork": {"parent": "root", "step": 2_500_000}}, 1_700_000_000_000_001),  # noqa: E501
        ("record", {"parent": "root", "step": 2_500_000, "mark": "m0", "policy": "fork", "checkpoint": "last.ckpt", "inherit_configs": True}, 1_700_000_000_000_002),  # noqa: E501
        ("row", ("train/loss", "träin/acc"), 1_000_000, None, 0, (bits_of(0.5), bits_of(-0.0))),
        ("row", ("train/loss", "träin/acc"), 1_300_000, None, 0, (bits_of(math.inf), bits_of(0.1))),
        ("row", ("runtime/monitoring/cpu/percent",), 1_700_000_000_500_000, None, 1, (bits_of(12.5),)),
        ("row", ("val/loss",), 2_000_000, 0.25, 0, (bits_of(3.0),)),
        ("record", {"lr": ["float", 0.001], "epochs": ["int", 3], "amp": ["bool", True], "optimizer": ["string", "ädam"], "started": ["datetime", 1_700_000_000_000_000], "layers": ["string_set", ["a", "b"]]}, 1_700_000_000_000_008),  # noqa: E501
        ("record", {"runtime/stdout": ["one", "two"]}, 1_700_000_000_000_009),
        ("record", {"weights": {"edges": [0.0, 1.0, 2.0], "counts": [3, 4]}}, 1_700_000_000_000_010),
        ("record", {"config": {"sha256": "0" * 64, "size": 12, "mime": "text/plain", "name": "c.txt"}}, 1_700_000_000_000_011),
        ("record", {"sys/tags": {"add": ["a"], "remove": ["b"]}}, 1_700_000_000_000_012),
        ("record", {"mark": "m1", "epoch": 1, "fingerprint": None, "cuts": {"val/loss": 4_000_000}}, 1_700_000_000_000_013),
        ("record", {}, 1_700_000_000_000_014),
        ("record", {"state": "failed", "exception": {"type": "ValueError", "message": "no"}}, 1_700_000_000_000_015),
        ("record", {"state": "failed"}, 1_700_000_000_000_016),
    ]  # fmt: skip


def test_a_file_of_format_2_is_read_for_ever():
    released = Path(__file__).parent / "formats" / "v2-what-is-new.journal"
    batch = read(released)
    creation, lineage, described, mark = [record.body for record in batch.records]

    assert (batch.damage, batch.end, batch.identity["flags_times"]) == ([], released.stat().st_size, True)
    about = {
        "parent": "job",
        "step": 2_500_000,
        "mark": "m0",
        "mark_time": 1_799_999_999_999_991,
        "journals": {"20270115T070000.000000-host-41-abcdef": 1234},
    }
    assert (creation["fork"], creation["attempt_of"]) == (about, "job")
    assert lineage == {**about, "policy": "fork", "checkpoint": None, "inherit_configs": True}
    assert described == {"trainer/": ["namespace", None], "trainer/clip": ["none", None], "trainer/epochs": ["int", 3]}
    assert mark["journals"] == {"other": 99}
    assert [(rows.paths, rows.steps.tolist(), rows.values.tolist()) for rows in batch.rows] == [
        (("a", "c"), [1_000_000], [[0.5, -1.0]]),
        (("b",), [2_000_000], [[3.0]]),
    ]
