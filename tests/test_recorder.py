# pyright: reportOptionalMemberAccess=false
import math
import struct
from itertools import pairwise

import pytest

from runfork.errors import ArgumentError, LoggingError, RunforkWarning
from runfork.journal.format import Kind, encode_file_header
from runfork.journal.frame_search import schema_frames
from runfork.journal.writer import JournalWriter
from runfork.model.attributes import AttributeType
from runfork.model.conversion import to_micros
from runfork.testing.journals import batches_of
from runfork.writing.problems import Problems
from runfork.writing.recorder import MAX_SCHEMAS, Recorder

HEADER = {"project": "t/p", "run_id": "r", "writer": "w", "created": 0}


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "run" / "w.journal"
    writer = JournalWriter(lambda: (path, encode_file_header(HEADER)), on_trouble=print)
    yield writer
    writer.close()


@pytest.fixture
def recorder(journal):
    return Recorder(journal, Problems(raises=False))


def read(journal):
    """Return all that the journal holds, as one batch."""
    whole, *others = batches_of(journal.path)
    for batch in others:
        whole.records.extend(batch.records)
        whole.rows.extend(batch.rows)
        whole.damage.extend(batch.damage)
    return whole


def test_a_row_is_the_same_whether_its_names_were_seen_or_not(journal, recorder):
    for step in range(3):
        recorder.log_metrics({"a": step, "b": math.nan}, step)
    (rows,) = read(journal).rows

    assert rows.paths == ("a", "b")
    assert rows.steps.tolist() == [0, 1_000_000, 2_000_000]
    assert rows.values[:, 0].tolist() == [0.0, 1.0, 2.0]
    assert struct.pack("<d", rows.values[1, 1]) == struct.pack("<d", math.nan)


def test_one_call_is_one_write(journal, recorder):
    recorder.log_metrics({"a": 1}, 1)
    before = journal.size
    recorder.log_metrics({"a": 2}, 2)

    assert journal.size - before == 32 + 8


def test_names_are_written_once(journal, recorder):
    for step in range(100):
        recorder.log_metrics({"a" * 500: step}, step)

    assert journal.size < 100 * 40 + 1000


def test_names_are_written_again_whenever_the_journal_has_doubled(journal, recorder):
    for step in range(20_000):
        recorder.log_metrics({"a": step}, step)
        recorder.repeat_schemas()
    with journal.path.open("rb") as file:
        copies = [offset for offset, _, _ in schema_frames(file, 0, journal.size)]

    assert [round(later / earlier) for earlier, later in pairwise(copies[1:])] == [2] * (len(copies) - 2)
    assert 8 <= len(copies) <= 9


def test_names_that_are_written_again_take_an_eighth_of_the_journal_at_most(journal, recorder):
    for number in range(3000):
        recorder.log_metrics({f"name {number}": 1, "pad" * 50: 2}, 0)
        recorder.repeat_schemas()
    with journal.path.open("rb") as file:
        copies = sum(1 for _ in schema_frames(file, 0, journal.size))

    assert 3000 < copies < 3000 * 1.2


def test_rows_are_read_although_the_first_copy_of_their_names_is_damaged(journal, recorder):
    for step in range(1000):
        recorder.log_metrics({"a": step}, step)
    recorder.repeat_schemas()
    data = bytearray(journal.path.read_bytes())
    data[data.index(b"a" + struct.pack("<I", 8))] ^= 1
    journal.path.write_bytes(data)
    batch = read(journal)

    assert [(rows.paths, len(rows.steps)) for rows in batch.rows] == [(("a",), 1000)]
    assert [damage.reason for damage in batch.damage] == ["a record whose checksum differs"]


def test_memory_does_not_grow_with_sets_of_names_that_never_come_again(recorder):
    for number in range(MAX_SCHEMAS + 10):
        recorder.log_metrics({f"m{number}": 1}, 1)

    assert len(recorder._schemas) <= MAX_SCHEMAS


def test_a_user_value_may_raise_anything(journal, recorder):
    class Hostile:
        def __float__(self):
            raise RuntimeError("not now")

    recorder.log_metrics({"a": 1, "b": 1}, 0)
    with pytest.warns(RunforkWarning, match="metric 'b' was not logged"):
        recorder.log_metrics({"a": 2, "b": Hostile()}, 1)

    assert sum(rows.steps.size for rows in read(journal).rows if "a" in rows.paths) == 2


def test_an_interrupt_goes_through(recorder):
    class Interrupted:
        def __float__(self):
            raise KeyboardInterrupt

    recorder.log_metrics({"a": 1}, 0)
    with pytest.raises(KeyboardInterrupt):
        recorder.log_metrics({"a": Interrupted()}, 1)


def test_rows_whose_names_the_disk_refused_for_good_are_not_written_later(tmp_path, journal, recorder):
    (tmp_path / "run").write_text("a file where the folder should be")
    recorder.record(Kind.CONFIGS, {"big": ["string", "x" * 7 * 1024 * 1024], "more": ["string", "x" * 7 * 1024 * 1024]})
    recorder.record(Kind.CONFIGS, {"rest": ["string", "x" * (2 * 1024 * 1024 - 500)]})
    recorder.log_metrics({"n" * 1000: 1}, 1)
    lost = journal.lost_records
    (tmp_path / "run").unlink()
    journal.sync()
    recorder.log_metrics({"n" * 1000: 2}, 2)
    batch = read(journal)

    assert lost > 0
    assert batch.damage == []
    assert [rows.values.tolist() for rows in batch.rows] == [[[2.0]]]


def test_long_records_are_split_between_paths_even_while_the_disk_refuses_them(tmp_path, journal, recorder):
    (tmp_path / "run").write_text("a file where the folder should be")
    recorder.record(Kind.CONFIGS, {f"c{number}": ["string", "x" * 1024 * 1024] for number in range(12)})
    (tmp_path / "run").unlink()
    journal.sync()

    assert {path for record in read(journal).records for path in record.body} == {f"c{number}" for number in range(12)}


def test_a_record_without_paths_is_never_split(journal, recorder):
    recorder.record(Kind.MARK, {"mark": "m", "cuts": {f"{number:0900}": number for number in range(10_000)}}, step=0)

    assert len(read(journal).records) == 1


def test_a_record_that_no_reader_would_take_is_dropped(journal, recorder):
    recorder.record(Kind.CONFIGS, {"a": ["int", 1]})
    with pytest.warns(RunforkWarning, match=r"^tags of [\d,]+ bytes were not logged: log a file"):
        recorder.record(Kind.TAGS, {"sys/tags": {"add": ["x" * 1024 * 1024] * 65}})

    assert len(read(journal).records) == 1


def test_the_first_type_stands(recorder):
    assert recorder.types.claim("a", AttributeType.INT)
    assert recorder.types.claim("a", AttributeType.INT)
    with pytest.warns(RunforkWarning, match="^'a' holds int in this run, found string: not logged"):
        assert not recorder.types.claim("a", AttributeType.STRING)


def test_int_and_float_are_one_family_and_none_fits_every_single_value(recorder):
    for kind in ("INT", "FLOAT", "INT", "NONE", "FLOAT"):
        assert recorder.types.claim("number", AttributeType[kind])
    for kind in ("NONE", "STRING", "NONE"):
        assert recorder.types.claim("text", AttributeType[kind])
    with pytest.warns(RunforkWarning, match="not logged"):
        assert not recorder.types.claim("number", AttributeType.BOOL)
    with pytest.warns(RunforkWarning, match="^'text' holds string in this run, found int"):
        assert not recorder.types.claim("text", AttributeType.INT)
    assert recorder.types.claim("curve", AttributeType.FLOAT_SERIES)
    with pytest.warns(RunforkWarning, match="^'curve' holds float_series in this run, found none"):
        assert not recorder.types.claim("curve", AttributeType.NONE)


def test_a_closed_recorder_counts_what_it_refuses(journal):
    problems = Problems(raises=False)
    recorder = Recorder(journal, problems)
    recorder.log_metrics({"a": 1, "b": 2}, 1)
    recorder.close()
    with pytest.warns(RunforkWarning, match="^metrics were logged after the run was closed"):
        recorder.log_metrics({"a": 1, "b": 2}, 2)
    recorder.record_values(Kind.CONFIGS, {"c": ["int", 1]})

    assert problems.dropped_values == 3
    assert read(journal).rows[0].steps.size == 1


def test_refusals_raise_where_that_is_asked_for(journal):
    recorder = Recorder(journal, Problems(raises=True))
    recorder.close()
    with pytest.raises(LoggingError, match="after the run was closed"):
        recorder.log_metrics({"a": 1}, 1)


@pytest.mark.parametrize("timestamp", [math.nan, -math.inf, 1e12, 10**400])
def test_a_time_that_is_none_is_refused(timestamp):
    with pytest.raises(ArgumentError, match="^timestamp must be Unix seconds, found "):
        to_micros(timestamp)
