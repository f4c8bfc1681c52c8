"""Whose weights these are: what is noted of checkpoints, and what is offered to a run that begins with their weights."""

from __future__ import annotations

import shutil
import signal
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS

from runfork.disk.layout import Store, holds
from runfork.disk.marks_by_fingerprint import find_marks, remember_mark
from runfork.errors import ArgumentTypeError
from runfork.model.marks import Mark
from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS
from runfork.training.fingerprint import MAX_ELEMENTS, MAX_TENSORS, digest, spread, stride
from runfork.writing.run import Run

WEIGHTS = "ab" * 16
OTHER = "ab" + "cd" * 15


def mark(**changes):
    return Mark(
        **{"project": "tests/project", "run_id": "r", "mark": "m", "step": 7_000_000, "fingerprint": WEIGHTS, **changes}
    )


def note(store, run, found):
    """Journal a mark, and note it."""
    run.checkpoint_mark(found.user_step, mark_id=found.mark)
    remember_mark(store, found)


def test_a_mark_is_found_by_its_fingerprint_and_by_no_other(data_directory, run):
    store = Store(data_directory)
    note(store, run, mark())
    note(store, run, mark(fingerprint=OTHER, mark="n"))

    assert ["m"] == [one.mark for one in find_marks(store, WEIGHTS)]
    assert ["n"] == [one.mark for one in find_marks(store, OTHER)]
    assert [] == find_marks(store, "cd" * 16)


def test_the_latest_mark_comes_first(data_directory, run):
    store = Store(data_directory)
    for name in "abc":
        note(store, run, mark(mark=name))

    assert ["c", "b", "a"] == [one.mark for one in find_marks(store, WEIGHTS)]


def test_weights_that_nothing_trained_are_not_noted(data_directory, run):
    store = Store(data_directory)
    remember_mark(store, mark(step=0))
    remember_mark(store, mark(fingerprint=None))

    assert not (data_directory / ".fingerprints").exists()


def test_a_run_that_is_gone_is_not_offered(data_directory, run):
    store = Store(data_directory)
    remember_mark(store, mark(run_id="gone"))

    assert [] == find_marks(store, WEIGHTS)


def test_weights_of_a_run_whose_id_was_used_again_are_nobodys(data_directory, open_run):
    with open_run(run_id="r") as first:
        first.checkpoint_mark(7, fingerprint=WEIGHTS)
    shutil.rmtree(data_directory / "tests" / "project" / "r")
    open_run(run_id="r").log_metrics({"loss": 1.0}, step=7)

    assert open_run(run_id="other").suggest_parent(WEIGHTS) is None


def test_a_line_that_was_cut_short_costs_no_other(data_directory, run):
    store = Store(data_directory)
    note(store, run, mark(mark="n"))
    file = next((data_directory / ".fingerprints").iterdir())
    file.write_bytes(file.read_bytes()[:-30])
    note(store, run, mark())

    assert ["m"] == [one.mark for one in find_marks(store, WEIGHTS)]


@given(size=st.integers(0, 5000), at=st.integers(0, 5000), block=st.integers(8, 600))
def test_bytes_are_found_wherever_they_lie_in_a_journal(tmp_path_factory, size, at, block):
    folder = tmp_path_factory.getbasetemp() / "blocks"
    folder.mkdir(exist_ok=True)
    content = bytearray(b"." * size)
    content[at : at + 6] = b'"mark"'
    (folder / "a.journal").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runfork.disk.layout._BLOCK_BYTES", block)

        assert holds(folder, b'"mark"')
        assert not holds(folder, b'"other"')


@given(damage=st.binary(max_size=200))
def test_damaged_lines_are_passed_over(tmp_path_factory, damage):
    directory = tmp_path_factory.mktemp("data")
    store = Store(directory)
    folder = store.run_directory("tests/project", "r")
    folder.mkdir(parents=True)
    (folder / "a.journal").write_bytes(b'{"mark":"m"}')
    remember_mark(store, mark())
    file = next((directory / ".fingerprints").iterdir())
    file.write_bytes(damage + b"\n" + file.read_bytes() + file.read_bytes()[:40] + b"\n" + WEIGHTS.encode() + b"\n")

    assert ["m"] == [one.mark for one in find_marks(store, WEIGHTS)]


def test_a_checkpoint_mark_with_a_fingerprint_is_offered_to_a_run_that_begins_with_the_weights(
    data_directory, open_run, capfd, monkeypatch
):
    monkeypatch.setenv("RUNFORK_QUIET", "0")
    parent = open_run(run_id="parent")
    parent.checkpoint_mark(7, fingerprint=WEIGHTS)
    parent.close()
    child = open_run(run_id="child")
    found = child.suggest_parent(WEIGHTS, face="Callback")
    child.close()

    assert found is not None
    assert ("parent", 7) == (found.run_id, found.user_step)
    assert "fork_run_id='parent', fork_step=7" == History(data_directory).values("child")["sys/resume/suggestion"]
    assert History(data_directory).parent("child") is None
    assert (
        "runfork: run child begins with the weights that parent saved at step 7, in a file that does not say so; "
        "to fork from there: Callback(fork_run_id='parent', fork_step=7)\n"
    ) in capfd.readouterr().err


def test_a_suggestion_of_another_project_names_it(data_directory, open_run):
    parent = open_run(run_id="parent", project="tests/other")
    parent.checkpoint_mark(7.5, fingerprint=WEIGHTS)
    parent.close()
    child = open_run(run_id="child")
    child.suggest_parent(WEIGHTS)
    child.close()
    suggestion = History(data_directory).values("child")["sys/resume/suggestion"]

    assert "project='tests/other', fork_run_id='parent', fork_step=7.5" == suggestion
    assert Run(**eval(f"dict({suggestion})")).parent == ("parent", 7.5)


def test_a_run_is_not_offered_its_own_checkpoints(run):
    run.checkpoint_mark(7, fingerprint=WEIGHTS)

    assert run.suggest_parent(WEIGHTS) is None


def test_a_mark_is_noted_before_its_checkpoint_can_be_written(data_directory, run_script):
    done = run_script(
        f"""
        import os, signal
        from runfork import Run
        run = Run(run_id="r")
        run.checkpoint_mark(7, fingerprint={WEIGHTS!r})
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )

    assert -signal.SIGKILL == done.returncode, done.stderr
    assert [7] == [one.user_step for one in find_marks(Store(data_directory), WEIGHTS)]


def test_a_mark_is_noted_whatever_goes_on_beside(run, open_run):
    busy, goes_on = threading.Event(), threading.Event()

    def hold():
        busy.set()
        goes_on.wait(HANG_SECONDS)

    run._life.background._lane.tell(hold)
    busy.wait(HANG_SECONDS)
    try:
        run.checkpoint_mark(7, fingerprint=WEIGHTS)

        assert open_run(run_id="child").suggest_parent(WEIGHTS).run_id == "r"
    finally:
        goes_on.set()


def test_a_run_of_the_same_project_goes_before_a_later_one_of_another(open_run):
    for name, project in (("near", "tests/project"), ("far", "tests/other")):
        one = open_run(run_id=name, project=project)
        one.checkpoint_mark(7, fingerprint=WEIGHTS)
        one.close()

    assert open_run(run_id="child").suggest_parent(WEIGHTS).run_id == "near"


def test_a_folder_that_cannot_be_written_is_told_once_and_stops_nothing(data_directory, run, caplog):
    data_directory.mkdir(exist_ok=True)
    (data_directory / ".fingerprints").write_text("in the way")
    for step in (1, 2):
        run.checkpoint_mark(step, fingerprint=WEIGHTS)
    run.close()

    assert 1 == caplog.text.count("the fingerprint of a checkpoint could not be noted")
    assert run.status.state == "finished"


def test_disabled_mode_offers_nothing_and_notes_nothing(data_directory):
    run = Run(mode="disabled")
    run.checkpoint_mark(7, fingerprint=WEIGHTS)

    assert run.suggest_parent(WEIGHTS) is None
    assert not data_directory.exists()


@given(size=st.integers(1, 10**9))
def test_at_most_so_many_elements_are_sampled_and_at_least_one(size):
    count = -(-size // stride(size))

    assert 1 <= count <= MAX_ELEMENTS


@given(count=st.integers(0, 1000))
def test_at_most_so_many_tensors_are_sampled_and_evenly(count):
    found = spread(list(range(count)))

    assert min(count, MAX_TENSORS) == len(found)
    assert sorted(set(found)) == found


@given(st.lists(st.tuples(st.text(CHARACTERS), st.binary(min_size=1, max_size=9)), min_size=1, max_size=5), st.data())
def test_another_sample_or_name_is_another_fingerprint(tensors, data):
    names, samples = [name for name, _ in tensors], [sample for _, sample in tensors]
    at = data.draw(st.integers(0, len(tensors) - 1))
    changed = list(samples)
    changed[at] = bytes([changed[at][0] ^ 1]) + changed[at][1:]

    assert 32 == len(digest(names, samples))
    assert digest(names, samples) == digest(iter(names), iter(samples)) != digest(names, changed)


def test_a_fingerprint_that_is_no_text_is_refused_and_none_is_nobodys(run):
    with pytest.raises(ArgumentTypeError, match="must be a string or None, found 7"):
        run.suggest_parent(7)
    assert run.suggest_parent(None) is None


class Odd(str):
    """Text that cannot be cut, as a subclass of somebody's may be."""

    __slots__ = ()

    def __getitem__(self, _):
        raise LookupError("no parts")


def test_whatever_noting_a_fingerprint_fails_of_the_mark_is_journaled_and_returned(data_directory, run, caplog):
    made = run.checkpoint_mark(3, mark_id="m", fingerprint=Odd(WEIGHTS))

    assert "m" == made["mark"]
    assert "could not be noted (LookupError: no parts)" in caplog.text
    assert holds(Store(data_directory).run_directory(run.project, run.run_id), b'"m"')
