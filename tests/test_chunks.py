"""Columns of chunks come back to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from runfork.index.sqlite.points.columns import ColumnCodec
from runfork.index.sqlite.sealing import check_seal, sealed

INT64 = st.integers(-(2**63), 2**63 - 1)
SPECIAL_BITS = [0, 2**63, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000001, 0xFFF4000000000002, 1, 2**52]


def decoded_integers(values):
    codec = ColumnCodec()
    out = np.empty(len(values), np.int64)
    codec.decode_integers(codec.encode_integers(np.array(values, np.int64)), out)
    return out.tolist()


def decoded_bits(columns):
    codec = ColumnCodec()
    found = []
    for data in codec.encode_floats(columns):
        out = codec.decode_floats([data], [columns.shape[1]]).astype(np.float64)
        found.append(out.view(np.uint64).tolist())
    return found


@given(st.lists(INT64, min_size=1, max_size=50))
def test_any_integers_come_back(values):
    assert decoded_integers(values) == values


@given(INT64, st.integers(-(2**40), 2**40), st.integers(1, 300))
def test_progressions_come_back_and_are_short(start, stride, count):
    values = [((start + stride * i + 2**63) % 2**64) - 2**63 for i in range(count)]

    assert decoded_integers(values) == values
    assert len(ColumnCodec().encode_integers(np.array(values, np.int64))) == 17 + 4


@given(st.integers(1, 64), st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=40))
def test_differences_of_any_width_come_back(bits, differences):
    values = np.cumsum(np.array([one % 2**bits for one in differences], np.uint64)).view(np.int64).tolist()

    assert decoded_integers(values) == values


@given(arrays.arrays(np.uint64, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=st.integers(0, 2**64 - 1)))
def test_any_bits_of_floats_come_back(bits):
    assert decoded_bits(bits.view(np.float64)) == bits.tolist()


@given(st.lists(st.sampled_from(SPECIAL_BITS), min_size=1, max_size=40))
def test_special_floats_come_back(bits):
    columns = np.array([bits], np.uint64)

    assert decoded_bits(columns.view(np.float64)) == [bits]


@given(arrays.arrays(np.float32, st.integers(1, 100), elements=st.floats(width=32)))
def test_floats_of_single_precision_come_back(values):
    columns = values.astype(np.float64).reshape(1, -1)

    assert decoded_bits(columns) == columns.view(np.uint64).tolist()


def test_single_precision_takes_half_the_space():
    noise = np.random.default_rng(0).standard_normal((1, 4096))
    [exact] = ColumnCodec().encode_floats(noise)
    [single] = ColumnCodec().encode_floats(noise.astype(np.float32).astype(np.float64))

    assert len(single) < 0.55 * len(exact)


@pytest.mark.parametrize(
    ("values", "bytes_per_point"),
    [
        (np.random.default_rng(0).standard_normal(16384).astype(np.float32), 3.36),
        (np.random.default_rng(0).integers(0, 256, 16384) / 256, 1.2),
        (np.cos(np.arange(16384) / 16384), 1),
        (np.arange(16384) / 7, 2),
    ],
)
def test_noise_is_packed_and_patterns_are_found(values, bytes_per_point):
    [data] = ColumnCodec().encode_floats(values.astype(np.float64).reshape(1, -1))

    assert len(data) < bytes_per_point * 16384


def test_a_constant_takes_nine_bytes_and_a_checksum():
    [data] = ColumnCodec().encode_floats(np.full((1, 4096), np.nan))

    assert len(data) == 9 + 4


@pytest.mark.parametrize("values", [[], ["a", "\ud800", "é\0", None], [{"edges": [0, 1], "counts": [2**70]}]])
def test_json_values_come_back(values):
    codec = ColumnCodec()

    assert codec.decode_values(codec.encode_values(values)) == values


@pytest.mark.parametrize("place", [0, 3, -1])
def test_a_byte_that_was_changed_is_noticed(place):
    codec = ColumnCodec()
    for data, decode in (
        (
            codec.encode_integers(np.arange(9, dtype=np.int64) ** 2),
            lambda data: codec.decode_integers(data, np.empty(9, np.int64)),
        ),
        (codec.encode_floats(np.array([[1.0, 2.5, 3.25]]))[0], lambda data: codec.decode_floats([data], [3])),
        (codec.encode_values(["a"]), codec.decode_values),
    ):
        changed = bytearray(data)
        changed[place] ^= 64
        with pytest.raises(ValueError, match="checksum"):
            decode(bytes(changed))


@given(st.integers(0, 2**32), st.integers(1, 30_000), st.data())
def test_no_byte_and_no_page_changes_unseen(seed, size, data):
    whole = sealed(np.random.default_rng(seed).bytes(size))
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    check_seal(whole)

    with pytest.raises(ValueError, match="checksum"):
        check_seal(bytes(changed))


@pytest.mark.parametrize("pages", [(1, 0, 2, 3, 4), (0, 1, 1, 3, 4), (0, 1, 2, 3), (0, 1, 2, 3, 4, 4)])
@pytest.mark.parametrize("length", [4096, 8, 1])
def test_nothing_moves_unseen(length, pages):
    whole = sealed(np.random.default_rng(0).bytes(5 * length + 77))
    moved = b"".join(whole[page * length : (page + 1) * length] for page in pages) + whole[5 * length :]

    with pytest.raises(ValueError, match="checksum"):
        check_seal(moved)
