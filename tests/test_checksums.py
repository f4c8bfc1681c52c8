"""Checksums of many frames at once, beside those of one at a time."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork.journal.checksums import LONGEST_STRIDE, first_unsound
from runfork.journal.format import FRAME_LENGTH, Kind, encode_frame

HEADER_BYTES = 32


def frames(payloads):
    return [encode_frame(Kind.METRICS, payload, time=7, step=9, schema=3) for payload in payloads]


@given(st.data())
def test_all_sound_frames_pass_and_the_first_damaged_one_is_found(data):
    size = data.draw(st.integers(0, LONGEST_STRIDE - HEADER_BYTES))
    whole = frames(data.draw(st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=20)))
    before = data.draw(st.binary(max_size=5))
    stride, crc = HEADER_BYTES + size, crc32(FRAME_LENGTH.pack(size))
    buffer = bytearray(before + b"".join(whole))
    first, end = len(before), len(buffer)

    assert first_unsound(bytes(buffer), first, end, stride=stride, crc=crc) == end

    broken = data.draw(st.integers(0, len(whole) - 1))
    at = first + broken * stride + data.draw(st.integers(4, stride - 1))
    buffer[at] ^= data.draw(st.integers(1, 255))

    assert first_unsound(bytes(buffer), first, end, stride=stride, crc=crc) == first + broken * stride


@pytest.mark.parametrize("broken", [0, 8191, 8192, 19_999])
def test_a_damaged_frame_is_found_among_many(broken):
    payloads = [step.to_bytes(8, "little") for step in range(20_000)]
    buffer = bytearray(b"".join(frames(payloads)))
    stride, crc = HEADER_BYTES + 8, crc32(FRAME_LENGTH.pack(8))
    buffer[broken * stride + 33] ^= 1

    found = first_unsound(bytes(buffer), 0, len(buffer), stride=stride, crc=crc)

    assert found == broken * stride
