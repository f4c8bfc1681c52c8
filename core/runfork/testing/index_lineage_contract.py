"""How an index takes in batches, and what it makes of where runs come from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runfork.errors import ArgumentError
from runfork.index.interface import BucketsRequest, CheckpointMark, PointsRequest, RunsQuery, SeriesKey
from runfork.journal.format import Kind
from runfork.journal.records import Damage
from runfork.model.filters import Attribute, Comparison
from runfork.model.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import SECOND, apply, child, line, points_of, run_ids, series_of, statistics_of, value_of

if TYPE_CHECKING:
    from runfork.index.interface import Index


class LineageContract:
    """How an index takes in batches, and what it makes of where runs come from."""

    def test_a_batch_that_was_applied_before_changes_nothing(self, index: Index) -> None:
        writer = line("a", 1.0, 2.0).configs({"lr": 0.1})
        batch = writer.batch()
        index.apply(batch)
        index.apply(batch)

        assert points_of(index, "a", "loss") == [(0, 1.0), (1, 2.0)]
        assert statistics_of(index, "a", "loss")["count"] == 2

    def test_a_batch_beyond_the_applied_offset_is_refused(self, index: Index) -> None:
        writer = line("a", 1.0, 2.0)
        writer.batch(1)

        with pytest.raises(ArgumentError, match="must begin at byte 0"):
            index.apply(writer.batch())
        assert index.writers() == {}

    def test_batches_continue_where_the_one_before_ended(self, index: Index) -> None:
        for batch in line("a", *map(float, range(20))).batches(3):
            index.apply(batch)

        assert points_of(index, "a", "loss") == [(step, float(step)) for step in range(20)]

    def test_writers_tell_offset_time_and_state(self, index: Index) -> None:
        writer = HistoryWriter("a").create().status("preempted")
        apply(index, writer)
        before = index.writers()[writer.key]
        apply(index, writer.close("finished"))
        after = index.writers()[writer.key]

        assert (before.state, before.is_closed, before.last_time) == ("preempted", False, EPOCH + 2 * SECOND)
        assert (after.state, after.is_closed, after.last_time) == ("finished", True, EPOCH + 3 * SECOND)
        assert after.applied > before.applied
        assert after.identity["run_id"] == "a"

    def test_writers_of_some_runs_are_told(self, index: Index) -> None:
        for run_id in "abc":
            apply(index, HistoryWriter(run_id).create())

        assert [key.run_id for key in index.writers(["c", "a", "unknown"])] == ["a", "c"]
        assert index.writers([]) == {}

    def test_batches_taken_in_together_after_one_that_failed_are_all_there(self, index: Index) -> None:
        with index.together():
            apply(index, HistoryWriter("child").create("E", fork=("parent", 2)).configs({"x": 1}))
            with pytest.raises(ArgumentError):
                index.apply(replace(HistoryWriter("other").create().batch(), start=1000, end=2000))
            apply(index, line("parent", 1.0, 2.0, 3.0, 4.0))

        assert points_of(index, "child", "loss") == [(0, 1.0), (1, 2.0), (2, 3.0)]
        assert index.values(["child"])["child"]["x"].value == 1
        assert index.runs(RunsQuery(heads_only=True)).total == 1

    def test_a_question_that_fails_among_batches_undoes_none(self, index: Index) -> None:
        bad = Comparison(Attribute("x", "string"), "MATCHES", "(")
        with index.together():
            apply(index, HistoryWriter("a").create().configs({"x": "text"}))
            with pytest.raises(ArgumentError):
                index.runs(RunsQuery(filter=bad))

        assert index.values(["a"])["a"]["x"].value == "text"

    def test_writers_tell_damage(self, index: Index) -> None:
        batch = HistoryWriter("a").create().batch()
        index.apply(replace(batch, damage=[Damage(500, 12, "checksum differs")]))

        assert list(index.writers()[batch.key].damage) == [(500, 12, "checksum differs")]

    def test_an_empty_index_answers(self, index: Index) -> None:
        assert index.nodes() == {}
        assert index.runs(RunsQuery()).total == 0
        assert index.definitions() == []
        assert index.values(["a"]) == {}
        assert index.points(PointsRequest([SeriesKey("a", "loss")])) == []
        assert index.buckets(BucketsRequest([SeriesKey("a", "loss")], count=3)).keys == []

    def test_the_create_of_the_first_writer_stands(self, index: Index) -> None:
        later = HistoryWriter("a", "w2", EPOCH + SECOND).create("late", created=7)
        first = HistoryWriter("a", "w1", EPOCH).create(created=5)
        apply(index, later, first)

        assert (index.nodes()["a"].created, index.nodes()["a"].experiment_name) == (5, "late")

    def test_a_run_without_create_is_there_since_its_first_journal(self, index: Index) -> None:
        apply(
            index,
            HistoryWriter("a", "w2", created=9).configs({"x": 1}),
            HistoryWriter("a", "w1", created=4).heartbeat(),
        )

        assert index.nodes()["a"].created == 4

    def test_the_first_lineage_stands(self, index: Index) -> None:
        apply(index, HistoryWriter("p").create(), HistoryWriter("q").create())
        second = HistoryWriter("a", "w2", EPOCH + 50 * SECOND).lineage("q", 2)
        first = HistoryWriter("a", "w1").create().lineage("p", 1)
        apply(index, second, first)

        fork = index.nodes()["a"].fork
        assert fork is not None
        assert (fork.parent, fork.step) == ("p", MICRO)

    def test_a_late_bound_lineage_gives_a_parent(self, index: Index) -> None:
        apply(index, line("p", 1.0, 2.0, 3.0))
        writer = HistoryWriter("a", now=EPOCH + 100 * SECOND).create()
        apply(index, writer)
        assert points_of(index, "a", "loss") == []
        apply(index, writer.lineage("p", 1))

        assert points_of(index, "a", "loss") == [(0, 1.0), (1, 2.0)]
        assert value_of(index, "a", "sys/forking/parent") == "p"

    def test_a_fork_takes_its_cuts_from_the_mark(self, index: Index) -> None:
        parent = HistoryWriter("p").create()
        for step in range(6):
            parent.metrics({"loss": step}, step).metrics({"val": step}, step * 10)
        parent.mark("m", 3, cuts={"val": 10}, time=EPOCH + 77)
        apply(index, parent)
        apply(index, HistoryWriter("a", now=EPOCH + 100 * SECOND).create().lineage("p", 3, mark="m"))

        fork = index.nodes()["a"].fork
        assert fork is not None
        assert (fork.clock, dict(fork.cuts)) == (EPOCH + 77, {"val": 10 * MICRO})
        assert [step for step, _ in points_of(index, "a", "loss")] == [0, 1, 2, 3]
        assert [step for step, _ in points_of(index, "a", "val")] == [0, 10]

    def test_a_mark_that_arrives_late_sets_the_cuts(self, index: Index) -> None:
        parent = line("p", *map(float, range(6)))
        apply(index, parent, HistoryWriter("a", now=EPOCH + 100 * SECOND).create().lineage("p", 3, mark="m"))
        apply(index, parent.mark("m", 3, cuts={"loss": 1}))

        assert statistics_of(index, "a", "loss")["count"] == 2
        assert [step for step, _ in points_of(index, "a", "loss")] == [0, 1]

    def test_without_a_mark_the_clock_is_cut_at_the_last_inherited_point(self, index: Index) -> None:
        parent = HistoryWriter("p").create()
        for step in range(5):
            parent.metrics({"loss": 0.0}, step, time=EPOCH + step * SECOND)
        apply(index, parent, child("a", "p", 2))

        fork = index.nodes()["a"].fork
        assert fork is not None
        assert fork.clock == EPOCH + 2 * SECOND

    def test_without_a_point_the_clock_is_cut_at_creation(self, index: Index) -> None:
        apply(index, HistoryWriter("p").create(), child("a", "p", 2, created=EPOCH + 99))

        fork = index.nodes()["a"].fork
        assert fork is not None
        assert fork.clock == EPOCH + 99

    def test_a_parent_that_an_earlier_record_takes_back_leaves_nothing_behind(self, index: Index) -> None:
        second = HistoryWriter("b", "w2", now=EPOCH + 100 * SECOND).create(fork=("a", 2), journals=None)
        apply(index, line("a", 1.0, 2.0, 3.0), second, child("c", "b", 2, created=EPOCH + 200 * SECOND))
        before = index.nodes()["c"].fork
        apply(index, HistoryWriter("b", "w1", now=EPOCH + 50 * SECOND).create())
        after = index.nodes()["c"].fork

        assert (points_of(index, "b", "loss"), points_of(index, "c", "loss"), index.nodes()["b"].fork) == ([], [], None)
        assert before is not None
        assert before.clock < EPOCH + 100 * SECOND
        assert after is not None
        assert after.clock == EPOCH + 200 * SECOND

    def test_series_on_the_clock_axis_are_cut_at_the_clock(self, index: Index) -> None:
        parent = HistoryWriter("p").create()
        for step in range(5):
            now = 1_000_000 + step
            parent.metrics({"loss": 0.0}, step, time=now * SECOND)
            parent.strings({"out": f"line {step}"}, now + 0.5, clock_axis=True)
        apply(index, child("a", "p", 2, now=2_000_000 * SECOND), parent)

        seen = series_of(index, "a", "out")
        assert seen is not None
        assert seen.clock_axis
        assert seen.values == ["line 0", "line 1"]
        assert value_of(index, "a", "out") == "line 1"

    def test_a_pending_fork_resolves_when_its_parent_arrives(self, index: Index) -> None:
        apply(index, child("c", "b", 3, 30.0, now=EPOCH + 7200 * SECOND), child("b", "a", 1, 20.0, 21.0))
        assert value_of(index, "b", "sys/forking/is_pending") is True
        assert value_of(index, "c", "sys/forking/depth") == 2
        apply(index, line("a", 10.0, 11.0, 12.0).configs({"lr": 1}))

        assert value_of(index, "b", "sys/forking/is_pending") is None
        assert value_of(index, "c", "sys/forking/depth") == 2
        assert points_of(index, "c", "loss") == [(0, 10.0), (1, 11.0), (2, 20.0), (3, 21.0), (4, 30.0)]
        assert statistics_of(index, "c", "loss")["count"] == 5
        assert value_of(index, "c", "lr") == 1

    def test_runs_that_fork_from_each_other_still_answer(self, index: Index) -> None:
        apply(index, child("a", "b", 5, 1.0), child("b", "a", 5, 2.0), child("s", "s", 5, 3.0))

        assert points_of(index, "s", "loss") == [(6, 3.0)]
        assert set(index.nodes()) == {"a", "b", "s"}

    def test_a_child_is_never_older_than_its_parent(self, index: Index) -> None:
        apply(index, HistoryWriter("c", now=EPOCH - 7200 * SECOND).create("x", fork=("b", 2), journals=None))
        apply(index, HistoryWriter("b", now=EPOCH - 3600 * SECOND).create("x", fork=("a", 1), journals=None))
        assert index.nodes()["c"].created == EPOCH - 3600 * SECOND + 1
        apply(index, HistoryWriter("a").create("x"))

        assert {run_id: node.created - EPOCH for run_id, node in index.nodes().items()} == {"a": 0, "b": 1, "c": 2}
        assert run_ids(index, heads_only=True) == ["c"]
        assert run_ids(index) == ["c", "b", "a"]

    def test_a_run_that_ended_without_a_point_is_no_head_while_another_has_one(self, index: Index) -> None:
        apply(index, line("a", 1.0, now=EPOCH + SECOND).create("x"))
        failed = HistoryWriter("b", now=EPOCH + 60 * SECOND).create("x", fork=("a", 0))
        failed.strings({"runtime/stdout": "no such file"}, 1_700_000_061, clock_axis=True)
        apply(index, failed)
        index.set_states({"a": "finished", "b": "running"})
        assert run_ids(index, heads_only=True) == ["b"]
        index.set_states({"b": "failed"})

        assert run_ids(index, heads_only=True) == ["a"]
        assert value_of(index, "b", "sys/experiment/is_head") is False
        apply(index, failed.metrics({"loss": 1.0}, 1))
        assert run_ids(index, heads_only=True) == ["b"]

    def test_the_latest_of_runs_without_points_is_the_head(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create("x", created=5), HistoryWriter("b").create("x", created=6))
        index.set_states({"a": "finished", "b": "failed"})

        assert run_ids(index, heads_only=True) == ["b"]

    def test_the_name_that_a_run_began_with_is_its_name_everywhere(self, index: Index) -> None:
        apply(
            index,
            HistoryWriter("a", "w1").create("first").configs({"sys/name": "first", "sys/experiment/name": "first"}),
        )
        apply(index, HistoryWriter("a", "w2", EPOCH + 60 * SECOND).create("second").configs({"sys/name": "second"}))

        assert index.nodes()["a"].experiment_name == "first"
        assert (value_of(index, "a", "sys/name"), value_of(index, "a", "sys/experiment/name")) == ("first", "first")

    def test_the_head_is_the_run_created_last(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create("x", created=5), HistoryWriter("b").create("x", created=3))
        assert value_of(index, "a", "sys/experiment/is_head") is True
        apply(index, HistoryWriter("c").create("x", created=9))

        assert value_of(index, "a", "sys/experiment/is_head") is False
        assert run_ids(index, heads_only=True) == ["c"]
        assert [row.is_head for row in index.runs(RunsQuery()).rows] == [True, False, False]

    def test_the_later_of_two_forks_is_the_head_though_their_clock_is_behind_their_parents(self, index: Index) -> None:
        apply(index, HistoryWriter("p", now=EPOCH + 60 * SECOND).create("x").mark("m", 5, journals={}))
        for number, run_id in enumerate("cba"):  # each from a mark of the parent, whose clock is a minute ahead
            fork = HistoryWriter(run_id, now=EPOCH + number * SECOND).create("x")
            apply(index, fork.lineage("p", 5, mark="m", mark_time=EPOCH + (90 - number) * SECOND))

        assert run_ids(index, heads_only=True) == ["a"]

    def test_a_fork_was_created_after_its_parent_whatever_its_own_clock_said(self, index: Index) -> None:
        parent = HistoryWriter("p").create("x").configs({"lr": 1}).mark("m", 5, time=EPOCH + 60 * SECOND)
        behind = HistoryWriter("a", now=EPOCH - 3600 * SECOND).create("x")
        behind.lineage("p", 5, mark="m", mark_time=EPOCH + 60 * SECOND)
        apply(index, parent, behind)

        assert value_of(index, "a", "sys/experiment/is_head") is True
        assert value_of(index, "a", "lr") == 1
        assert index.nodes()["a"].created == EPOCH + 1

    def test_archiving_the_head_promotes_the_run_before_it(self, index: Index) -> None:
        head = HistoryWriter("b").create("x", created=5)
        apply(index, HistoryWriter("a").create("x", created=3), head)
        apply(index, head.configs({"sys/archived": True}))

        assert run_ids(index, heads_only=True) == ["a"]
        assert run_ids(index, include_archived=False) == ["a"]
        assert value_of(index, "a", "sys/experiment/is_head") is True
        assert value_of(index, "b", "sys/experiment/is_head") is False

    def test_checkpoint_marks_are_listed_by_step(self, index: Index) -> None:
        early = HistoryWriter("a", "w1").create().mark("m1", 20, journals={}, time=7).mark("m2", 10.5, time=8)
        late = HistoryWriter("a", "w2").mark("m1", 1, time=9).mark("m3", 30, time=10)
        late.record(Kind.MARK, {"mark": "m4", "epoch": 3, "fingerprint": None, "cuts": {}}, step=30 * MICRO, time=11)
        apply(index, late, early, HistoryWriter("b").create())

        told = [
            CheckpointMark("m2", 10_500_000, 8),
            CheckpointMark("m1", 20 * MICRO, 7),
            CheckpointMark("m3", 30 * MICRO, 10),
            CheckpointMark("m4", 30 * MICRO, 11, 3),
        ]
        assert index.marks(["a", "b", "nobody"]) == {"a": told, "b": []}
        index.remove(["a"])
        assert index.marks(["a"]) == {}
