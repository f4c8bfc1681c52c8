"""What every index must do. Subclass `IndexContract` in a test module and give it the fixture ``index``::

class TestMyIndex(IndexContract):
    @pytest.fixture
    def index(self):
        return MyIndex()
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from runfork.attributes import AttributeType
from runfork.errors import ArgumentError, NotFoundError
from runfork.filters import AllOf, AnyOf, Attribute, Filter
from runfork.index.interface import (
    BucketsRequest,
    Definition,
    PointsRequest,
    RunsQuery,
    SeriesKey,
    Sort,
)
from runfork.patterns import Pattern, compile_pattern
from runfork.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from runfork.index.interface import Index, Series

__all__ = ["IndexContract", "apply", "points_of", "value_of"]

SECOND = 1_000_000
NAN = math.nan


def apply(index: Index, *writers: HistoryWriter) -> None:
    """Apply what each writer has not given yet, one after the other."""
    for writer in writers:
        index.apply(writer.batch())


def series_of(index: Index, run_id: str, path: str, **options: Any) -> Series | None:
    """Return one series."""
    found = index.points(PointsRequest([SeriesKey(run_id, path)], **options))
    return found[0] if found else None


def points_of(index: Index, run_id: str, path: str, **options: Any) -> list[tuple[float, Any]]:
    """Return a series as (step, value) pairs."""
    found = series_of(index, run_id, path, **options)
    return [] if found is None else list(zip((found.steps / MICRO).tolist(), list(found.values), strict=True))


def value_of(index: Index, run_id: str, path: str) -> Any:
    """Return an attribute's value, or None if the run lacks it."""
    found = index.values([run_id], paths=[path])[run_id].get(path)
    return None if found is None else found.value


def statistics_of(index: Index, run_id: str, path: str) -> dict[str, Any]:
    """Return a series' statistics."""
    return dict(index.values([run_id], paths=[path])[run_id][path].statistics or {})


def run_ids(index: Index, **query: Any) -> list[str]:
    """Return the ids of the runs that a query finds."""
    return [row.node.run_id for row in index.runs(RunsQuery(**query)).rows]


def found(index: Index, condition: Filter) -> list[str]:
    """Return the sorted ids of the runs that satisfy a condition."""
    return sorted(run_ids(index, filter=condition))


def line(run_id: str, *values: float, path: str = "loss", first_step: int = 0, **writer: Any) -> HistoryWriter:
    """Return a run with one metric, one point per step."""
    written = HistoryWriter(run_id, **writer).create()
    for step, value in enumerate(values, start=first_step):
        written.metrics({path: value}, step)
    return written


def child(run_id: str, parent: str, step: float, *values: float, **options: Any) -> HistoryWriter:
    """Return a run that forked an hour later, with one point per step after the fork."""
    written = HistoryWriter(run_id, now=options.pop("now", EPOCH + 3600 * SECOND)).create(
        fork=(parent, step), **options
    )
    for offset, value in enumerate(values, start=1):
        written.metrics({"loss": value}, math.floor(step) + offset)
    return written


class IndexContract:
    """The tests. Everything that is asked goes through the interface."""

    @pytest.fixture
    def index(self) -> Index:
        """Return an empty index; a subclass says which."""
        raise NotImplementedError

    # Applying

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

    def test_writers_tell_damage(self, index: Index) -> None:
        from runfork.journal.records import Damage

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

    # Origins and lineage

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

    def test_the_head_is_the_run_created_last(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create("x", created=5), HistoryWriter("b").create("x", created=3))
        assert value_of(index, "a", "sys/experiment/is_head") is True
        apply(index, HistoryWriter("c").create("x", created=9))

        assert value_of(index, "a", "sys/experiment/is_head") is False
        assert run_ids(index, heads_only=True) == ["c"]
        assert [row.is_head for row in index.runs(RunsQuery()).rows] == [True, False, False]

    def test_archiving_the_head_promotes_the_run_before_it(self, index: Index) -> None:
        head = HistoryWriter("b").create("x", created=5)
        apply(index, HistoryWriter("a").create("x", created=3), head)
        apply(index, head.configs({"sys/archived": True}))

        assert run_ids(index, heads_only=True) == ["a"]
        assert run_ids(index, include_archived=False) == ["a"]
        assert value_of(index, "a", "sys/experiment/is_head") is True
        assert value_of(index, "b", "sys/experiment/is_head") is False

    # Points

    def test_points_come_by_increasing_step_whatever_their_order(self, index: Index) -> None:
        writer = HistoryWriter("a").create()
        for step in (3, 1, 2, 0.5):
            writer.metrics({"loss": step}, step)
        apply(index, writer)

        assert points_of(index, "a", "loss") == [(0.5, 0.5), (1, 1), (2, 2), (3, 3)]

    def test_the_last_point_logged_at_a_step_wins(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().metrics({"x": 1, "y": 1}, 1).metrics({"x": 2}, 1).metrics({"x": 3}, 2))

        assert points_of(index, "a", "x") == [(1, 2.0), (2, 3.0)]
        assert statistics_of(index, "a", "x")["count"] == 2

    def test_order_within_a_journal_counts_across_schemas(self, index: Index) -> None:
        writer = HistoryWriter("a").create()
        writer.metrics({"x": 1}, 1).metrics({"x": 2, "y": 2}, 1).metrics({"x": 3}, 2).metrics({"x": 4, "y": 4}, 2)
        writer.metrics({"x": 5}, 2)
        apply(index, writer)

        assert points_of(index, "a", "x") == [(1, 2.0), (2, 5.0)]

    def test_the_writer_that_started_later_wins_at_a_step(self, index: Index) -> None:
        late = HistoryWriter("a", "w2").metrics({"x": 2}, 1)
        early = HistoryWriter("a", "w1", EPOCH + 500 * SECOND).create().metrics({"x": 1}, 1).metrics({"x": 1}, 2)
        apply(index, late, early)

        assert points_of(index, "a", "x") == [(1, 2.0), (2, 1.0)]
        assert value_of(index, "a", "x") == 1.0

    def test_a_child_sees_its_parents_points_up_to_and_including_the_fork_step(self, index: Index) -> None:
        apply(index, line("p", 0.0, 1.0, 2.0, 3.0), child("a", "p", 2, 30.0))

        assert points_of(index, "a", "loss") == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 30.0)]

    def test_a_childs_own_point_wins_over_an_inherited_one(self, index: Index) -> None:
        apply(index, line("p", 0.0, 1.0, 2.0), child("a", "p", 2).metrics({"loss": 10}, 1))

        assert points_of(index, "a", "loss") == [(0, 0.0), (1, 10.0), (2, 2.0)]

    def test_cuts_further_up_are_the_running_minimum(self, index: Index) -> None:
        apply(index, line("a", *map(float, range(10))), child("b", "a", 8, 90.0), child("c", "b", 5, 60.0))

        assert [step for step, _ in points_of(index, "c", "loss")] == [0, 1, 2, 3, 4, 5, 6]

    def test_late_points_of_the_parent_are_inherited(self, index: Index) -> None:
        parent = line("p", 0.0, 1.0)
        apply(index, parent, child("a", "p", 5, 60.0))
        apply(index, parent.metrics({"loss": 3}, 3).metrics({"loss": 7}, 7))

        assert [step for step, _ in points_of(index, "a", "loss")] == [0, 1, 3, 6]
        assert statistics_of(index, "a", "loss")["count"] == 4

    def test_sources_say_where_each_point_comes_from(self, index: Index) -> None:
        apply(index, line("p", 0.0, 1.0, 2.0), child("a", "p", 1, 20.0))
        seen = series_of(index, "a", "loss")

        assert seen is not None
        assert [seen.segments[source].run_id for source in seen.sources] == ["p", "p", "a"]
        assert [segment.high for segment in seen.segments][0] == MICRO

    def test_points_without_inheritance_are_the_runs_own(self, index: Index) -> None:
        apply(index, line("p", 0.0, 1.0), child("a", "p", 1, 20.0))

        assert points_of(index, "a", "loss", inherit="own") == [(2, 20.0)]

    def test_points_of_an_experiment_stop_at_another_name(self, index: Index) -> None:
        root = HistoryWriter("r").create("x").metrics({"loss": 0}, 0)
        other = HistoryWriter("o").create("y", fork=("r", 0)).metrics({"loss": 1}, 1)
        middle = HistoryWriter("m").create("x", fork=("o", 1)).metrics({"loss": 2}, 2)
        apply(index, root, other, middle, HistoryWriter("h").create("x", fork=("m", 2)).metrics({"loss": 3}, 3))

        assert [step for step, _ in points_of(index, "h", "loss", inherit="experiment")] == [2, 3]

    def test_points_of_a_run_without_a_name_in_experiment_mode_are_its_own(self, index: Index) -> None:
        apply(index, line("p", 0.0, 1.0), child("a", "p", 1, 20.0))

        assert points_of(index, "a", "loss", inherit="experiment") == [(2, 20.0)]

    def test_series_that_are_not_there_are_left_out(self, index: Index) -> None:
        apply(index, line("a", 1.0).configs({"lr": 0.1}), child("c", "a", 0))
        asked = [SeriesKey("a", "nothing"), SeriesKey("b", "loss"), SeriesKey("a", "lr"), SeriesKey("a", "loss")]

        assert [one.key.path for one in index.points(PointsRequest(asked))] == ["loss"]
        assert (
            index.points(PointsRequest([SeriesKey("c", "loss")], inherit="own") if False else PointsRequest([])) == []
        )

    def test_a_parents_series_that_begins_after_the_cut_is_not_there(self, index: Index) -> None:
        apply(index, line("p", 5.0, first_step=5), child("a", "p", 3))

        assert index.points(PointsRequest([SeriesKey("a", "loss")])) == []
        assert value_of(index, "a", "loss") is None
        assert "loss" not in index.values(["a"])["a"]

    @pytest.mark.parametrize(
        ("step_range", "expected"),
        [((2, 4), [2, 3, 4]), ((None, 1), [0, 1]), ((8, None), [8, 9]), ((20, 30), []), ((4, 2), [])],
    )
    def test_step_ranges_include_both_ends(
        self, index: Index, step_range: tuple[int | None, int | None], expected: list[int]
    ) -> None:
        apply(index, line("a", *map(float, range(10))))
        low, high = (None if bound is None else bound * MICRO for bound in step_range)

        assert [step for step, _ in points_of(index, "a", "loss", step_range=(low, high))] == expected

    @pytest.mark.parametrize("tail", [0, 1, 3, 50])
    def test_tail_gives_the_last_points(self, index: Index, tail: int) -> None:
        apply(index, line("p", *map(float, range(10))), child("a", "p", 7, 8.5))
        everything = points_of(index, "a", "loss")

        assert points_of(index, "a", "loss", tail=tail) == everything[max(0, 9 - tail) :]

    def test_tail_within_a_range(self, index: Index) -> None:
        apply(index, line("a", *map(float, range(10))))

        assert points_of(index, "a", "loss", tail=2, step_range=(None, 5 * MICRO)) == [(4, 4.0), (5, 5.0)]

    def test_floats_come_back_bit_for_bit(self, index: Index) -> None:
        bits = [0x7FF8000000000001, 0xFFF4000000000000, 0x8000000000000000, 0x7FF0000000000000, 1, 0x3FB999999999999A]
        writer = HistoryWriter("a").create()
        for step, value in enumerate(np.array(bits, np.uint64).view(np.float64).tolist()):
            writer.metrics({"x": value}, step)
        apply(index, writer)
        seen = series_of(index, "a", "x")

        assert seen is not None
        assert isinstance(seen.values, np.ndarray)
        assert seen.values.view(np.uint64).tolist() == bits

    def test_times_are_those_of_the_frames(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().metrics({"x": 1}, 1, time=17).metrics({"x": 2}, 2, time=5))
        seen = series_of(index, "a", "x")

        assert seen is not None
        assert seen.times.tolist() == [17, 5]

    def test_string_series_keep_every_text(self, index: Index) -> None:
        texts = ["", "a\0b", "\ud800 alone", "é\r\n", "x" * 70_000]
        writer = HistoryWriter("a").create().strings({"out": texts}, 1)
        apply(index, writer)
        apply(index, writer.strings({"out": "later"}, 2))

        expected = [((MICRO + position) / MICRO, text) for position, text in enumerate(texts)] + [(2, "later")]
        assert points_of(index, "a", "out") == expected
        assert statistics_of(index, "a", "out") == {"last_step": 2 * MICRO, "count": 6}

    def test_histograms_and_files_come_back(self, index: Index) -> None:
        histogram = Histogram((0.0, 1.0, 2.5), counts=(3, 4))
        writer = HistoryWriter("a").create().histograms({"h": histogram}, 1).files({"f": "abc"}, 2)
        apply(index, writer.files({"single": "def"}))
        reference = FileReference("abc", 3, "text/plain", "abc.txt")

        assert points_of(index, "a", "h") == [(1, histogram)]
        assert value_of(index, "a", "h") == histogram
        assert points_of(index, "a", "f") == [(2, reference)]
        assert value_of(index, "a", "single") == FileReference("def", 3, "text/plain", "def.txt")

    def test_many_points_in_many_batches_come_back(self, index: Index) -> None:
        writer = HistoryWriter("a").create()
        for step in range(9_000):
            writer.metrics({"x": step % 7, "y": step * 0.1}, step)
        for batch in writer.batches(700):
            index.apply(batch)
        seen = series_of(index, "a", "y")

        assert seen is not None
        assert np.array_equal(seen.steps, np.arange(9_000) * MICRO)
        assert np.array_equal(seen.values, np.arange(9_000) * 0.1)
        assert points_of(index, "a", "x", tail=2) == [(8998, 8998 % 7), (8999, 8999 % 7)]
        assert statistics_of(index, "a", "y")["average"] == pytest.approx(0.1 * 8_999 / 2)

    # Previews

    def test_previews_are_seen_beyond_the_last_committed_point(self, index: Index) -> None:
        writer = HistoryWriter("a").create().metrics({"x": 1}, 1)
        apply(index, writer.metrics({"x": 5}, 2, completion=0.5))

        seen = series_of(index, "a", "x", previews=True)
        assert seen is not None
        assert seen.completion is not None
        assert seen.is_preview is not None
        assert (seen.completion.tolist(), seen.is_preview.tolist()) == ([1.0, 0.5], [False, True])
        assert points_of(index, "a", "x", previews=True) == [(1, 1.0), (2, 5.0)]
        assert points_of(index, "a", "x") == [(1, 1.0)]
        assert value_of(index, "a", "x") == 1.0

    def test_a_later_preview_replaces_one_at_the_same_step(self, index: Index) -> None:
        apply(
            index, HistoryWriter("a").create().metrics({"x": 5}, 2, completion=0.9).metrics({"x": 6}, 2, completion=0.2)
        )

        assert points_of(index, "a", "x", previews=True) == [(2, 6.0)]

    @pytest.mark.parametrize("step", [2, 3])
    def test_a_committed_point_at_or_after_a_preview_removes_it(self, index: Index, step: int) -> None:
        apply(index, HistoryWriter("a").create().metrics({"x": 9}, step).metrics({"x": 5}, 2, completion=0.9))

        assert points_of(index, "a", "x", previews=True) == [(step, 9.0)]

    def test_a_parents_preview_is_seen_if_what_removed_it_is_cut_off(self, index: Index) -> None:
        parent = HistoryWriter("p").create().metrics({"loss": 5}, 2, completion=0.9).metrics({"loss": 9}, 4)
        apply(index, parent, child("a", "p", 3))

        assert points_of(index, "a", "loss", previews=True) == [(2, 5.0)]

    def test_a_series_of_previews_alone_is_there_without_a_value(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().metrics({"x": 5}, 2, completion=0.9))

        assert index.values(["a"], paths=["x"])["a"]["x"].value is None
        assert statistics_of(index, "a", "x")["count"] == 0
        assert points_of(index, "a", "x") == []
        assert found(index, Filter.ne(Attribute("x", "float_series"), 1)) == []
        assert found(index, Filter.exists(Attribute("x", "float_series"))) == ["a"]

    # Values

    def test_statistics_leave_out_what_is_not_finite(self, index: Index) -> None:
        apply(index, line("a", 1.0, NAN, 4.0, math.inf, -math.inf, NAN, 1.0))

        assert statistics_of(index, "a", "loss") == pytest.approx(
            {
                "first_step": 0,
                "last_step": 6 * MICRO,
                "count": 7,
                "min": 1.0,
                "max": 4.0,
                "average": 2.0,
                "variance": 2.0,
                "nan": 2,
                "positive_infinity": 1,
                "negative_infinity": 1,
            }
        )

    def test_statistics_of_nothing_finite_are_none(self, index: Index) -> None:
        apply(index, line("a", NAN, math.inf))
        statistics = statistics_of(index, "a", "loss")

        assert [statistics[name] for name in ("min", "max", "average", "variance")] == [None] * 4

    def test_the_value_of_a_series_is_its_last_point(self, index: Index) -> None:
        parent = line("p", 1.0, 2.0, 3.0)
        apply(index, parent, child("a", "p", 1))
        found = index.values(["a"], paths=["loss"])["a"]["loss"]

        assert (found.type, found.value, found.source_run) == (AttributeType.FLOAT_SERIES, 2.0, "p")
        assert found.time == EPOCH + 3 * SECOND

    def test_statistics_include_inherited_points(self, index: Index) -> None:
        apply(index, line("p", 1.0, 2.0, 30.0), child("a", "p", 1, 6.0))
        statistics = statistics_of(index, "a", "loss")

        assert (statistics["count"], statistics["average"], statistics["max"]) == (3, 3.0, 6.0)

    def test_every_type_of_config_comes_back(self, index: Index) -> None:
        moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
        data = {"f": 0.1, "i": 2**62 + 1, "b": True, "s": "text", "d": moment, "t": ["x", "y"], "n": NAN, "e": math.inf}
        apply(index, HistoryWriter("a").create().configs(data))
        values = index.values(["a"])["a"]

        assert [values[path].type.value for path in "fibsdt"] == [
            "float",
            "int",
            "bool",
            "string",
            "datetime",
            "string_set",
        ]
        assert (values["f"].value, values["i"].value, values["b"].value) == (0.1, 2**62 + 1, True)
        assert type(values["b"].value) is bool
        assert values["d"].value == int(moment.timestamp()) * SECOND + 6
        assert values["t"].value == frozenset({"x", "y"})
        assert math.isnan(values["n"].value)
        assert values["e"].value == math.inf

    def test_strings_of_any_characters_come_back(self, index: Index) -> None:
        texts = {"nul": "a\0b", "lone": "\udcff x", "long": "é" * 100_000, "empty": ""}
        apply(index, HistoryWriter("a").create().configs(texts))

        assert {path: value_of(index, "a", path) for path in texts} == texts

    def test_the_later_of_two_configs_wins_by_time_then_writer(self, index: Index) -> None:
        late = (
            HistoryWriter("a", "w2").configs({"x": "w2 at 10", "y": "w2 at 10"}, time=10).configs({"z": "w2"}, time=20)
        )
        early = (
            HistoryWriter("a", "w1").create(time=1).configs({"x": "w1 at 10"}, time=10).configs({"y": "w1"}, time=11)
        )
        apply(index, late, early)

        assert [value_of(index, "a", path) for path in "xyz"] == ["w2 at 10", "w1", "w2"]

    def test_values_are_chosen_by_path_or_pattern(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().configs({"x/1": 1, "x/2": 2, "y": 3}))

        assert list(index.values(["a"], paths=["y", "x/1", "no"])["a"]) == ["x/1", "y"]
        assert list(index.values(["a"], pattern=compile_pattern("^x/ & !2"))["a"]) == ["x/1"]
        assert list(index.values(["a"], pattern=Pattern(names=frozenset({"x/2"})))["a"]) == ["x/2"]
        assert list(index.values(["gone", "a"], paths=[])) == ["a"]

    def test_tags_are_added_and_removed_in_order(self, index: Index) -> None:
        writer = HistoryWriter("a").create().tags("x", "y").tags(remove=["x"]).tags("z")
        apply(index, writer)
        assert value_of(index, "a", "sys/tags") == {"y", "z"}
        apply(index, writer.string_set("sys/tags", ["new"]).tags("more"))

        assert value_of(index, "a", "sys/tags") == {"new", "more"}

    def test_every_run_has_tags_and_an_archived_flag(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create())

        assert value_of(index, "a", "sys/tags") == frozenset()
        assert value_of(index, "a", "sys/group_tags") == frozenset()
        assert value_of(index, "a", "sys/archived") is False

    def test_derived_attributes(self, index: Index) -> None:
        apply(
            index, HistoryWriter("a").create().heartbeat(), child("b", "a", 1.5), HistoryWriter("a", "w2").heartbeat()
        )
        apply(index, HistoryWriter("c").create().lineage("b", 2, mark="m"))

        assert value_of(index, "a", "sys/running_time_seconds") == 3.0
        assert value_of(index, "a", "sys/modification_time") == EPOCH + 2 * SECOND
        assert value_of(index, "b", "sys/forking/step") == 1.5
        assert (value_of(index, "b", "sys/forking/depth"), value_of(index, "c", "sys/forking/depth")) == (1, 2)
        assert value_of(index, "c", "sys/forking/mark") == "m"
        assert value_of(index, "a", "sys/forking/parent") is None

    def test_state_is_what_was_set(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create())
        assert value_of(index, "a", "sys/state") is None
        index.set_state("a", "failed")
        assert (value_of(index, "a", "sys/state"), value_of(index, "a", "sys/failed")) == ("failed", True)
        index.set_state("a", "running")

        assert (value_of(index, "a", "sys/state"), value_of(index, "a", "sys/failed")) == ("running", False)
        assert found(index, Filter.eq(Attribute("sys/state", "string"), "running")) == ["a"]

    def test_the_state_of_an_unknown_run_cannot_be_set(self, index: Index) -> None:
        with pytest.raises(NotFoundError, match="'gone'"):
            index.set_state("gone", "failed")

    def test_values_of_another_type_than_the_first_are_left_out(self, index: Index) -> None:
        late = HistoryWriter("a", "w2", EPOCH + 50 * SECOND).configs({"x": "text"}).metrics({"x": 3}, 1)
        apply(index, late)
        assert value_of(index, "a", "x") == "text"
        apply(index, HistoryWriter("a", "w1").create().metrics({"x": 7}, 5))

        assert value_of(index, "a", "x") == 7.0
        assert points_of(index, "a", "x") == [(1, 3.0), (5, 7.0)]
        assert value_of(index, "a", "sys/diagnostics/type_conflicts") == 1

    # Inheritance of single values

    def test_configs_are_inherited_as_they_were_at_the_childs_creation(self, index: Index) -> None:
        parent = HistoryWriter("p").create().configs({"lr": 1, "seed": 5})
        apply(index, parent, child("a", "p", 1).configs({"seed": 6}))
        apply(index, parent.configs({"lr": 2, "new": 1}, time=EPOCH + 7200 * SECOND))
        inherited = index.values(["a"], paths=["lr"])["a"]["lr"]

        assert (inherited.value, inherited.source_run) == (1, "p")
        assert value_of(index, "a", "seed") == 6
        assert value_of(index, "a", "new") is None
        assert value_of(index, "p", "lr") == 2

    def test_inheritance_does_not_depend_on_the_order_of_arrival(self, index: Index) -> None:
        parent = HistoryWriter("p").create().configs({"lr": 1}).configs({"lr": 2}, time=EPOCH + 7200 * SECOND)
        apply(index, child("a", "p", 1), parent)

        assert value_of(index, "a", "lr") == 1

    def test_late_configs_of_the_parent_reach_all_descendants(self, index: Index) -> None:
        parent = HistoryWriter("p").create()
        apply(index, parent, child("b", "p", 1), child("c", "b", 1, now=EPOCH + 7200 * SECOND))
        apply(index, parent.configs({"lr": 1}))

        assert value_of(index, "c", "lr") == 1

    def test_configs_are_not_inherited_without_inherit_configs(self, index: Index) -> None:
        parent = HistoryWriter("p").create().configs({"lr": 1, "sys/description": "why"}).tags("t").files({"f": "abc"})
        apply(index, parent, child("b", "p", 1, inherit_configs=False), child("c", "b", 1, now=EPOCH + 7200 * SECOND))

        for run_id in ("b", "c"):
            assert value_of(index, run_id, "lr") is None
            assert value_of(index, run_id, "sys/description") == "why"
            assert value_of(index, run_id, "sys/tags") == {"t"}
            assert value_of(index, run_id, "f").sha256 == "abc"

    def test_a_late_bound_lineage_says_whether_configs_are_inherited(self, index: Index) -> None:
        apply(index, HistoryWriter("p").create().configs({"lr": 1}))
        apply(index, HistoryWriter("a", now=EPOCH + 50 * SECOND).create().lineage("p", 1, inherit_configs=False))

        assert value_of(index, "a", "lr") is None

    def test_identity_is_not_inherited(self, index: Index) -> None:
        data = {"sys/owner": "me", "runtime/details/host": "h", "source_code/branch": "main", "sysx/y": 1}
        apply(index, HistoryWriter("p").create().configs(data), child("a", "p", 1))

        assert {path for path in index.values(["a"])["a"] if path in data} == {"sysx/y"}

    def test_a_childs_tag_changes_build_on_the_inherited_set(self, index: Index) -> None:
        parent = HistoryWriter("p").create().tags("x", "y")
        apply(index, parent, child("a", "p", 1).tags("z", remove=["x"]))
        apply(index, parent.tags("late", time=EPOCH + 9000 * SECOND))

        assert value_of(index, "a", "sys/tags") == {"y", "z"}
        assert value_of(index, "p", "sys/tags") == {"x", "y", "late"}

    def test_a_childs_own_type_hides_the_parents_series(self, index: Index) -> None:
        apply(index, line("p", 1.0, 2.0), child("a", "p", 1).configs({"loss": "none"}))

        assert value_of(index, "a", "loss") == "none"
        assert index.points(PointsRequest([SeriesKey("a", "loss")])) == []

    # Definitions

    def test_definitions_count_runs_with_inherited_attributes(self, index: Index) -> None:
        apply(
            index,
            line("p", 1.0).configs({"lr": 1}),
            child("a", "p", 1),
            HistoryWriter("b").create().configs({"lr": "x"}),
        )

        expected = [Definition("loss", "float_series", 2), Definition("lr", "int", 2), Definition("lr", "string", 1)]
        assert index.definitions(pattern=compile_pattern("^l")) == expected

    def test_definitions_are_restricted_by_runs_and_types(self, index: Index) -> None:
        apply(index, line("p", 1.0).configs({"lr": 1}), HistoryWriter("b").create().configs({"lr": "x"}))
        pattern = compile_pattern("^l")

        assert index.definitions(run_ids=["b", "gone"], pattern=pattern) == [Definition("lr", "string", 1)]
        assert index.definitions(types=[AttributeType.INT], pattern=pattern) == [Definition("lr", "int", 1)]
        assert index.definitions(run_ids=[]) == []

    def test_a_definition_whose_last_value_changed_its_type_is_gone(self, index: Index) -> None:
        apply(index, HistoryWriter("a", "w2", EPOCH + 50 * SECOND).configs({"x": "text"}))
        apply(index, HistoryWriter("a", "w1").configs({"x": 1}))

        assert index.definitions(pattern=compile_pattern("^x")) == [Definition("x", "int", 1)]

    # Filters

    def _with_values(self, index: Index, **values: Any) -> None:
        for run_id, value in values.items():
            apply(index, HistoryWriter(run_id).create().configs({"x": value}))
        apply(index, HistoryWriter("none").create())

    @pytest.mark.parametrize(
        ("operator", "expected"),
        [("eq", ["b"]), ("ne", ["a", "c", "n"]), ("gt", ["c"]), ("ge", ["b", "c"]), ("lt", ["a"]), ("le", ["a", "b"])],
    )
    def test_comparisons_of_numbers(self, index: Index, operator: str, expected: list[str]) -> None:
        self._with_values(index, a=1.5, b=2.5, c=3.5, n=NAN)

        assert found(index, getattr(Filter, operator)(Attribute("x", "float"), 2.5)) == expected

    @pytest.mark.parametrize(
        ("operator", "expected"), [("eq", []), ("ne", ["a", "n"]), ("gt", []), ("ge", []), ("lt", []), ("le", [])]
    )
    def test_nothing_compares_with_nan_but_as_different(self, index: Index, operator: str, expected: list[str]) -> None:
        self._with_values(index, a=1.5, n=NAN)

        assert found(index, getattr(Filter, operator)(Attribute("x", "float"), NAN)) == expected

    def test_infinities_compare_as_numbers(self, index: Index) -> None:
        self._with_values(index, a=1.5, p=math.inf, m=-math.inf)

        assert found(index, Filter.gt(Attribute("x", "float"), 1e308)) == ["p"]
        assert found(index, Filter.eq(Attribute("x", "float"), -math.inf)) == ["m"]

    def test_large_integers_compare_exactly(self, index: Index) -> None:
        self._with_values(index, a=2**62, b=2**62 + 1)

        assert found(index, Filter.eq(Attribute("x", "int"), 2**62 + 1)) == ["b"]
        assert found(index, Filter.gt(Attribute("x", "int"), 10**30)) == []
        assert found(index, Filter.lt(Attribute("x", "int"), 10**30)) == ["a", "b"]
        assert found(index, Filter.ne(Attribute("x", "int"), -(10**30))) == ["a", "b"]

    def test_negation_finds_runs_that_lack_the_attribute(self, index: Index) -> None:
        self._with_values(index, a=1, b=2)

        assert found(index, Filter.ne(Attribute("x", "int"), 1)) == ["b"]
        assert found(index, ~Filter.eq(Attribute("x", "int"), 1)) == ["b", "none"]
        assert found(index, ~Filter.exists(Attribute("x", "int"))) == ["none"]

    def test_conditions_combine(self, index: Index) -> None:
        self._with_values(index, a=1, b=2, c=3)
        x = Attribute("x", "int")

        assert found(index, Filter.gt(x, 1) & Filter.lt(x, 3)) == ["b"]
        assert found(index, Filter.eq(x, 1) | Filter.eq(x, 3)) == ["a", "c"]
        assert found(index, ~(Filter.eq(x, 1) | Filter.eq(x, 3)) & Filter.exists(x)) == ["b"]
        assert found(index, AllOf(())) == ["a", "b", "c", "none"]
        assert found(index, AnyOf(())) == []

    def test_an_attribute_of_another_type_satisfies_nothing(self, index: Index) -> None:
        self._with_values(index, a=1, b="1")

        assert found(index, Filter.exists(Attribute("x", "string"))) == ["b"]
        assert found(index, Filter.ne(Attribute("x", "int"), 7)) == ["a"]

    def test_a_value_of_another_kind_is_only_different(self, index: Index) -> None:
        self._with_values(index, a=1)

        assert found(index, Filter.lt(Attribute("x", "int"), "text")) == []
        assert found(index, Filter.eq(Attribute("x", "int"), "1")) == []
        assert found(index, Filter.ne(Attribute("x", "int"), "1")) == ["a"]

    def test_comparisons_of_texts(self, index: Index) -> None:
        self._with_values(index, a="apple", b="bé", c="b\U0001f600", d="")

        assert found(index, Filter.eq(Attribute("x", "string"), "apple")) == ["a"]
        assert found(index, Filter.gt(Attribute("x", "string"), "b")) == ["b", "c"]
        assert found(index, Filter.gt(Attribute("x", "string"), "bé")) == ["c"]
        assert found(index, Filter.ne(Attribute("x", "string"), "")) == ["a", "b", "c"]

    def test_texts_are_searched(self, index: Index) -> None:
        self._with_values(index, a="resnet-50 %_", b="vit-base")
        x = Attribute("x", "string")

        assert found(index, Filter.matches(x, r"^res | base$")) == ["a", "b"]
        assert found(index, Filter.matches(x, r"\d & !^r")) == []
        assert found(index, Filter.contains_all(x, ["net", "50 %"])) == ["a"]
        assert found(index, Filter.contains_all(x, "%t")) == []
        assert found(index, Filter.contains_none(x, ["net", "nothing"])) == ["b"]
        assert found(index, Filter.contains_all(x, "")) == ["a", "b"]

    def test_a_pattern_that_is_no_regular_expression_is_refused(self, index: Index) -> None:
        self._with_values(index, a="text")

        with pytest.raises(ArgumentError, match="regular expression"):
            index.runs(RunsQuery(filter=Filter.matches(Attribute("x", "string"), "(")))

    def test_string_sets_are_searched_by_member(self, index: Index) -> None:
        apply(
            index, HistoryWriter("a").create().tags("blue", "red, green"), HistoryWriter("b").create().tags("reddish")
        )
        tags = Attribute("sys/tags", "string_set")

        assert found(index, Filter.contains_all(tags, "red")) == []
        assert found(index, Filter.contains_all(tags, ["blue", "red, green"])) == ["a"]
        assert found(index, Filter.contains_none(tags, "blue")) == ["b"]
        assert found(index, Filter.matches(tags, "^red")) == ["a", "b"]
        assert found(index, Filter.matches(tags, "dish$")) == ["b"]

    def test_a_removed_tag_is_not_found(self, index: Index) -> None:
        writer = HistoryWriter("a").create().tags("blue")
        apply(index, writer)
        apply(index, writer.tags(remove=["blue"]))

        assert found(index, Filter.contains_all(Attribute("sys/tags", "string_set"), "blue")) == []
        assert found(index, Filter.contains_none(Attribute("sys/tags", "string_set"), "blue")) == ["a"]

    def test_series_compare_by_their_last_value(self, index: Index) -> None:
        apply(index, line("a", 9.0, 1.0), line("b", 1.0, 9.0), line("n", NAN), child("c", "b", 0))
        loss = Attribute("loss", "float_series")

        assert found(index, Filter.lt(loss, 5)) == ["a", "c"]
        assert found(index, Filter.ne(loss, 1)) == ["b", "n"]

    def test_datetimes_and_bools_compare(self, index: Index) -> None:
        moment = datetime(2026, 1, 2, tzinfo=timezone.utc)
        self._with_values(index, a=moment, b=True, c=False)

        assert found(index, Filter.ge(Attribute("x", "datetime"), moment)) == ["a"]
        assert found(index, Filter.gt(Attribute("x", "datetime"), moment)) == []
        assert found(index, Filter.gt(Attribute("x", "datetime"), 0)) == []
        assert found(index, Filter.eq(Attribute("x", "bool"), True)) == ["b"]
        assert found(index, Filter.eq(Attribute("x", "bool"), False)) == ["c"]

    def test_inherited_values_are_found(self, index: Index) -> None:
        apply(index, HistoryWriter("p").create().configs({"lr": 1}), child("a", "p", 1))

        assert found(index, Filter.eq(Attribute("lr", "int"), 1)) == ["a", "p"]

    # Order and pages

    def test_runs_come_by_creation_the_latest_first(self, index: Index) -> None:
        for run_id, created in (("a", 5), ("c", 7), ("b", 7)):
            apply(index, HistoryWriter(run_id).create(created=created))

        assert run_ids(index) == ["b", "c", "a"]

    def test_pages_and_totals(self, index: Index) -> None:
        for number in range(7):
            apply(index, HistoryWriter(f"r{number}").create(created=number).configs({"x": number % 2}))
        page = index.runs(RunsQuery(filter=Filter.eq(Attribute("x", "int"), 0), limit=2, offset=1))

        assert ([row.node.run_id for row in page.rows], page.total) == (["r4", "r2"], 4)
        assert index.runs(RunsQuery(limit=0)).total == 7
        assert run_ids(index, offset=6) == ["r0"]

    def test_runs_are_restricted_by_id(self, index: Index) -> None:
        for run_id in "abc":
            apply(index, HistoryWriter(run_id).create())

        assert sorted(run_ids(index, run_ids=["a", "c", "gone"])) == ["a", "c"]
        assert run_ids(index, run_ids=[]) == []

    @pytest.mark.parametrize(
        ("descending", "expected"),
        [(True, ["inf", "two", "two'", "one", "nan", "none"]), (False, ["one", "two", "two'", "inf", "nan", "none"])],
    )
    def test_sorting_puts_nan_behind_numbers_and_missing_last(
        self, index: Index, descending: bool, expected: list[str]
    ) -> None:
        values = {"none": None, "nan": NAN, "one": 1.0, "two": 2.0, "two'": 2.0, "inf": math.inf}
        for created, (run_id, value) in enumerate(values.items()):
            writer = HistoryWriter(run_id).create(created=10 if run_id.startswith("two") else created)
            apply(index, writer if value is None else writer.configs({"x": value}))
        sort = Sort(Attribute("x", "float"), descending)

        assert run_ids(index, sort=sort) == expected
        assert run_ids(index, sort=sort, offset=2, limit=3) == expected[2:5]

    def test_sorting_by_text_and_by_tags(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().configs({"x": "b"}).tags("z"))
        apply(index, HistoryWriter("b").create().configs({"x": "a"}).tags("a", "b"))

        assert run_ids(index, sort=Sort(Attribute("x", "string"), descending=False)) == ["b", "a"]
        assert run_ids(index, sort=Sort(Attribute("sys/tags", "string_set"), descending=False)) == ["b", "a"]

    @pytest.mark.parametrize(
        ("aggregate", "expected"),
        [("last", "bac"), ("min", "abc"), ("max", "bca"), ("average", "bac"), ("variance", "bca")],
    )
    def test_sorting_a_series_by_an_aggregate(self, index: Index, aggregate: Any, expected: str) -> None:
        apply(index, line("a", 5.0, 6.0), line("b", 0.0, 20.0), line("c", -1.0, 7.0, NAN))
        apply(index, HistoryWriter("none").create())

        order = run_ids(index, sort=Sort(Attribute("loss", "float_series"), aggregate=aggregate))
        assert order == [*expected, "none"]

    def test_sorting_by_files_leaves_them_behind(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create(created=1).files({"f": "x"}), HistoryWriter("b").create(created=2))

        assert run_ids(index, sort=Sort(Attribute("f", "file"))) == ["a", "b"]

    # Buckets

    def test_buckets_aggregate_points(self, index: Index) -> None:
        apply(index, line("a", 1.0, 3.0, NAN, math.inf, -math.inf, 8.0))
        buckets = index.buckets(BucketsRequest([SeriesKey("a", "loss")], count=2))

        assert buckets.edges.tolist() == [0, 2.5 * MICRO, 5 * MICRO]
        assert buckets.counts.tolist() == [[3, 3]]
        assert (buckets.first.tolist(), buckets.last_x.tolist()) == ([[1.0, math.inf]], [[2 * MICRO, 5 * MICRO]])
        assert (buckets.minimum.tolist(), buckets.maximum.tolist()) == ([[1.0, 8.0]], [[3.0, 8.0]])
        assert buckets.mean.tolist() == [[2.0, 8.0]]
        assert (buckets.nan.tolist(), buckets.positive_infinity.tolist()) == ([[1, 0]], [[0, 1]])
        assert buckets.negative_infinity.tolist() == [[0, 1]]
        assert math.isnan(buckets.last[0, 0])

    def test_empty_buckets_are_nan(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().metrics({"x": 1}, 0).metrics({"x": 2}, 9))
        buckets = index.buckets(BucketsRequest([SeriesKey("a", "x")], count=3))

        assert buckets.counts.tolist() == [[1, 0, 1]]
        assert np.isnan([buckets.first[0, 1], buckets.mean[0, 1], buckets.minimum[0, 1], buckets.last_x[0, 1]]).all()

    def test_buckets_share_one_grid_and_follow_lineage(self, index: Index) -> None:
        apply(index, line("p", 1.0, 2.0, 3.0), child("a", "p", 1, 10.0, 11.0, 12.0))
        buckets = index.buckets(
            BucketsRequest([SeriesKey("p", "loss"), SeriesKey("no", "x"), SeriesKey("a", "loss")], 2)
        )

        assert buckets.keys == [SeriesKey("p", "loss"), SeriesKey("a", "loss")]
        assert buckets.edges.tolist() == [0, 2 * MICRO, 4 * MICRO]
        assert buckets.counts.tolist() == [[2, 1], [2, 3]]
        assert buckets.last.tolist() == [[2.0, 3.0], [2.0, 12.0]]

    def test_buckets_of_a_range(self, index: Index) -> None:
        apply(index, line("a", *map(float, range(10))))
        buckets = index.buckets(BucketsRequest([SeriesKey("a", "loss")], 2, x_range=(2 * MICRO, 6 * MICRO)))

        assert buckets.counts.tolist() == [[2, 3]]
        assert buckets.first.tolist() == [[2.0, 4.0]]

    def test_buckets_of_one_point(self, index: Index) -> None:
        apply(index, line("a", 5.0))
        buckets = index.buckets(BucketsRequest([SeriesKey("a", "loss")], 3))

        assert buckets.counts.tolist() == [[1, 0, 0]]

    def test_buckets_by_time(self, index: Index) -> None:
        writer = HistoryWriter("a").create()
        for step, time in enumerate((100, 300, 200, 200)):
            writer.metrics({"x": step}, step, time=time)
        apply(index, writer)
        buckets = index.buckets(BucketsRequest([SeriesKey("a", "x")], 2, x="time"))

        assert buckets.counts.tolist() == [[1, 3]]
        assert (buckets.first.tolist(), buckets.last.tolist()) == ([[0.0, 2.0]], [[0.0, 1.0]])

    def test_buckets_take_float_series_only(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().strings({"out": "x"}, 1).configs({"lr": 1}))

        assert index.buckets(BucketsRequest([SeriesKey("a", "out"), SeriesKey("a", "lr")], 2)).keys == []
