"""What a run's first records amount to: whoever opens the run again and whoever reads it answer alike."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import examples

from runfork.disk.layout import journals_of
from runfork.index.memory import MemoryIndex
from runfork.journal.first_records import read_creation
from runfork.journal.format import Flag, Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.reader import JournalReader

TIMES = st.integers(1, 9)
FORKS = st.fixed_dictionaries(
    {"parent": st.sampled_from("pq"), "step": st.integers(0, 1)},
    optional={"mark": st.sampled_from([None, "m"]), "mark_time": TIMES, "journals": st.none() | st.just({"w": 3})},
)
NAMES = st.none() | st.sampled_from("EF")
CREATES = st.fixed_dictionaries(
    {"experiment_name": NAMES, "creation_time": TIMES, "fork": st.none() | FORKS, "inherit_configs": st.booleans()}
)
SIZES = st.sampled_from([10, 10, 10, 300_000])
BEFORE = st.one_of(
    st.tuples(st.just(Kind.CREATE), CREATES),
    st.tuples(st.just(Kind.LINEAGE), FORKS),
    st.tuples(st.just(Kind.LINEAGE), st.just({"parent": 3})),  # what cannot be understood says nothing
    st.tuples(st.just(Kind.CONFIGS), SIZES.map(lambda size: {"a": ["string", "x" * size]})),
    st.tuples(st.just(Kind.STRINGS), SIZES.map(lambda size: {"runtime/stdout": "x" * size})),
)
JOURNALS = st.lists(
    st.tuples(CREATES, st.lists(st.tuples(BEFORE, TIMES), max_size=4), st.booleans()), min_size=1, max_size=3
)


def written(folder, writer, first, frames, *, has_points):
    data = encode_file_header({"project": "t/p", "run_id": "r", "writer": writer, "created": 1})
    for (kind, body), time in [((Kind.CREATE, first), 1), *frames]:
        flags = int(Flag.CLOCK_AXIS) if kind == Kind.STRINGS else 0
        data += encode_frame(kind, encode_json(body), time=time, step=5 if flags else -(2**63), flags=flags)
    if has_points:
        data += encode_frame(Kind.STRINGS, encode_json({"text": "a point"}), time=9, step=0)
    (folder / f"{writer}.journal").write_bytes(data)


@given(JOURNALS)
@examples(60)
def test_whoever_opens_a_run_again_finds_the_parent_and_the_name_that_readers_find(journals):
    index = MemoryIndex()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for number, (first, frames, has_points) in enumerate(journals):
            written(folder, f"w{number}", first, frames, has_points=has_points)
        found = read_creation(journals_of(folder))
        for path in journals_of(folder):
            reader = JournalReader(path)
            while (batch := reader.read(max(0, reader.end))) is not None:
                index.apply(batch)

    assert found is not None
    run = index.view.runs["r"].origin
    fork = found["fork"] or {}
    assert (found["experiment_name"], fork.get("parent"), fork.get("step", 0), fork.get("mark")) == (
        run.experiment_name, run.parent, run.step, run.mark,
    )  # fmt: skip
