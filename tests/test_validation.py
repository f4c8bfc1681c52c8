"""What records must hold; and that nobody stumbles over one that holds something else."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS

from runfork import Run
from runfork.disk.layout import Store, journals_of
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex
from runfork.journal.format import Kind, encode_frame
from runfork.journal.header import read_identity
from runfork.journal.records import Batch, JournalKey, Record
from runfork.journal.validation import check_body
from runfork.model.steps import NO_STEP
from runfork.reading.fsck import inspect_store
from runfork.reading.project import Project
from runfork.testing.histories import HistoryWriter

SOUND = {
    Kind.CREATE: {"experiment_name": None, "creation_time": 5, "fork": {"parent": "p", "step": 1}},
    Kind.LINEAGE: {"parent": "p", "step": 1, "mark": "m", "mark_time": None},
    Kind.MARK: {"mark": "m", "cuts": {"val": 3}},
    Kind.STATUS: {"state": "failed", "exception": {"type": "E", "message": "m"}},
    Kind.CONFIGS: {
        "a": ["float", 1.5],
        "b": ["string_set", ["x"]],
        "c": ["of a later version", {}],
        "d/": ["namespace", None],
    },
    Kind.STRINGS: {"a": "text", "b": ["two", "texts"]},
    Kind.HISTOGRAMS: {"h": {"edges": [0, 1, 2], "counts": [3, 4]}},
    Kind.FILES: {"f": {"sha256": "0", "size": 1, "mime": "text/plain", "name": "f"}},
    Kind.TAGS: {"sys/tags": {"add": ["a"]}},
}
UNSOUND = [
    (Kind.CREATE, [], "an object is needed, found list"),
    (Kind.CREATE, {"fork": {"step": 1}}, "'parent' must be a run id, found None"),
    (Kind.LINEAGE, {"parent": "p", "step": 2**63}, "'step' must be a step in micro-steps, found 9223372036854775808"),
    (Kind.MARK, {"cuts": {}}, "'mark' must be a string, found None"),
    (Kind.MARK, {"mark": "m", "cuts": {"val": "3"}}, "'cuts' must be steps in micro-steps by path, found {'val': '3'}"),
    (Kind.CLOSE, {"state": 3}, "'state' must be a string, found 3"),
    (Kind.CONFIGS, {"a": 1}, "'a' must hold a type and a value of it, found 1"),
    (Kind.CONFIGS, {"a": ["int", "1"]}, "'a' must hold a type and a value of it, found ['int', '1']"),
    (Kind.CONFIGS, {"a/": ["namespace", 1]}, "'a/' must hold a type and a value of it, found ['namespace', 1]"),
    (Kind.STRINGS, {"a": [1]}, "'a' must hold a string, or a list of strings, found [1]"),
    (Kind.HISTOGRAMS, {"h": {"edges": [0, 1]}}, "'h' must hold edges, and counts or densities between them"),
    (Kind.FILES, {"f": {"size": 1}}, "'f' must hold digest, size, type and name of a file"),
    (Kind.TAGS, {"sys/tags": {"add": "a"}}, "'sys/tags' must hold tags to add and to remove"),
]


@pytest.mark.parametrize(("kind", "body"), SOUND.items(), ids=lambda value: getattr(value, "name", ""))
def test_what_records_hold_is_sound(kind, body):
    check_body(kind, body)


@pytest.mark.parametrize(("kind", "body", "said"), UNSOUND)
def test_what_records_cannot_hold_is_told(kind, body, said):
    with pytest.raises(ValueError, match="must|needed") as caught:
        check_body(kind, body)

    assert said in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | st.text(CHARACTERS, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["parent", "step", "mark", "mark_time", "cuts", "state", "fork", "creation_time", "a", "b"])
TYPED = st.tuples(st.sampled_from(["float", "int", "bool", "string", "datetime", "string_set", "later"]), VALUES).map(
    list
)
BODIES = st.dictionaries(NAMES, VALUES | TYPED, max_size=4)


@given(
    st.lists(st.tuples(st.sampled_from([kind for kind in Kind if kind in SOUND or kind == Kind.CLOSE]), BODIES)),
    st.booleans(),
)
@example([(Kind.STRINGS, {"a": []})], True)
@example([(Kind.CREATE, {"creation_time": None})], False)
def test_indexes_take_in_whatever_is_sound_and_agree(found, is_created):
    writer = HistoryWriter("r").create("e") if is_created else HistoryWriter("r")
    head = writer.batch()
    records = []
    for number, (kind, body) in enumerate(found):
        try:
            check_body(kind, json.loads(json.dumps(body)))
        except ValueError:
            continue
        records.append(
            Record(kind, head.end + 32 * number, number, number, NO_STEP if number % 2 else number, False, body)
        )
    batch = Batch(JournalKey("r", head.key.writer), head.identity, head.end, head.end + 32 * len(found), records)
    answers = []
    for index in (MemoryIndex(), SqliteIndex(":memory:")):
        index.apply(head)
        index.apply(batch)
        answers.append(repr((index.values(["r"]), index.nodes())))
        index.close()
    assert answers[0] == answers[1]


def test_a_record_that_cannot_be_understood_is_passed_over_and_told(data_directory):
    with Run("e", run_id="r", source_tracking_config=None) as run:
        run.log_configs({"lr": 1})
        run.log_metrics({"a": 1.0}, step=1)
    (path,) = journals_of(run.directory)
    identity = read_identity(path)
    assert identity is not None
    frame = encode_frame(Kind.MARK, b"{}", time=1, step=1, schema=identity[0]["tag"])
    with path.open("ab") as file:
        file.write(frame)
    with Run("e", run_id="other", source_tracking_config=None) as other:
        other.log_metrics({"a": 2.0}, step=1)
    with Project.open() as project:
        project.refresh()
        values = project.index.values(["r", "other"], paths=["lr", "a"])
        found = inspect_store(Store(data_directory), ["tests/project"])

    assert values["r"]["lr"].value == 1
    assert (values["r"]["a"].statistics or {})["count"] == 1
    assert (values["other"]["a"].statistics or {})["count"] == 1
    assert [problem.length for problem in found.problems] == [len(frame)]
    assert "MARK record whose contents cannot be understood: 'mark' must be a string" in found.problems[0].reason
