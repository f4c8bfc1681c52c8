# pyright: reportOptionalMemberAccess=false
import math
import re
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from tests.run_records import bodies, rows_of

from runfork import Histogram
from runfork.errors import ArgumentError, ArgumentTypeError, RunforkWarning
from runfork.journal.format import Flag, Kind
from runfork.testing.journals import points_of

# Metrics


@pytest.mark.parametrize("step", [0, 1, 0.3, 10**12 - 1, np.int64(4), np.float32(0.5), True])
def test_a_point_is_at_its_step(run, step):
    run.log_metrics({"a": 1.5}, step)
    run.log_metrics({"a": 2.5}, step)

    assert points_of(run.directory, "a") == [(step, 1.5), (step, 2.5)]


@pytest.mark.parametrize("is_known", [False, True], ids=["first", "again"])
@pytest.mark.parametrize(
    ("step", "error", "said"),
    [
        (-1, ArgumentError, "step must satisfy 0 <= step < 1e12, found -1; pass the optimizer step, for example"),
        (
            10**12,
            ArgumentError,
            "step must satisfy 0 <= step < 1e12, found 1000000000000; pass the optimizer step, for",
        ),
        (math.nan, ArgumentError, "step must be a finite number, found nan; pass the optimizer step, for example"),
        (math.inf, ArgumentError, "step must be a finite number, found inf; pass the optimizer step, for example"),
        ("5", ArgumentTypeError, "step must be a number, found '5'; pass an int or a float, e.g. 100"),
        (None, ArgumentTypeError, "step must be a number, found None; pass an int or a float, e.g. 100"),
    ],
)
def test_a_step_that_is_none_is_refused_and_nothing_is_logged(run, step, error, said, is_known):
    if is_known:
        run.log_metrics({"a": 1}, step=0)
    before = run.status.written_bytes
    calls = [
        lambda: run.log_metrics({"a": 1}, step),
        lambda: run.log_metrics({"a": 1}, step, preview=True),
        lambda: run.log_string_series({"s": "x"}, step),
        lambda: run.log_histograms({"h": Histogram([0, 1], counts=[1])}, step),
        lambda: run.log_files({"f": b"x"}, step),
        lambda: run.checkpoint_mark(step),
    ]
    for call in calls:
        with pytest.raises(error, match=f"^{re.escape(said)}"):
            call()

    assert bodies(run, Kind.STRINGS) + bodies(run, Kind.FILES) + bodies(run, Kind.MARK) == []
    assert len(points_of(run.directory, "a")) == is_known
    assert before


@pytest.mark.parametrize("data", [None, 3, "a", ["a"], [("a", 1)], {"a"}])
def test_metrics_are_a_dict(run, data):
    run.log_metrics({"a": 1}, step=0)
    with pytest.raises(ArgumentTypeError, match="^metrics must be a dict of path to number, found "):
        run.log_metrics(data, step=1)


@pytest.mark.parametrize("is_known", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("value", ["high", None, [1.0], object(), np.array([1, 2])])
def test_a_value_that_is_no_number_is_dropped_and_the_others_are_logged(run, value, is_known):
    if is_known:
        run.log_metrics({"good": 0, "bad": 0}, step=0)
    with pytest.warns(
        RunforkWarning, match="^metric 'bad' was not logged: a metric value must be (a|one) number, found "
    ):
        run.log_metrics({"good": 1, "bad": value}, step=1)
    run.log_metrics({"good": 2, "bad": value}, step=2)

    assert points_of(run.directory, "good")[is_known:] == [(1, 1.0), (2, 2.0)]
    assert len(points_of(run.directory, "bad")) == is_known
    assert run.status.dropped_values == 2


def test_a_warning_points_at_the_line_that_logged(run):
    with pytest.warns(RunforkWarning) as caught:
        run.log_metrics({"a": None}, step=1)
        run.log_configs({"sys/name": 1})
        run.log_string_series({"": "x"}, step=1)

    assert [warning.filename for warning in caught] == [__file__] * 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "an attribute path must not be empty, found ''; name it like 'train/loss'"),
        ("x" * 1025, "an attribute path may have 1024 bytes, found 1025 in 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'...; shorten it"),  # noqa: E501
        (3, "an attribute path must be a string, found 3; name it like 'train/loss'"),
        ("a\0b", "an attribute path must be text without NUL, found 'a\\x00b'; rename it"),
        ("sys/loss", "'sys/loss' is runfork's own, and holds single values; choose a path outside sys/"),
    ],
)  # fmt: skip
def test_a_path_that_is_none_is_dropped_with_a_warning(run, path, said):
    with pytest.warns(RunforkWarning) as caught:
        run.log_metrics({path: 1, "good": 1}, step=1)
        run.log_string_series({path: "x", "text": "x"}, step=1)

    assert [said in str(warning.message) for warning in caught] == [True, True]
    assert all(str(warning.message).endswith("(told once; further ones are counted)") for warning in caught)
    assert points_of(run.directory, "good") == [(1, 1.0)]
    assert bodies(run, Kind.STRINGS) == [{"text": "x"}]


def test_nan_and_infinities_are_points(run):
    run.log_metrics({"a": math.inf}, step=1)
    run.log_metrics({"a": -math.inf}, step=2)
    run.log_metrics({"a": math.nan}, step=3)

    assert [str(value) for _, value in points_of(run.directory, "a")] == ["inf", "-inf", "nan"]


def test_numbers_of_numpy_and_torch_are_points(run):
    torch = pytest.importorskip("torch")
    for step in range(2):
        run.log_metrics(
            {
                "a": np.float32(0.5),
                "b": np.array(2),
                "c": np.array([3.0]),
                "d": torch.tensor(0.25, requires_grad=True),
                "e": torch.tensor([1.0], dtype=torch.bfloat16),
                "f": True,
            },
            step=torch.tensor(step),
        )

    assert [points_of(run.directory, path) for path in "abcdef"] == [
        [(0, value), (1, value)] for value in (0.5, 2.0, 3.0, 0.25, 1.0, 1.0)
    ]


def test_nested_metrics_become_paths(run):
    run.log_metrics({"train": {"loss": 1, "acc": 2}, "lr": 3}, step=1)

    assert [points_of(run.directory, path) for path in ("train/loss", "train/acc", "lr")] == [
        [(1, 1.0)],
        [(1, 2.0)],
        [(1, 3.0)],
    ]


def test_a_row_is_stamped_now_or_with_the_time_it_was_given(run):
    moment = datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5)))
    before = datetime.now(timezone.utc).timestamp()
    run.log_metrics({"a": 1}, step=1)
    run.log_metrics({"a": 1}, step=2, timestamp=moment)
    run.log_metrics({"a": 1}, step=3, timestamp=12.5)
    run.log_metrics({"a": 1}, step=4, timestamp=np.float32(0.5))
    times = [time for rows in rows_of(run) for time in rows.times.tolist()]

    assert times[1:] == [round(moment.timestamp() * 1e6), 12_500_000, 500_000]
    assert before <= times[0] / 1e6 <= before + 60


@pytest.mark.parametrize("timestamp", ["now", b"", []])
def test_a_timestamp_that_is_no_time_is_refused(run, timestamp):
    with pytest.raises(ArgumentTypeError, match="^timestamp must be a datetime or Unix seconds, found "):
        run.log_metrics({"a": 1}, step=1, timestamp=timestamp)


@pytest.mark.parametrize(
    "timestamp",
    [math.nan, math.inf, 1e300, 1_700_000_000_000, pd.NaT, np.datetime64("NaT", "us"), pd.NA, Decimal("nan")],
)
def test_a_point_whose_time_cannot_be_is_logged_now_and_that_is_told(run, timestamp):
    with pytest.warns(RunforkWarning, match="^points were logged with the present time: timestamp must be ") as caught:
        run.log_metrics({"a": 1}, step=1, timestamp=timestamp)
        run.log_string_series({"s": "x"}, step=1, timestamp=timestamp)

    assert len(caught) == 1
    assert points_of(run.directory, "a") == [(1, 1.0)]
    assert abs(rows_of(run)[0].times[0] / 1e6 - time.time()) < 60


@pytest.mark.parametrize(
    "timestamp",
    [
        datetime(2026, 1, 2, 12),  # noqa: DTZ001  local, as those of pandas and NumPy
        pd.Timestamp("2026-01-02 12:00"),
        np.datetime64("2026-01-02T12:00"),
        np.datetime64("2026-01-02T12:00:00.000000000"),
        pd.Timestamp("2026-01-02 12:00").tz_localize(datetime.now().astimezone().tzinfo),
    ],
)
def test_times_of_pandas_and_numpy_are_those_of_the_standard_library(run, timestamp):
    run.log_metrics({"a": 1}, step=1, timestamp=timestamp)

    assert rows_of(run)[0].times[0] == datetime(2026, 1, 2, 12).timestamp() * 1e6  # noqa: DTZ001


def test_a_preview_says_how_complete_it_is(run):
    for completion in (None, 0.5, 1, 7, -1, math.nan):
        run.log_metrics({"a": 1}, step=1, preview=True, preview_completion=completion)
    run.log_metrics({"a": 1}, step=1, preview_completion=1.0)
    previews, committed = rows_of(run)

    assert previews.completion.tolist() == [0.0, 0.5, 1.0, 1.0, 0.0, 0.0]
    assert committed.completion is None


@pytest.mark.parametrize(("preview", "completion"), [(False, 0.5), (True, "half"), (True, True)])
def test_a_completion_that_is_none_is_refused(run, preview, completion):
    with pytest.raises(ArgumentError, match="^preview_completion"):
        run.log_metrics({"a": 1}, step=1, preview=preview, preview_completion=completion)


def test_the_order_of_names_does_not_matter(run):
    run.log_metrics({"a": 1, "b": 2}, step=1)
    run.log_metrics({"b": 3, "a": 4}, step=2)

    assert points_of(run.directory, "a") == [(1, 1.0), (2, 4.0)]
    assert points_of(run.directory, "b") == [(1, 2.0), (2, 3.0)]


def test_more_sets_of_names_than_are_remembered_are_logged_all_the_same(run):
    for number in range(5000):
        run.log_metrics({f"m{number}": number}, step=1)
    run.log_metrics({"m0": 7}, step=2)

    assert points_of(run.directory, "m0") == [(1, 0.0), (2, 7.0)]
    assert points_of(run.directory, "m4999") == [(1, 4999.0)]


def test_a_row_of_very_many_metrics_is_logged_whole(run):
    names = [f"{number:06}{'x' * 994}" for number in range(70_000)]
    run.log_metrics(dict.fromkeys(names, 1.5), step=1)
    groups = rows_of(run)

    assert sorted(path for rows in groups for path in rows.paths) == names
    assert all((rows.values == 1.5).all() for rows in groups)  # noqa: PD011  no frame of pandas


def test_an_empty_dict_is_nothing(run):
    before = run.status.written_bytes
    run.log_metrics({}, step=1)
    run.log_string_series({}, step=1)
    run.log_configs({})
    run.log_configs(None)
    run.add_tags([])

    assert not run.has_points
    assert before


# The axis of the clock


def test_rows_on_the_clock_axis_are_no_points_of_training(run):
    run.recorder.log_row({"runtime/cpu": 1.0}, 1_700_000_000_000_000, clock_axis=True)
    (record,) = rows_of(run)

    assert not run.has_points
    assert record.clock_axis
    assert record.steps.tolist() == [1_700_000_000_000_000]
    assert int(Flag.CLOCK_AXIS) == 1
