# pyright: reportOptionalMemberAccess=false
import re
import shutil
from datetime import datetime, timezone

import numpy as np
import pytest
from tests.run_records import bodies

from runfork.errors import ArgumentError, RunforkWarning
from runfork.journal.format import FILE_VERSION, Kind, encode_file_header
from runfork.testing.journals import configs_of, points_of, records_of
from runfork.testing.waits import await_plugins

# Marks and lineage


def test_a_mark_is_plain_values_and_stands_in_the_journal(open_run):
    run = open_run("e", run_id="r")
    mark = run.checkpoint_mark(np.int64(3), epoch=np.int64(1), fingerprint="f", cuts={"val/acc": 2})
    (record,) = records_of(run.directory, Kind.MARK)

    assert {key: value for key, value in mark.items() if key not in ("mark", "store")} == {
        "version": 1, "project": "tests/project", "run_id": "r", "experiment": "e", "step": "3", "epoch": 1, "fingerprint": "f",
        "time": record.time,
    }  # fmt: skip
    assert all(type(value) in (str, int) for value in mark.values())
    assert (record.step, record.body) == (
        3_000_000,
        {"mark": mark["mark"], "epoch": 1, "fingerprint": "f", "cuts": {"val/acc": 2_000_000}, "journals": {}},
    )


def test_a_mark_says_how_far_the_runs_other_journals_are(open_run):
    rank = open_run(run_id="r")
    await_plugins(rank)
    run = open_run(run_id="r")
    run.checkpoint_mark(1)
    (record,) = records_of(run.directory, Kind.MARK)

    assert record.body["journals"] == {rank.journal.path.stem: rank.journal.size}


def test_a_mark_of_a_run_whose_folder_cannot_be_read_leaves_the_other_journals_out(open_run, monkeypatch, tmp_path):
    run = open_run(run_id="r")
    monkeypatch.setattr(type(run._journal), "directory", tmp_path / "gone")
    mark = run.checkpoint_mark(1)
    monkeypatch.undo()
    (record,) = records_of(run.directory, Kind.MARK)

    assert (record.body["mark"], "journals" in record.body) == (mark["mark"], False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epoch": 1.5}, "epoch must be an int, found 1.5"),
        ({"fingerprint": b"f"}, "fingerprint must be a string or None, found b'f'"),
        ({"cuts": [1]}, "cuts must be a dict of path to step, found list [1]"),
        ({"cuts": {"a": "x"}}, "a cut must be a number, found 'x'"),
        ({"cuts": {"": 1}}, "an attribute path must not be empty"),
    ],
)
def test_a_mark_with_wrong_arguments_is_refused(run, arguments, said):
    with pytest.raises(ArgumentError, match=f"^{re.escape(said)}"):
        run.checkpoint_mark(1, **arguments)

    assert bodies(run, Kind.MARK) == []


def test_a_fork_by_hand_is_in_the_first_record(open_run):
    run = open_run(fork_run_id="p", fork_step=0.3, inherit_configs=False)
    (body,) = bodies(run, Kind.CREATE)

    assert (body["fork"], body["inherit_configs"]) == ({"parent": "p", "step": 300_000, "journals": None}, False)


def test_a_fork_by_hand_says_how_far_its_parents_journals_are(open_run):
    parent = open_run(run_id="p")
    await_plugins(parent)
    run = open_run(fork_run_id="p", fork_step=0.3)
    (body,) = bodies(run, Kind.CREATE)

    assert body["fork"]["journals"] == {parent.journal.path.stem: parent.journal.size}


def test_a_fork_of_a_run_that_is_not_there_is_told(open_run, caplog):
    open_run(fork_run_id="gone", fork_step=1)

    assert "the parent 'gone' is not in" in caplog.text
    assert "pending" in caplog.text


WARM = "warm-ocean-20261125100000000-aaaaa"


@pytest.mark.parametrize("beginning", ["warm-ocean", "warm-oc", "warm-ocean-2026", WARM])
def test_the_beginning_of_a_generated_run_id_names_the_parent(open_run, caplog, beginning):
    open_run(run_id=WARM).close()
    open_run(run_id="cold-ocean-20261125100000000-bbbbb").close()
    run = open_run(fork_run_id=beginning, fork_step=1)

    assert run.parent == (WARM, 1)
    assert "pending" not in caplog.text


def test_a_fork_of_a_shortened_run_id_says_how_far_its_parents_journals_are(open_run):
    parent = open_run(run_id=WARM)
    await_plugins(parent)
    run = open_run(fork_run_id="warm-ocean", fork_step=1)
    (body,) = bodies(run, Kind.CREATE)

    assert body["fork"] == {
        "parent": WARM,
        "step": 1_000_000,
        "journals": {parent.journal.path.stem: parent.journal.size},
    }


def test_a_beginning_that_means_several_runs_is_refused(open_run, data_directory):
    other = WARM.replace("aaaaa", "bbbbb")
    for run_id in (WARM, other):
        open_run(run_id=run_id).close()
    before = sorted(data_directory.rglob("*"))
    with pytest.raises(
        ArgumentError, match=f"^fork_run_id='warm-ocean' names 2 runs: {WARM}, {other}; give more of the run id$"
    ):
        open_run(fork_run_id="warm-ocean", fork_step=1)

    assert sorted(data_directory.rglob("*")) == before


def test_a_run_of_just_that_id_comes_before_one_that_begins_so(open_run):
    open_run(run_id="warm-ocean").close()
    open_run(run_id=WARM).close()

    assert open_run(fork_run_id="warm-ocean", fork_step=1).parent == ("warm-ocean", 1)


def test_an_id_that_a_user_gave_is_not_taken_for_a_longer_one(open_run, caplog):
    open_run(run_id="baseline-2").close()

    assert open_run(fork_run_id="baseline", fork_step=1).parent == ("baseline", 1)
    assert "pending" in caplog.text


def test_a_run_is_not_its_own_parent_because_its_id_begins_so(open_run):
    open_run(run_id=WARM).close()
    with pytest.warns(RunforkWarning, match="that stands, fork_run_id='warm' is ignored"):
        open_run(run_id=WARM, fork_run_id="warm", fork_step=1)


@pytest.mark.parametrize("as_checkpoint", [False, True])
def test_resuming_from_a_mark_forks_the_run_that_wrote_it(open_run, as_checkpoint):
    parent = open_run("e", run_id="p")
    mark = parent.checkpoint_mark(7)
    run = open_run(resume_from={"state_dict": {}, "runfork": mark} if as_checkpoint else mark)
    (lineage,) = bodies(run, Kind.LINEAGE)

    assert run.parent == ("p", 7)
    assert run.experiment_name == "e"
    assert lineage == {
        "parent": "p", "step": 7_000_000, "mark": mark["mark"], "mark_time": mark["time"], "policy": "fork", "checkpoint": None,
        "inherit_configs": True, "journals": {parent.journal.path.stem: parent.journal.size},
    }  # fmt: skip
    assert configs_of(run.directory)["sys/name"] == "e"
    assert configs_of(run.directory)["sys/resume/policy"] == "fork"


def test_a_fork_keeps_the_name_that_it_was_given(open_run):
    mark = open_run("e", run_id="p").checkpoint_mark(7)

    assert open_run("other", resume_from=mark).experiment_name == "other"


def test_an_empty_mark_begins_anew_without_a_word(open_run):
    assert open_run(resume_from={}).parent is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"version": 2},
            "the checkpoint mark has version 2, this runfork reads up to 1; upgrade runfork to fork from it; run ",
        ),
        ({"version": None}, "a checkpoint mark needs a version, found "),
        ({"step": "soon"}, "the checkpoint mark is damaged "),
        ({"step": "-1"}, "the checkpoint mark is damaged "),
        ({"run_id": "a/b"}, "the checkpoint mark is damaged "),
        ({"run_id": None}, "the checkpoint mark is damaged "),
        ({"mark": 3}, "the checkpoint mark is damaged "),
        ({"epoch": "one"}, "the checkpoint mark is damaged "),
        ({"project": "x"}, "the checkpoint mark is damaged "),
        (
            {"project": "a/elsewhere"},
            "the checkpoint was written by run 'p' of project 'a/elsewhere', this run is in 'tests/",
        ),
    ],
)
def test_a_mark_that_cannot_be_used_is_told_and_the_run_begins_anew(open_run, change, said):
    mark = open_run(run_id="p").checkpoint_mark(7)
    with pytest.warns(RunforkWarning, match=f"^{re.escape(said)}"):
        run = open_run(resume_from={**mark, **change})

    assert run.parent is None
    assert bodies(run, Kind.LINEAGE) == []


def test_a_checkpoint_without_a_mark_is_told(open_run):
    with pytest.warns(
        RunforkWarning, match="^the checkpoint carries no mark of runfork under 'runfork': this is a new run$"
    ):
        run = open_run(resume_from={"state_dict": {}})

    assert run.parent is None


def test_a_file_that_is_no_checkpoint_of_ours_is_told(open_run, tmp_path):
    (tmp_path / "x.ckpt").write_bytes(b"not a checkpoint")
    with pytest.warns(RunforkWarning, match="carries no mark of runfork.*: this is a new run$"):
        run = open_run(resume_from=tmp_path / "x.ckpt")

    assert run.parent is None


def test_lineage_may_come_late_until_the_first_point(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")
    run.log_configs({"lr": 1})
    run.recorder.log_row({"cpu": 1.0}, 5, clock_axis=True)

    assert run.resume(mark, checkpoint="last.ckpt") == "fork"
    assert run.parent == ("p", 7)
    assert bodies(run, Kind.LINEAGE)[0]["checkpoint"] == "last.ckpt"
    with pytest.raises(
        ArgumentError, match=r"^run 'r' has the parent \('p', 7\); make a new Run\(resume_from=\.\.\.\)$"
    ):
        run.resume({**mark, "run_id": "q"})


def test_resuming_twice_from_the_same_checkpoint_is_once(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(resume_from=mark)
    run.resume(mark)

    assert len(bodies(run, Kind.LINEAGE)) == 1


def test_lineage_after_the_first_point_is_refused(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)

    with pytest.raises(ArgumentError, match=r"^run 'r' has points already; make a new Run\(resume_from=\.\.\.\)$"):
        run.resume(mark)


def test_the_policy_new_makes_no_fork(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")

    assert run.resume(mark, policy="new") == "new"
    assert run.parent is None
    assert configs_of(run.directory)["sys/resume/policy"] == "new"


@pytest.mark.parametrize("policy", ["fork", "continue", "new"])
def test_the_environment_sets_the_policy(open_run, monkeypatch, policy):
    parent = open_run(run_id="p")
    mark = parent.checkpoint_mark(7)
    parent.close()
    monkeypatch.setenv("RUNFORK_RESUME", policy)
    run = open_run(run_id="r", resume_from=mark)

    assert (run.run_id, run.parent) == {"fork": ("r", ("p", 7)), "continue": ("p", None), "new": ("r", None)}[policy]


def test_continuing_moves_what_was_logged_into_the_run_that_wrote_the_checkpoint(open_run, data_directory):
    parent = open_run("e", run_id="p", fork_run_id="g", fork_step=1)
    parent.log_metrics({"a": 1}, step=7)
    mark = parent.checkpoint_mark(7)
    parent.close()
    run = open_run(run_id="r")
    provisional = run.directory
    run.log_configs({"lr": 1})
    run.assign_files({"f": b"contents"})
    assert run.resume(mark, policy="continue") == "continue"
    run.log_metrics({"a": 2}, step=8)
    sha = next(body["f"]["sha256"] for body in bodies(run, Kind.FILES))

    assert (run.run_id, run.parent, run.experiment_name) == ("p", ("g", 1), "e")
    assert not provisional.exists()
    assert points_of(run.directory, "a") == [(7, 1.0), (8, 2.0)]
    assert configs_of(run.directory)["sys/custom_run_id"] == "p"
    assert configs_of(run.directory)["lr"] == 1
    assert (run.directory / "files" / sha).read_bytes() == b"contents"
    assert {body["creation_time"] for body in bodies(run, Kind.CREATE)} == {
        bodies(run, Kind.CREATE)[0]["creation_time"]
    }


def test_a_run_that_went_on_is_forked_instead_of_continued(open_run):
    parent = open_run(run_id="p")
    mark = parent.checkpoint_mark(7)
    parent.log_metrics({"a": 1}, step=8)
    parent.close()
    run = open_run(run_id="r")
    with pytest.warns(
        RunforkWarning, match="^run 'p' logged points beyond this checkpoint: it is not continued, but forked$"
    ):
        decision = run.resume(mark, policy="continue")

    assert decision == "fork"
    assert run.parent == ("p", 7)


def test_a_run_that_is_not_there_is_forked_instead_of_continued(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")
    with pytest.warns(RunforkWarning, match="it is not continued, but forked$"):
        decision = run.resume({**mark, "run_id": "gone"}, policy="continue")

    assert decision == "fork"


def test_continuing_never_removes_the_journals_of_others(open_run):
    parent = open_run(run_id="p")
    mark = parent.checkpoint_mark(7)
    parent.close()
    earlier = open_run(run_id="r")
    earlier.log_configs({"a": 1})
    earlier.close()
    run = open_run(run_id="r")
    run.resume(mark, policy="continue")

    assert run.run_id == "p"
    assert configs_of(earlier.directory)["a"] == 1


# Opening a run again


def test_an_existing_run_is_continued_by_its_id(open_run):
    first = open_run(
        "e", run_id="r", fork_run_id="p", fork_step=3, creation_time=datetime(2026, 1, 1, tzinfo=timezone.utc)
    )
    first.log_metrics({"a": 1}, step=4)
    first.close()
    second = open_run(run_id="r")
    second.log_metrics({"a": 2}, step=5)

    assert (second.experiment_name, second.parent) == ("e", ("p", 3))
    assert points_of(second.directory, "a") == [(4, 1.0), (5, 2.0)]
    assert len({body["creation_time"] for body in bodies(second, Kind.CREATE)}) == 1


def test_another_experiment_name_than_the_original_is_told_and_ignored(open_run):
    open_run("first", run_id="r").close()
    with pytest.warns(
        RunforkWarning, match="^run 'r' exists and is of experiment 'first'; that stands, experiment_name='second' is"
    ):
        run = open_run("second", run_id="r")

    assert run.experiment_name == configs_of(run.directory)["sys/name"] == "first"


def test_a_run_without_an_experiment_is_given_one_when_it_is_opened_again(open_run):
    open_run(run_id="r").close()
    run = open_run("named", run_id="r")
    run.close()

    assert run.experiment_name == "named"
    assert open_run(run_id="r").experiment_name == "named"


def test_a_parent_is_remembered_however_much_was_recorded_before_it(open_run):
    mark = open_run("e", run_id="p").checkpoint_mark(7)
    first = open_run(run_id="r")
    for number in range(40):
        first.log_configs({f"c{number}": "x" * 20_000})
    first.resume(mark)
    first.close()
    second = open_run(run_id="r")

    assert (second.parent, second.experiment_name) == (("p", 7), "e")
    assert bodies(second, Kind.CREATE)[-1]["fork"] == {
        key: value
        for key, value in bodies(second, Kind.LINEAGE)[0].items()
        if key in ("parent", "step", "mark", "mark_time", "journals")
    }


def test_a_parent_that_a_second_process_gave_is_remembered(open_run):
    mark = open_run("e", run_id="p").checkpoint_mark(7)
    open_run(run_id="r").close()
    open_run(run_id="r", resume_from=mark).close()

    assert open_run(run_id="r").parent == ("p", 7)


def test_another_fork_than_the_original_is_told_and_ignored(open_run):
    open_run(run_id="r", fork_run_id="p", fork_step=3).close()
    with pytest.warns(
        RunforkWarning, match="^run 'r' exists and is forked from 'p' at step 3; that stands, fork_run_id='q' is"
    ):
        run = open_run(run_id="r", fork_run_id="q", fork_step=3)

    assert run.parent == ("p", 3)


def test_a_job_that_is_started_again_with_its_own_checkpoint_goes_on(open_run):
    first_mark = open_run(run_id="p").checkpoint_mark(7)
    first = open_run(run_id="r", resume_from=first_mark)
    own_mark = first.checkpoint_mark(9)
    first.log_metrics({"a": 1}, step=9)
    first.close()
    second = open_run(run_id="r", resume_from=own_mark)

    assert (second.run_id, second.parent) == ("r", ("p", 7))
    assert points_of(second.directory, "a") == [(9, 1.0)]
    assert configs_of(second.directory)["sys/resume/policy"] == "continue"


@pytest.mark.parametrize("policy", ["fork", "continue", "new"])
def test_a_checkpoint_of_the_run_itself_never_harms_it(open_run, policy):
    first = open_run(run_id="r")
    first.log_metrics({"a": 1}, step=1)
    mark = first.checkpoint_mark(1)
    first.close()
    second = open_run(run_id="r")

    assert second.resume(mark, policy=policy) == "continue"
    assert second.parent is None
    assert points_of(second.directory, "a") == [(1, 1.0)]


def test_a_job_that_is_started_again_with_the_checkpoint_it_was_forked_from_goes_on_without_a_word(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    open_run(run_id="r", resume_from=mark).close()
    second = open_run(run_id="r", resume_from=mark)

    assert second.parent == ("p", 7)


def test_a_run_with_points_gets_no_parent_when_it_is_opened_again(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    first = open_run(run_id="r")
    first.log_metrics({"a": 1}, step=1)
    first.close()
    with pytest.warns(
        RunforkWarning, match="^run 'r' exists and is not a fork; that stands, the checkpoint of run 'p' at step 7 "
    ):
        second = open_run(run_id="r", resume_from=mark)

    assert second.parent is None
    assert bodies(second, Kind.LINEAGE) == []


def test_a_journal_of_a_newer_format_does_not_keep_the_run_from_opening(open_run):
    first = open_run(run_id="r")
    first.close()
    newer = bytearray(encode_file_header({"run_id": "r", "writer": "0"}))
    newer[8] = FILE_VERSION + 1
    (first.directory / "0.journal").write_bytes(newer)
    second = open_run(run_id="r")
    second.log_metrics({"a": 1}, step=1)

    assert second.status.problems == ()


def test_a_mark_that_is_not_in_the_journals_of_its_run_is_not_taken_at_its_word(data_directory, open_run, caplog):
    with open_run(run_id="parent") as parent:
        parent.log_metrics({"loss": 1.0}, step=1)
        checkpoint = parent.checkpoint_mark(1)
        known = open_run(run_id="known", resume_from=checkpoint).parent
    assert "hold no mark" not in caplog.text
    shutil.rmtree(parent.directory)
    with open_run(run_id="parent") as again:
        again.log_metrics({"loss": 2.0}, step=1)
    child = open_run(run_id="child", resume_from=checkpoint)

    assert known == child.parent == ("parent", 1)
    assert f"the journals of 'parent' hold no mark {checkpoint['mark']!r}" in caplog.text
