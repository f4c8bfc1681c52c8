from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answers import both_indexes
from tests.naive_buckets import assert_nothing_is_hidden, naive_buckets
from tests.strategies import FLOATS, ODD_FLOATS, SIZES, STEPS, TIMES, examples

from runfork import Run
from runfork.errors import ArgumentError
from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.index.memory import MemoryIndex
from runfork.model.attributes import AttributeType
from runfork.model.steps import to_micro_steps
from runfork.query.attributes import attribute_choices
from runfork.query.buckets import BucketsQuery, bucket_points, fetch_metric_buckets, read_buckets
from runfork.query.source import Source
from runfork.testing.histories import EPOCH, HistoryWriter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trials import Tried

LOSS = attribute_choices("y", "loss", types=(AttributeType.FLOAT_SERIES,))


def source_with(*runs: HistoryWriter) -> Source:
    index = MemoryIndex()
    for run in runs:
        index.apply(run.batch())
    return Source("local/test", index)


@pytest.fixture
def source() -> Source:
    first, second = HistoryWriter("r1").create("gull"), HistoryWriter("r2").create("tern")
    for step in range(11):
        first.metrics({"loss": 100.0 if step == 4 else float(step)}, step)
    for step in range(6, 9):
        second.metrics({"loss": math.nan if step == 7 else -float(step)}, step)
    return source_with(first, second)


def test_the_first_bucket_gives_its_first_point_and_the_others_their_last(source: Source) -> None:
    frame = read_buckets(source, BucketsQuery("run", None, LOSS, count=2))

    expected = pd.DataFrame(
        {
            ("r1", "loss", "x"): [0.0, 10.0],
            ("r1", "loss", "y"): [0.0, 10.0],
            ("r2", "loss", "x"): [math.nan, 8.0],
            ("r2", "loss", "y"): [math.nan, -8.0],
        },
        index=pd.Index([pd.Interval(0.0, 5.0, closed="left"), pd.Interval(5.0, 10.0, closed="both")], dtype=object),
    )
    expected.columns.names = ["run", "metric", None]
    pd.testing.assert_frame_equal(expected, frame)


def test_statistics_show_the_spike_that_lies_between(source: Source) -> None:
    frame = read_buckets(source, BucketsQuery("experiment", ["gull"], LOSS, count=2, with_statistics=True))

    expected = {"x": 0.0, "y": 0.0, "min": 0.0, "max": 100.0, "mean": 21.2, "count": 5}
    assert expected == frame.iloc[0].droplevel([0, 1]).to_dict()


def test_buckets_where_no_series_has_a_point_are_left_out() -> None:
    run = HistoryWriter("r").create().metrics({"loss": 1}, 0).metrics({"loss": 2}, 100)

    frame = read_buckets(source_with(run), BucketsQuery("run", None, LOSS, count=50))

    expected = [pd.Interval(0.0, 2.0, closed="left"), pd.Interval(98.0, 100.0, closed="both")]
    assert expected == frame.index.tolist()


def test_a_single_point_stands_in_one_bucket() -> None:
    frame = read_buckets(
        source_with(HistoryWriter("r").create().metrics({"loss": 1}, 5)), BucketsQuery("run", None, LOSS)
    )

    expected = [[5.0, 1.0]]
    assert expected == frame.to_numpy().tolist()


def test_the_bucket_of_a_single_point_contains_it() -> None:
    run = HistoryWriter("r").create().metrics({"loss": 1}, 5)

    frame = read_buckets(source_with(run), BucketsQuery("run", None, LOSS))

    assert 5 in frame.index[0]


def test_the_mean_of_large_values_is_no_overflow() -> None:
    run = HistoryWriter("r").create()
    for step in range(6):
        run.metrics({"loss": 1.7e308}, step)
    source = source_with(run)

    for with_previews in (False, True):
        query = BucketsQuery("run", None, LOSS, count=2, with_previews=with_previews, with_statistics=True)
        frame = read_buckets(source, query)

        assert [1.7e308, 1.7e308] == frame["r", "loss", "mean"].tolist()


def test_time_can_be_the_axis(source: Source) -> None:
    frame = read_buckets(source, BucketsQuery("run", ["r1"], LOSS, x="time", count=2))

    start = pd.Timestamp(EPOCH, unit="us", tz="UTC")
    expected = [start + pd.Timedelta(seconds=2), start + pd.Timedelta(seconds=12)]
    assert expected == frame["r1", "loss", "x"].tolist()
    assert pd.Interval(start + pd.Timedelta(seconds=7), expected[1], closed="both") == frame.index[1]


def test_previews_count_where_asked_for() -> None:
    run = HistoryWriter("r").create().metrics({"loss": 1}, 0).metrics({"loss": 9}, 4, completion=0.5)
    source = source_with(run)

    without = read_buckets(source, BucketsQuery("run", None, LOSS, count=2))
    with_them = read_buckets(source, BucketsQuery("run", None, LOSS, count=2, with_previews=True))

    assert [1.0] == without["r", "loss", "y"].tolist()
    assert [1.0, 9.0] == with_them["r", "loss", "y"].tolist()


@pytest.mark.filterwarnings("ignore:.*(asks for|has no):runfork.RunforkWarning")
def test_nothing_selected_gives_an_empty_frame(source: Source) -> None:
    for with_previews in (False, True):
        frame = read_buckets(source, BucketsQuery("run", "nothing", LOSS, with_previews=with_previews))

        assert (0, 0) == frame.shape
        assert ["run", "metric", None] == list(frame.columns.names)


VALUES = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])


@given(
    st.lists(st.dictionaries(st.integers(0, 200), VALUES, max_size=30), max_size=3),
    st.integers(1, 40),
    st.sampled_from(["step", "time"]),
)
def test_points_fall_into_the_same_buckets_as_in_the_index(lines: list[dict[int, float]], count: int, x: Any) -> None:
    runs = [HistoryWriter(f"r{number}").create() for number in range(len(lines))]
    for run, points in zip(runs, lines, strict=True):
        for step, value in points.items():
            run.metrics({"loss": value}, step / 8, time=EPOCH + (step * 37) % 50)
    index = source_with(*runs).index
    keys = [SeriesKey(run.run_id, "loss") for run in runs]

    found = bucket_points(index.points(PointsRequest(keys)), count=count, x=x)

    expected = index.buckets(BucketsRequest(keys, count=count, x=x))
    assert expected.keys == found.keys
    for field in fields(expected):
        if field.name != "keys":
            np.testing.assert_allclose(getattr(found, field.name), getattr(expected, field.name), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit must be a whole number from 1 to 1000, found 0"),
        ({"limit": 1001}, "found 1001"),
        ({"x": "epoch"}, "x must be one of 'step', 'time', found 'epoch'"),
        ({"y": []}, "y must have at least one name"),
        ({"runs": None}, "found neither"),
        ({"include_point_previews": None}, "must be True or False, found None"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_opened(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        fetch_metric_buckets(**{"runs": ".*", "y": "loss", "directory": "/nowhere", **arguments})

    assert message in str(caught.value)


# Any points: nothing is hidden

DENSE = st.lists(st.sampled_from([*ODD_FLOATS, 1.7e308, 0.1, 0.1]), max_size=60).map(
    lambda values: [(step / 4, value, step // 3) for step, value in enumerate(values)]
)
LINES = st.lists(st.lists(st.tuples(STEPS, FLOATS, TIMES), max_size=40) | DENSE, min_size=1, max_size=3)
GRIDS = st.tuples(st.integers(1, 9) | st.integers(1, 1000), st.sampled_from(["step", "time"]))


def naive_points(points: list[tuple[Any, float, int]], x: str) -> list[tuple[int, float]]:
    """Return (x, value), by x: the last one logged at each step."""
    by_step = {to_micro_steps(step): (time, value) for step, value, time in points}
    found = [(step if x == "step" else time, value) for step, (time, value) in sorted(by_step.items())]
    return sorted(found, key=lambda point: point[0])


@pytest.mark.filterwarnings("ignore:.*(asks for|has no):runfork.RunforkWarning")
@pytest.mark.timeout(3600)
def test_no_bucket_hides_a_point(tried: Tried) -> None:
    seen = []

    @examples(100)
    @given(LINES, GRIDS, SIZES)
    def holds(lines: list[Any], grid: Any, sizes: Any) -> None:
        count, x = grid
        keys = [SeriesKey(f"r{number}", "loss") for number, points in enumerate(lines) if points]
        expected = [naive_points(points, x) for points in lines if points]
        with both_indexes(sizes) as indexes:
            for index in indexes:
                for number, points in enumerate(lines):
                    run = HistoryWriter(f"r{number}").create()
                    for step, value, time in points:
                        run.metrics({"loss": value}, step, time=time)
                    for batch in run.batches(7):
                        index.apply(batch)
                assert_nothing_is_hidden(index.buckets(BucketsRequest(keys, count=count, x=x)), expected)
                series = index.points(PointsRequest(keys))
                assert_nothing_is_hidden(bucket_points(series, count=count, x=x), expected)
                query = BucketsQuery("run", None, LOSS, x=x, count=count, with_statistics=True)
                assert_frame_shows(read_buckets(Source("local/test", index), query), expected, count)
        seen.append(sum(map(len, lines)))

    holds()
    tried(
        "any points on grids of 1 to 1000 buckets, bucket by bucket against the rule",
        times=len(seen),
        outcome=f"{sum(seen):,} points, every minimum, maximum, first, last and count exact",
    )


def assert_frame_shows(frame: pd.DataFrame, lines: list[list[tuple[int, float]]], count: int) -> None:
    """Check the extremes and counts that users get, in the order of the buckets."""
    xs = [x for points in lines for x, _ in points]
    for number, label in enumerate(frame.columns.get_level_values(0).unique()):
        inside = naive_buckets(lines[number], min(xs), max(xs), count)
        shown = frame[label, "loss"]
        shown = shown[shown["count"] > 0]
        ordered = [[value for _, value in inside[place]] for place in sorted(inside)]
        finite = [list(filter(math.isfinite, values)) or [math.nan] for values in ordered]
        assert [len(values) for values in ordered] == shown["count"].tolist()
        np.testing.assert_array_equal([min(values) for values in finite], shown["min"])
        np.testing.assert_array_equal([max(values) for values in finite], shown["max"])


@pytest.mark.timeout(3600)
def test_a_spike_of_one_point_is_in_what_users_fetch(tried: Tried, data_directory: Path) -> None:
    seen: list[int] = []

    @examples(10, long=300)
    @given(st.integers(1, 400), st.data(), st.integers(1, 1000), st.floats(2.0, 1e300), st.booleans())
    def holds(length: int, data: st.DataObject, limit: int, height: float, is_up: bool) -> None:
        place = data.draw(st.integers(0, length - 1))
        spike = height if is_up else -height
        project = f"tests/number-{len(seen)}"
        with Run(run_id="r", project=project) as run:
            for step in range(length):
                run.log_metrics({"loss": spike if step == place else math.sin(step)}, step=step)
        frame = fetch_metric_buckets(project=project, runs=["r"], y="loss", limit=limit, include_statistics=True)
        extreme = frame["r", "loss", "max" if is_up else "min"]
        assert spike == (extreme.max() if is_up else extreme.min())
        assert length == frame["r", "loss", "count"].sum()
        bucket = frame.index[int(np.argmax(extreme) if is_up else np.argmin(extreme))]
        assert bucket.left - 1e-9 <= place <= bucket.right + 1e-9
        seen.append(length)

    holds()
    tried(
        "a spike of one point among up to 400, logged and fetched in up to 1000 buckets",
        times=len(seen),
        outcome="always in the bucket of its step",
    )
