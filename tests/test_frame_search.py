"""Journals that are cut off, damaged, or have garbage inside: what is whole is read, and the rest is told."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journal_bytes import FILE_HEALTH, HEADER, SCHEMAS, damage_of, items_of, journals, record, row, schema, write

from runfork.errors import FormatError
from runfork.journal.format import SYNC, encode_frame
from runfork.journal.reader import JournalReader
from runfork.journal.repair import repair_journal
from runfork.testing.journals import batches_of


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "w.journal"


@given(journals(max_frames=6))
@FILE_HEALTH
def test_a_journal_that_is_cut_anywhere_gives_every_whole_frame_before_the_cut_and_no_damage(path, frames):
    write(path, frames)
    data = path.read_bytes()
    ends, offset = [], len(HEADER)
    for frame, item in frames:
        ends.append((offset, offset + len(frame), item))
        offset += len(frame)
    for cut in range(len(HEADER), len(data), 1 + len(data) // 40):
        path.write_bytes(data[:cut])

        assert {start: item for start, end, item in ends if end <= cut and item is not None} == items_of(path)
        assert damage_of(path) == []


@given(journals(max_frames=12), st.data())
@FILE_HEALTH
def test_a_live_writers_partial_frame_is_left_alone_and_read_when_it_is_whole(path, frames, data):
    expected = write(path, frames)
    whole = path.read_bytes()
    cut = data.draw(st.integers(len(HEADER), len(whole)))
    path.write_bytes(whole[:cut])
    reader = JournalReader(path)
    first = reader.read()
    assert first is not None
    assert first.damage == []
    path.write_bytes(whole)
    second = reader.read(first.end)

    found = [one.offset for batch in (first, second) if batch for one in batch.records]
    found += [at for batch in (first, second) if batch for rows in batch.rows for at in rows.sequences.tolist()]
    assert sorted(expected) == sorted(found)


def _expected_after(frames, harmed, shift=0, shift_from=10**9):
    """What should be read although the bytes in `harmed` (a range of the original file) are lost."""
    lost_schemas, expected, offset = set(), {}, len(HEADER)
    for frame, item in frames:
        is_harmed = offset < harmed.stop and offset + len(frame) > harmed.start
        at = offset + (shift if offset >= shift_from else 0)
        if is_harmed and item is None:
            lost_schemas.add(next(paths for number, paths in SCHEMAS.items() if schema(number) == frame))
        if item is not None and not is_harmed and not (item[0] == "row" and item[1] in lost_schemas):
            expected[at] = item
        offset += len(frame)
    return expected


@given(journals(), st.data(), st.sampled_from([2**26, 100, 700]))
@FILE_HEALTH
def test_a_flipped_bit_costs_the_frame_it_is_in_and_is_told(path, frames, data, limit):
    write(path, [*frames, (record({"end": 1}), None)])
    whole = bytearray(path.read_bytes())
    size = len(whole) - len(record({"end": 1}))
    if size == len(HEADER):
        return
    position = data.draw(st.integers(len(HEADER), size - 1))
    whole[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    expected = _expected_after(frames, range(position, position + 1))
    expected[size] = ("record", {"end": 1}, 7)

    assert expected == items_of(path, limit=limit)
    assert damage_of(path)


@given(journals(), st.data(), st.sampled_from([2**26, 100]))
@FILE_HEALTH
def test_a_block_of_zeros_costs_the_frames_it_touches(path, frames, data, limit):
    write(path, [*frames, (record({"end": 1}), None)])
    whole = bytearray(path.read_bytes())
    size = len(whole) - len(record({"end": 1}))
    start = data.draw(st.integers(len(HEADER), size))
    stop = data.draw(st.integers(start, size))
    had_only_zeros = not any(whole[start:stop])
    whole[start:stop] = bytes(stop - start)
    path.write_bytes(whole)
    expected = _expected_after(frames, range(start, stop) if not had_only_zeros else range(0))
    expected[size] = ("record", {"end": 1}, 7)
    found = items_of(path, limit=limit)

    assert found.items() >= expected.items()  # zeros over zeros harm nothing


@given(journals(), st.data(), st.binary(min_size=1, max_size=300), st.sampled_from([2**26, 50]))
@FILE_HEALTH
def test_garbage_in_the_middle_costs_nothing_but_itself(path, frames, data, garbage, limit):
    frames = [*frames, (record({"end": 1}), ("record", {"end": 1}, 7))]
    write(path, frames)
    whole = path.read_bytes()
    offsets = np.cumsum([len(HEADER), *(len(frame) for frame, _ in frames[:-1])]).tolist()
    at = data.draw(st.sampled_from(offsets))
    path.write_bytes(whole[:at] + garbage + whole[at:])

    assert _expected_after(frames, range(0), shift=len(garbage), shift_from=at) == items_of(path, limit=limit)
    assert sum(damage.length for damage in damage_of(path)) == len(garbage)


@given(journals(), st.binary(min_size=1, max_size=300))
@FILE_HEALTH
def test_garbage_at_the_end_costs_nothing(path, frames, garbage):
    expected = write(path, frames)
    with path.open("ab") as file:
        file.write(garbage)

    assert expected == items_of(path)


@given(st.binary(max_size=2000))
@FILE_HEALTH
def test_no_bytes_at_all_make_the_reader_fail(path, garbage):
    path.write_bytes(HEADER + garbage)

    assert items_of(path) == {}


@given(journals(max_frames=8), st.lists(st.integers(0, 2**31), max_size=20))
@FILE_HEALTH
def test_any_bytes_overwritten_never_make_up_a_record(path, frames, noise):
    expected = write(path, frames)
    whole = bytearray(path.read_bytes())
    for number in noise:
        if len(whole) > len(HEADER):
            whole[len(HEADER) + number % (len(whole) - len(HEADER))] = number % 256
    path.write_bytes(whole)

    assert items_of(path).items() <= expected.items()


def test_a_sync_word_inside_a_payload_is_no_frame(path):
    body = SYNC.to_bytes(2, "little") * 50
    frames = [(encode_frame(200, body, time=0, step=0), None), (record({"a": 1}), ("record", {"a": 1}, 7))]  # type: ignore[arg-type]
    expected = write(path, frames)

    assert expected == items_of(path)


def test_a_damaged_length_does_not_swallow_what_follows(path):
    frames = [(record({"a": number}), ("record", {"a": number}, 7)) for number in range(5)]
    expected = write(path, frames)
    whole = bytearray(path.read_bytes())
    whole[len(HEADER) : len(HEADER) + 4] = struct.pack("<I", 60_000_000)
    path.write_bytes(whole)
    del expected[len(HEADER)]

    assert expected == items_of(path)
    assert expected == items_of(path, limit=64)
    assert damage_of(path)[0].reason == "a record that is longer than the file"


def test_rows_whose_schema_was_lost_are_told(path):
    write(path, [(schema(1), None), (row(1, 0, [1.0]), None), (row(1, 1, [1.0]), None)])
    whole = bytearray(path.read_bytes())
    whole[len(HEADER) + 32] ^= 1
    path.write_bytes(whole)

    assert [damage.reason for damage in damage_of(path)][-1] == "rows of schema 1, whose paths are lost"


overwrites = st.tuples(
    st.floats(0, 1, exclude_max=True), st.one_of(st.binary(min_size=1, max_size=60), st.integers(1, 600).map(bytes))
)


@given(journals(max_frames=12), st.lists(overwrites, max_size=4), st.floats(0, 1), st.binary(max_size=80), st.data())
@FILE_HEALTH
def test_under_any_mixture_of_damage_whole_records_are_read_and_any_split_reads_the_same(path, frames, changes, kept, tail, data):  # fmt: skip  # noqa: E501
    write(path, frames)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    for place, new in changes:
        at = int(place * len(damaged))
        damaged[at : at + len(new)] = new[: len(damaged) - at]
    damaged = damaged[: int((0.5 + kept) * len(damaged))] + tail
    path.write_bytes(damaged)
    sound, names, offset = {}, set(), len(HEADER)
    for frame, item in frames:
        if damaged[offset : offset + len(frame)] == frame:
            sound[offset] = item
            names |= {paths for number, paths in SCHEMAS.items() if frame == schema(number)}
        offset += len(frame)
    expected = {at: item for at, item in sound.items() if item and (item[0] == "record" or item[1] in names)}
    limit = data.draw(st.integers(1, 400))
    try:
        found = items_of(path)
    except FormatError:
        assert expected == {}
        return

    assert expected == found
    assert items_of(path, limit=limit) == found
    stretches = [(one.offset, one.length, one.reason) for one in damage_of(path) if not one.is_sound]
    split = [one for batch in batches_of(path, limit=limit) for one in batch.damage]
    assert [(one.offset, one.length, one.reason) for one in split if not one.is_sound] == stretches


@given(journals(max_frames=12), st.lists(overwrites, max_size=4), st.binary(max_size=80))
@FILE_HEALTH
def test_a_repair_of_any_damage_leaves_what_is_read_as_it_was(path, frames, changes, tail):
    write(path, frames)
    damaged = bytearray(path.read_bytes() + tail)
    for place, new in changes:
        at = int(place * len(damaged))
        damaged[at : at + len(new)] = new[: len(damaged) - at]
    path.write_bytes(damaged)
    try:
        before = items_of(path)
        repair_journal(path)
    except FormatError:
        return
    for kept in path.parent.glob("*.damaged-*"):
        kept.unlink()

    assert items_of(path) == before
    assert [one for one in damage_of(path) if one.offset and one.length >= 32 and not one.is_sound] == []
