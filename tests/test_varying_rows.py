"""Rows whose names vary: written as selections from a pool of names, read back as they were logged."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork.errors import RunforkWarning
from runfork.journal.format import Kind, encode_file_header, encode_frame, selection_bytes
from runfork.journal.writer import JournalWriter
from runfork.testing.journals import batches_of
from runfork.writing.problems import Problems
from runfork.writing.recorder import SETS_UNTIL_POOL, Recorder

NAMES = [f"expert/{number}/load" for number in range(100)]


def recorder_in(folder):
    number = len(list(folder.iterdir()))
    recorder: Any = None

    def begin():
        header = {"project": "p/q", "run_id": "r", "writer": f"w{number}", "created": 0, "tag": recorder.tag}
        return folder / f"w{number}.journal", encode_file_header(header)

    journal = JournalWriter(begin, on_trouble=print)
    recorder = Recorder(journal, Problems(raises=False))
    return journal, recorder


def points_in(path, *, limit=None):
    """Return the points of each path in the order of the journal, as (sequence, step, value)."""
    found: dict[str, Any] = {}
    for batch in batches_of(path) if limit is None else batches_of(path, limit=limit):
        for rows in batch.rows:
            for column, name in enumerate(rows.paths):
                shared = zip(rows.sequences.tolist(), rows.steps.tolist(), rows.values[:, column].tolist(), strict=True)
                found.setdefault(name, []).extend(shared)
    return {name: [(step, value) for _, step, value in sorted(points)] for name, points in found.items()}


def logged(rows):
    """Return the points of each path as they were logged."""
    found: dict[str, Any] = {}
    for step, row in rows:
        for name, value in row.items():
            found.setdefault(name, []).append((step * 1_000_000, value))
    return found


sets = st.lists(st.sampled_from(NAMES), min_size=1, max_size=12, unique=True)


@given(rows=st.lists(st.tuples(st.integers(0, 9), sets), min_size=1, max_size=300), fresh=st.booleans())
def test_rows_of_varying_names_are_read_as_they_were_logged(tmp_path_factory, rows, fresh):
    folder = tmp_path_factory.mktemp("journals")
    journal, recorder = recorder_in(folder)
    written = []
    for number, (step, names) in enumerate(rows):
        row = {name: float(number) + place / 100 for place, name in enumerate(names)}
        if fresh:
            row[f"new/{number}"] = 1.0  # never in a pool before
        recorder.log_metrics(row, step)
        written.append((step, row))
    journal.close()

    assert logged(written) == points_in(journal.path)


def test_many_sets_of_names_take_one_list_of_names_and_a_few_bytes_a_row(tmp_path):
    journal, recorder = recorder_in(tmp_path)
    for step in range(1000):
        recorder.log_metrics({name: 1.0 for place, name in enumerate(NAMES) if (step * 7 + place * 13) % 5 < 2}, step)
        recorder.log_metrics({name: 1.0 for place, name in enumerate(NAMES) if (step ^ place) % 3}, step)
        recorder.log_metrics(
            {name: 1.0 for place, name in enumerate(NAMES) if (step // 3 + place) % (step % 50 + 2) < 2}, step
        )
    journal.close()
    kinds = kinds_in(journal.path)

    assert kinds.count(Kind.SCHEMA) <= 2 * SETS_UNTIL_POOL
    assert kinds.count(Kind.SELECTION) > 1500


def kinds_in(path):
    from runfork.journal.frame_search import frames_in
    from runfork.journal.header import read_header

    with path.open("rb") as file:
        header = read_header(file, path)
    assert header is not None
    data = path.read_bytes()
    return [Kind(data[at + 8]) for at, _ in frames_in(data, header.first_frame)]


def test_a_value_of_a_varying_name_that_is_no_number_costs_itself_alone(tmp_path):
    journal, recorder = recorder_in(tmp_path)
    rows = [(step, {NAMES[step % 97]: 1.0, NAMES[(step * 3 + 1) % 89]: 2.0}) for step in range(1, 300)]
    for step, row in rows:
        recorder.log_metrics(row, step)
    with pytest.warns(RunforkWarning, match="expert/5/load"):
        recorder.log_metrics({NAMES[5]: "much", NAMES[60]: 3.0}, 400)
    journal.close()
    found = points_in(journal.path)

    assert found[NAMES[60]][-1] == (400_000_000, 3.0)
    assert logged(rows)[NAMES[5]] == found[NAMES[5]]


def test_a_row_that_says_more_values_than_it_holds_is_damage_and_costs_itself_alone(tmp_path):
    journal, recorder = recorder_in(tmp_path)
    schema = (recorder.tag + 5) & 0xFFFFFFFF
    journal.write(encode_frame(Kind.SCHEMA, b"a\0b\0c", time=1, step=0, schema=schema))
    for step, bits, values in [(1, 0b101, [1.0, 3.0]), (2, 0b111, [1.0]), (3, 0b1001, [1.0, 9.0]), (4, 0b010, [2.0])]:
        payload = bits.to_bytes(selection_bytes(3), "little") + struct.pack(f"<{len(values)}d", *values)
        journal.write(encode_frame(Kind.SELECTION, payload, time=1, step=step * 1_000_000, schema=schema))
    journal.write(encode_frame(Kind.SELECTION, b"odd", time=1, step=5_000_000, schema=schema))
    journal.close()
    assert journal.path is not None
    (batch,) = batches_of(journal.path)

    assert {"a": [(1_000_000, 1.0)], "b": [(4_000_000, 2.0)], "c": [(1_000_000, 3.0)]} == points_in(journal.path)
    assert 3 == len(batch.damage)
    assert all("not as many" in one.reason and one.is_sound for one in batch.damage)
