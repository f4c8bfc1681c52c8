"""Which points an index gives, from whom, in which order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from runfork.errors import ArgumentError
from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.model.filters import Attribute, Filter
from runfork.model.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import (
    NAN,
    SECOND,
    apply,
    child,
    found,
    line,
    points_of,
    series_of,
    statistics_of,
    value_of,
)
from runfork.types import FileReference, Histogram

if TYPE_CHECKING:
    from runfork.index.interface import Index


class PointsContract:
    """Which points an index gives, from whom, in which order."""

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
        assert [segment.high for segment in seen.segments[:-1]] == [MICRO]

    def test_points_that_were_replaced_in_a_run_can_be_asked_for(self, index: Index) -> None:
        first = HistoryWriter("a", "w1").create()
        second = HistoryWriter("a", "w2", EPOCH + 3600 * SECOND)
        for step in range(6):
            first.metrics({"loss": step}, step).strings({"text": f"first {step}"}, step)
        second.metrics({"loss": 30}, 3).metrics({"loss": 300}, 3).metrics({"loss": 40}, 4).strings(
            {"text": "second"}, 3
        )
        apply(index, second, first, child("b", "a", 3, 50.0).metrics({"loss": 7.0}, 2))

        assert points_of(index, "a", "loss") == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 300.0), (4, 40.0), (5, 5.0)]
        assert points_of(index, "a", "loss", replaced=True) == [(3, 3.0), (3, 30.0), (4, 4.0)]
        assert points_of(index, "a", "loss", replaced=True, tail=2) == [(3, 30.0), (4, 4.0)]
        assert points_of(index, "a", "loss", replaced=True, step_range=(4 * MICRO, None)) == [(4, 4.0)]
        assert points_of(index, "a", "text", replaced=True) == [(3, "first 3")]
        assert points_of(index, "b", "loss", replaced=True) == [(3, 3.0), (3, 30.0)]
        assert points_of(index, "b", "loss", replaced=True, inherit="own") == []

    def test_previews_that_were_replaced_are_not_kept(self) -> None:
        with pytest.raises(ArgumentError, match="previews that were replaced are not kept"):
            PointsRequest([], previews=True, replaced=True)

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
        assert index.points(PointsRequest([SeriesKey("c", "loss")], inherit="own")) == []

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

    @pytest.mark.parametrize("value", [0.1, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324])
    def test_the_mean_of_a_bucket_lies_between_its_extremes(self, index: Index, value: float) -> None:
        apply(index, line("a", *[value] * 13))
        buckets = index.buckets(BucketsRequest([SeriesKey("a", "loss")], count=2))

        assert buckets.mean.tolist() == [[value, value]]

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
