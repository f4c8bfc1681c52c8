import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runfork.errors import FormatError
from runfork.journal import parser
from runfork.journal.format import FLAGS_TIMES, SYNC, Flag, Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.header import read_identity
from runfork.journal.reader import JournalReader
from runfork.journal.records import Batch
from runfork.journal.repair import repair_journal
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


@st.composite
def journals(draw, max_frames=25):
    """Frames of a writer as it would write them, with what a reader should make of each: (bytes, item) pairs."""
    frames: list[tuple[bytes, Any]] = []
    known = set()
    for _ in range(draw(st.integers(0, max_frames))):
        if draw(st.booleans()):
            number = draw(st.sampled_from(sorted(SCHEMAS)))
            if number not in known:
                known.add(number)
                frames.append((schema(number), None))
            for _ in range(draw(st.sampled_from([1, 1, 2, 5, 40]))):
                step = draw(st.integers(0, 9))
                values = draw(
                    st.lists(st.floats(width=64), min_size=len(SCHEMAS[number]), max_size=len(SCHEMAS[number]))
                )
                completion = draw(st.none() | st.just(0.5))
                flags = draw(st.sampled_from([0, 0, int(Flag.CLOCK_AXIS)]))
                item = ("row", SCHEMAS[number], step, completion, flags, tuple(map(_bits, values)))
                frames.append((row(number, step, values, completion=completion, flags=flags), item))
        else:
            body = {"x": draw(st.text(max_size=5)), "pad": "p" * draw(st.sampled_from([0, 10, 500]))}
            time = draw(st.integers(0, 100))
            frames.append((record(body, time=time), ("record", body, time)))
    return frames


def _bits(value):
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
                values = tuple(_bits(value) for value in rows.values[index].tolist())
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


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "w.journal"


# Whole journals


@given(journals(), st.sampled_from([2**26, 33, 100, 1000]), st.sampled_from([2**23, 1, 50]))
@FILE_HEALTH
def test_every_batch_limit_gives_the_same_records_and_rows(path, frames, limit, record_bytes):
    expected = write(path, frames)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parser, "RECORD_BYTES", record_bytes)
        assert expected == items_of(path, limit=limit)
    assert damage_of(path) == []


@given(journals(), st.data())
@FILE_HEALTH
def test_another_process_goes_on_from_the_carry(path, frames, data):
    expected = write(path, frames)
    limit = data.draw(st.integers(33, 2000))

    found, start, carry = {}, 0, None
    while (batch := JournalReader(path, carry).read(start, limit=limit)) is not None and batch.end > start:
        for one in batch.records:
            found[one.offset] = ("record", dict(one.body), one.time)
        for rows in batch.rows:
            found.update(dict.fromkeys(rows.sequences.tolist(), rows.paths))
        start, carry = batch.end, batch.carry
        assert not batch.damage

    assert {at: item[1] if item[0] == "row" else item for at, item in expected.items()} == found


def test_no_batch_holds_many_records_that_are_large(path):
    frame = encode_frame(Kind.CONFIGS, encode_json({"a": ["string", "x" * 2**20]}), time=0, step=0)
    path.write_bytes(HEADER + frame * 20)
    sizes = [len(batch.records) for batch in batches_of(path)]

    assert sizes == [8, 8, 4]


def test_nothing_new_is_none(path):
    write(path, [(record({"a": 1}), None)])
    reader = JournalReader(path)
    batch = reader.read()
    assert batch is not None

    assert reader.read(batch.end) is None


def test_what_was_appended_since_is_read_next(path):
    write(path, [(record({"a": 1}), None)])
    reader = JournalReader(path)
    first = reader.read()
    assert first is not None
    with path.open("ab") as file:
        file.write(record({"a": 2}))
    second = reader.read(first.end)
    assert second is not None

    assert [{"a": 2}] == [one.body for one in second.records]


@pytest.mark.parametrize("pad", [0, 100_000])
def test_what_was_appended_since_somebody_asked_whose_it_is_is_read_at_once_or_next(path, pad):
    path.write_bytes(HEADER)
    reader = JournalReader(path)
    assert reader.key() == ("r", "w")
    bodies = [{"a": 1, "pad": "p" * pad}, {"a": 2}]
    with path.open("ab") as file:
        file.write(b"".join(map(record, bodies)))
    found = [one.body for batch in reader.batches() for one in batch.records]

    assert bodies == found


def test_asking_whose_journal_it_is_leaves_it_closed(path):
    for pad in (0, 100_000):
        write(path, [(record({"a": 1, "pad": "p" * pad}), None)])
        reader = JournalReader(path)

        assert reader.key() == ("r", "w")
        assert str(path) not in [file.path for file in psutil.Process().open_files()]


def test_an_empty_file_and_half_a_header_are_left_for_later(path):
    for length in range(len(HEADER)):
        path.write_bytes(HEADER[:length])

        assert JournalReader(path).read() is None
        assert read_identity(path) is None


def test_a_file_that_is_no_journal_is_told(path):
    path.write_bytes(b"hello, world, this is a text file")

    with pytest.raises(FormatError, match="is not a runfork journal"):
        JournalReader(path).read()


def test_order_time_never_decreases_and_ignores_the_times_of_points(path):
    frames = [
        record({}, time=5),
        record({}, time=3),
        record({"s": "x"}, kind=Kind.STRINGS, time=99, step=1),
        record({}, time=6),
    ]
    write(path, [(frame, None) for frame in frames])

    assert [5, 5, 5, 6] == [one.order_time for one in read(path).records]


def test_order_time_is_carried_on(path):
    write(path, [(record({}, time=5), None)])
    first = read(path)
    with path.open("ab") as file:
        file.write(record({}, time=1))

    assert read(path, first.carry, first.end).records[0].order_time == 5


@pytest.mark.parametrize("is_flagged", [True, False])
def test_the_last_time_is_that_of_any_frame_unless_a_user_gave_it(path, is_flagged):
    given = int(Flag.GIVEN_TIME)
    frames = [
        record({}, time=10),
        schema(1),
        row(1, 0, [1.0] * len(SCHEMAS[1]), time=20),
        row(1, 1, [1.0] * len(SCHEMAS[1]), time=99, flags=given),
        encode_frame(Kind.STRINGS, encode_json({"a": "x"}), time=15, step=0),
        encode_frame(Kind.STRINGS, encode_json({"a": "x"}), time=98, step=1, flags=given),
    ]
    identity = {**IDENTITY, FLAGS_TIMES: True} if is_flagged else IDENTITY
    path.write_bytes(encode_file_header(identity) + b"".join(frames))
    batch = JournalReader(path).read()

    assert batch is not None
    assert batch.last_time == (20 if is_flagged else 10)  # earlier versions did not tell one from the other
    assert sorted(time for rows in batch.rows for time in rows.times.tolist()) == [20, 99]


def test_kinds_of_a_later_version_are_passed_over(path):
    frame = bytearray(record({"a": 1}))
    unknown = encode_frame(200, b"not json", time=0, step=0)  # type: ignore[arg-type]
    expected = write(path, [(unknown, None), (bytes(frame), ("record", {"a": 1}, 7))])

    assert expected == items_of(path)
    assert damage_of(path) == []


def test_many_rows_of_one_schema_are_one_group(path):
    rows = [row(1, step, [float(step)]) for step in range(10_000)]
    write(path, [(schema(1), None), *((one, None) for one in rows)])
    batch = read(path)

    assert len(batch.rows) == 1
    assert batch.rows[0].steps.tolist() == list(range(10_000))
    assert batch.rows[0].values[:, 0].tolist() == list(map(float, range(10_000)))
    assert np.all(np.diff(batch.rows[0].sequences) == 40)


# Cut off, damaged, or with garbage inside


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
        ("row", ("train/loss", "träin/acc"), 1_000_000, None, 0, (_bits(0.5), _bits(-0.0))),
        ("row", ("train/loss", "träin/acc"), 1_300_000, None, 0, (_bits(math.inf), _bits(0.1))),
        ("row", ("runtime/monitoring/cpu/percent",), 1_700_000_000_500_000, None, 1, (_bits(12.5),)),
        ("row", ("val/loss",), 2_000_000, 0.25, 0, (_bits(3.0),)),
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
