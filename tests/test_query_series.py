from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork import Run
from runfork.errors import ArgumentError
from runfork.index.interface import Index, Series, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.query.arguments import check_step_range
from runfork.query.attributes import attribute_choices
from runfork.query.files import LoggedFile
from runfork.query.frames import Layout, series_frame
from runfork.query.selection import Inherit, Selection
from runfork.query.series import SeriesQuery, fetch_metrics, fetch_series, read_series
from runfork.query.source import Source
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.types import Histogram

METRICS = attribute_choices("attributes", "loss | acc", types=(AttributeType.FLOAT_SERIES,))
OTHERS = attribute_choices(
    "attributes",
    ".*",
    types=(AttributeType.STRING_SERIES, AttributeType.HISTOGRAM_SERIES, AttributeType.FILE_SERIES),
)


def history(run_id: str, minute: int) -> HistoryWriter:
    return HistoryWriter(run_id, now=EPOCH + minute * 60_000_000)


@pytest.fixture
def source(index: Index) -> Source:
    """A root of another name, 0 to 4 and on; then two runs of one experiment, 5 to 8 and on, and 9 to 11."""
    root, middle, last = history("root", 0).create("first"), history("middle", 1), history("last", 2)
    for step in range(7):
        root.metrics({"loss": step / 10, "acc": step}, step)
    middle.create("second", fork=("root", 4))
    for step in range(5, 10):
        middle.metrics({"loss": step / 10}, step)
    last.create("second", fork=("middle", 8))
    for step in range(9, 12):
        last.metrics({"loss": step / 10}, step)
    for run in (root, middle, last):
        index.apply(run.batch())
    return Source("local/test", index, "/data")


def steps_of(frame: pd.DataFrame, label: str) -> list[float]:
    return frame.loc[label].index.tolist()


@pytest.mark.parametrize(
    ("kind", "name", "inherit", "expected"),
    [
        ("experiment", "second", "lineage", range(12)),
        ("experiment", "second", "experiment", range(5, 12)),
        ("run", "last", "lineage", range(12)),
        ("run", "last", "own", range(9, 12)),
        ("run", "middle", "lineage", range(10)),
        ("run", "middle", "own", range(5, 10)),
        ("run", "root", "lineage", range(7)),
    ],
)
def test_lineage_says_which_points_are_seen(
    source: Source, kind: Any, name: str, inherit: Inherit, expected: range
) -> None:
    frame = read_series(source, SeriesQuery(kind, name, METRICS, inherit))

    assert list(map(float, expected)) == steps_of(frame, name)
    assert [step / 10 for step in expected] == frame["loss"].tolist()


def test_a_frame_of_metrics_is_sorted_by_label_and_step(source: Source) -> None:
    frame = read_series(source, SeriesQuery("run", ["root", "last"], METRICS, step_range=(3_000_000, 5_000_000)))

    index = pd.MultiIndex.from_tuples(
        [("last", 3.0), ("last", 4.0), ("last", 5.0), ("root", 3.0), ("root", 4.0), ("root", 5.0)],
        names=["run", "step"],
    )
    expected = pd.DataFrame({"acc": [3, 4, math.nan, 3, 4, 5], "loss": [0.3, 0.4, 0.5, 0.3, 0.4, 0.5]}, index=index)
    pd.testing.assert_frame_equal(expected, frame)


def test_one_row_can_be_looked_up(source: Source) -> None:
    frame = read_series(source, SeriesQuery("experiment", None, METRICS))

    expected = 0.6
    assert expected == frame.loc[("second", 6.0), "loss"]


def test_tail_limit_counts_within_the_range_for_each_series(source: Source) -> None:
    frame = read_series(source, SeriesQuery("run", ["last"], METRICS, step_range=(0, 6_000_000), tail=2))

    assert [3.0, 4.0, 5.0, 6.0] == steps_of(frame, "last")
    assert 2 == frame["acc"].count() == frame["loss"].count()


def test_types_can_stand_in_the_names(source: Source) -> None:
    frame = read_series(source, SeriesQuery("run", ["root"], METRICS, layout=Layout(with_type=True)))

    expected = ["acc:float_series", "loss:float_series"]
    assert expected == frame.columns.tolist()


def test_times_and_previews_have_columns_of_their_own(index: Index) -> None:
    run = (
        history("r", 0).create().metrics({"a": 1}, 0).metrics({"a": 2, "b": 5}, 1).metrics({"a": 9}, 2, completion=0.5)
    )
    index.apply(run.batch())
    choices = attribute_choices("attributes", "a | b", types=(AttributeType.FLOAT_SERIES,))
    query = SeriesQuery("run", None, choices, layout=Layout(with_time=True, with_previews=True))

    frame = read_series(Source("local/test", index), query)

    start = datetime.fromtimestamp(EPOCH / 1e6, tz=timezone.utc)
    times = [start + timedelta(seconds=seconds) for seconds in (2, 3, 4)]
    expected = pd.DataFrame(
        {
            ("a", "value"): [1.0, 2.0, 9.0],
            ("a", "absolute_time"): pd.DatetimeIndex(times).as_unit("us"),
            ("a", "is_preview"): pd.array([False, False, True], dtype="boolean"),
            ("a", "preview_completion"): [1.0, 1.0, 0.5],
            ("b", "value"): [math.nan, 5.0, math.nan],
            ("b", "absolute_time"): pd.DatetimeIndex([pd.NaT, times[1], pd.NaT]).as_unit("us"),
            ("b", "is_preview"): pd.array([None, False, None], dtype="boolean"),
            ("b", "preview_completion"): [math.nan, 1.0, math.nan],
        },
        index=pd.MultiIndex.from_tuples([("r", 0.0), ("r", 1.0), ("r", 2.0)], names=["run", "step"]),
    )
    pd.testing.assert_frame_equal(expected, frame)


def test_columns_and_rows_of_nan_are_kept(index: Index) -> None:
    index.apply(history("r", 0).create().metrics({"loss": math.nan}, 0).metrics({"acc": 1}, 1).batch())

    frame = read_series(Source("local/test", index), SeriesQuery("run", None, METRICS))

    assert (2, 2) == frame.shape
    assert frame["loss"].isna().all()


@pytest.mark.filterwarnings("ignore:.*(asks for|has no):runfork.RunforkWarning")
@pytest.mark.parametrize("layout", [Layout(), Layout(with_time=True), Layout(with_time=True, with_previews=True)])
def test_a_frame_without_points_has_its_index(source: Source, layout: Layout) -> None:
    frame = read_series(source, SeriesQuery("experiment", "nothing", METRICS, layout=layout))

    assert (0, 0) == frame.shape
    assert ["experiment", "step"] == list(frame.index.names)
    assert (1 if layout.is_flat else 2) == frame.columns.nlevels


def test_steps_keep_their_six_places(index: Index) -> None:
    run = history("r", 0).create().metrics({"loss": 1}, 0.1 + 0.2).metrics({"loss": 2}, 999_999_999_999.0)
    index.apply(run.batch())

    frame = read_series(Source("local/test", index), SeriesQuery("run", None, METRICS))

    assert [0.3, 999_999_999_999.0] == steps_of(frame, "r")


def test_strings_histograms_and_files_are_objects(index: Index) -> None:
    run = history("r", 0).create("gull").strings({"log": ["one", "two"]}, 1)
    run.histograms({"weights": Histogram([0, 1, 2], counts=[3, 4])}, 1).files({"image": "abc"}, 2).metrics(
        {"loss": 1}, 1
    )
    index.apply(run.batch())

    frame = read_series(Source("local/test", index, "/data"), SeriesQuery("experiment", None, OTHERS))

    file = LoggedFile(
        project="local/test",
        run_id="r",
        experiment_name="gull",
        attribute_path="image",
        step=2.0,
        size_bytes=3,
        mime_type="text/plain",
        name="abc.txt",
        sha256="abc",
        source_run="r",
        directory="/data",
    )
    index_ = pd.MultiIndex.from_tuples([("gull", 1.0), ("gull", 1.000001), ("gull", 2.0)], names=["experiment", "step"])
    histogram = Histogram((0.0, 1.0, 2.0), counts=(3, 4))
    expected = pd.DataFrame(
        {"image": [None, None, file], "log": ["one", "two", None], "weights": [histogram, None, None]},
        index=index_,
        dtype=object,
    )
    pd.testing.assert_frame_equal(expected, frame)
    assert [["one", "two", None]] == [frame["log"].tolist()]


def test_an_inherited_file_names_the_run_that_logged_it(index: Index) -> None:
    index.apply(history("parent", 0).create().files({"image": "abc"}, 2).batch())
    index.apply(history("child", 1).create(fork=("parent", 2)).batch())

    frame = read_series(Source("local/test", index), SeriesQuery("run", ["child"], OTHERS))

    file = frame["image"].iloc[0]
    assert ("child", "parent") == (file.run_id, file.source_run)


POINTS = st.dictionaries(st.integers(0, 12), st.floats(allow_nan=False), max_size=6)


@given(st.dictionaries(st.tuples(st.sampled_from("ABC"), st.sampled_from("xyz")), POINTS))
def test_frames_agree_with_a_naive_model(lines: dict[tuple[str, str], dict[int, float]]) -> None:
    series = [
        Series(
            SeriesKey(run, path),
            AttributeType.FLOAT_SERIES,
            clock_axis=False,
            steps=np.array(sorted(points), np.int64) * 1_000_000,
            times=np.zeros(len(points), np.int64),
            values=np.array([points[step] for step in sorted(points)]),
            sources=np.zeros(len(points), np.int32),
            segments=[],
        )
        for (run, path), points in lines.items()
    ]

    frame = series_frame(Selection("run", list("abc"), list("ABC")), series, Layout())

    cells = {
        (run.lower(), float(step), path): value
        for (run, path), points in lines.items()
        for step, value in points.items()
    }
    rows = sorted({(run, step) for run, step, _ in cells})
    columns = sorted({path for _, _, path in cells})
    assert rows == frame.index.tolist()
    assert columns == frame.columns.tolist()
    expected = [[cells.get((run, step, path), math.nan) for path in columns] for run, step in rows]
    assert np.array_equal(np.array(expected).reshape(frame.shape), frame.to_numpy(), equal_nan=True)


WRONG = [
    ({}, "pass runs= or experiments=, found neither"),
    ({"runs": "a", "experiments": "b"}, "pass either runs= or experiments=, found both"),
    ({"runs": []}, "runs must have at least one name"),
    ({"runs": "a", "attributes": []}, "attributes must have at least one name"),
    ({"runs": "a", "include_time": "relative"}, "include_time must be one of None, 'absolute', found 'relative'"),
    ({"runs": "a", "step_range": (3, 1)}, "step_range must start before it ends, found (3, 1)"),
    ({"runs": "a", "step_range": 3}, "step_range must be a pair"),
    ({"runs": "a", "step_range": ("1", None)}, "numbers and None, found '1'"),
    ({"runs": "a", "step_range": (math.nan, None)}, "numbers and None, found nan"),
    ({"runs": "a", "tail_limit": 0}, "tail_limit must be a whole number of at least 1, found 0"),
    ({"runs": "a", "tail_limit": True}, "found True"),
    ({"runs": "a", "tail_limit": 2.5}, "found 2.5"),
    ({"runs": "a", "lineage_to_the_root": "no"}, "lineage_to_the_root must be True or False, found 'no'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
@pytest.mark.parametrize("function", [fetch_metrics, fetch_series])
def test_wrong_arguments_are_refused_before_anything_is_opened(
    function: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        function(**{"attributes": ".*", "directory": "/nowhere", **arguments})

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((None, None), (None, None)),
        ((0.1 + 0.2, 1), (300_000, 1_000_000)),
        ([np.int64(3), np.float32(4)], (3_000_000, 4_000_000)),
        ((-5, 10**30), (-5_000_000, 10**18)),
        ((-math.inf, math.inf), (-(10**18), 10**18)),
    ],
)
def test_step_ranges_become_micro_steps(value: Any, expected: tuple[int | None, int | None]) -> None:
    assert expected == check_step_range(value)


def test_points_that_a_second_process_replaced_can_be_fetched(data_directory):
    for attempt in range(2):
        with Run("digits", run_id="baseline") as run:
            for step in range(3):
                run.log_metrics({"loss": attempt + step / 10, "acc": 0.5}, step=step)
                run.log_string_series({"note": f"{attempt}.{step}"}, step=step)
    shown = fetch_metrics(runs=["baseline"], attributes=["loss"])
    replaced = fetch_metrics(runs=["baseline"], attributes=["loss", "acc"], replaced=True, include_time="absolute")
    notes = fetch_series(experiments=["digits"], attributes=["note"], replaced=True, tail_limit=1)

    assert shown["loss"].tolist() == [1.0, 1.1, 1.2]
    assert replaced.index.names == ["run", "step", "order"]
    assert replaced["loss", "value"].tolist() == [0.0, 0.1, 0.2]
    assert str(replaced["acc", "absolute_time"].dtype) == "datetime64[us, UTC]"
    assert notes.index.tolist() == [("digits", 2.0, 0)]
    assert notes["note"].tolist() == ["0.2"]


def test_nothing_was_replaced_is_an_empty_frame(data_directory):
    with Run(run_id="r") as run:
        run.log_metrics({"loss": 1}, step=0)
    found = fetch_metrics(runs=["r"], attributes=["loss"], replaced=True)

    assert (len(found), found.index.names, list(found.columns)) == (0, ["run", "step", "order"], [])


def test_replaced_previews_cannot_be_fetched(data_directory):
    with Run(run_id="r") as run:
        run.log_metrics({"loss": 1}, step=0)
    with pytest.raises(ArgumentError, match="previews that were replaced are not kept"):
        fetch_metrics(runs=["r"], attributes=["loss"], replaced=True, include_point_previews=True)
