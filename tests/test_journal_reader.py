"""Reading whole journals, and reading on where one stopped."""

from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journal_bytes import (
    FILE_HEALTH,
    HEADER,
    IDENTITY,
    SCHEMAS,
    damage_of,
    items_of,
    journals,
    read,
    record,
    row,
    schema,
    write,
)

from runfork.errors import FormatError
from runfork.journal import parser
from runfork.journal.format import FLAGS_TIMES, Flag, Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.header import read_identity
from runfork.journal.reader import JournalReader
from runfork.journal.writer import JournalWriter
from runfork.testing.journals import batches_of


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "w.journal"


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


def test_reading_while_writing_finds_whole_records_only(tmp_path):
    writer = JournalWriter(lambda: (tmp_path / "w.journal", HEADER), on_trouble=print)
    reader, end, seen = JournalReader(tmp_path / "w.journal"), 0, []
    for number in range(50):
        writer.write(record({"n": number}))
        batch = reader.read(end)
        assert batch is not None
        end = batch.end
        seen += [one.body["n"] for one in batch.records]
    writer.close()

    assert seen == list(range(50))
