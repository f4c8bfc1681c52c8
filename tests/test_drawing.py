"""What charts draw: lines on one grid, against a plain reading of the points; roles, forks, tails, outliers, smoothing, memory."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.frames import decode_frame
from tests.test_smoothing import reference

from runfork import Run
from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.model.steps import MICRO
from runfork.query.curves import read_curves
from runfork.query.smoothing import Smoothing, scale_of
from runfork.reading.project import Project
from runfork_server.drawing import smoothed
from runfork_server.drawing.frames import encode_frame
from runfork_server.drawing.lines import draw
from runfork_server.drawing.memory import SeriesMemory
from runfork_server.drawing.request import DrawingRequest
from runfork_server.drawing.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runfork_server.drawing.lines import Drawing, Line

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
CREATED = int(START.timestamp() * MICRO)


def at(seconds: float) -> datetime:
    """Return a moment after the start."""
    return START + timedelta(seconds=seconds)


@pytest.fixture
def project(data_directory: Path) -> Iterator[Project]:
    """A root that was forked at 40 and went on to 59, a fork of it, and one of that at 60, which logs a NaN; a second per step."""
    values: dict[str, Any] = {"source_tracking_config": None}
    with Run("gull", run_id="root", creation_time=START, **values) as run:
        for step in range(60):
            run.log_metrics(
                {"loss": 100.0 - step, "sparse": float(step)} if step % 20 == 0 else {"loss": 100.0 - step},
                step=step,
                timestamp=at(step),
            )
    with Run("gull", run_id="mid", fork_run_id="root", fork_step=40, creation_time=at(100), **values) as run:
        for step in range(41, 90):
            run.log_metrics({"loss": 200.0 - step}, step=step, timestamp=at(100 + step))
    with Run("gull", run_id="head", fork_run_id="mid", fork_step=60, creation_time=at(300), **values) as run:
        for step in range(61, 101):
            run.log_metrics({"loss": math.nan if step == 70 else 300.0 - step}, step=step, timestamp=at(300 + step))
    with Project.open() as found:
        found.refresh()
        yield found


def drawn(project: Project, *run_ids: str, path: str = "loss", **asked: Any) -> Drawing:
    return draw(SeriesMemory(project.index), DrawingRequest(run_ids, (path,), **asked))


def line_of(drawing: Drawing, run_id: str = "head") -> Line:
    (found,) = (line for line in drawing.lines if line.key.run_id == run_id)
    return found


def seconds(values: Any) -> list[float]:
    return [float(value) / MICRO for value in values]


def test_a_line_goes_through_all_that_a_run_shows(project):
    line = line_of(drawn(project, "head", buckets=200))

    assert seconds(line.entries.x) == [float(step) for step in range(101)]
    expected = [100.0 - step if step <= 40 else 200.0 - step if step <= 60 else 300.0 - step for step in range(101)]
    expected[70] = math.nan
    np.testing.assert_array_equal(line.entries.y, expected)
    assert (line.points, line.is_raw) == (101, True)
    assert [(one.x / MICRO, one.kind, one.points) for one in line.nonfinite] == [(70.0, "nan", 1)]


@pytest.mark.parametrize(("x", "expected"), [("step", 70), ("relative", 370)])
def test_the_first_value_that_is_no_number_lies_exactly_there(project, x, expected):
    line = line_of(drawn(project, "head", x=x, buckets=5))

    assert not line.is_raw
    assert [(one.x / MICRO, one.kind, one.points) for one in line.nonfinite] == [(expected, "nan", 1)]


def test_a_line_tells_who_logged_which_part_and_where_it_forked(project):
    line = line_of(drawn(project, "head"))

    assert [(part.run_id, part.start / MICRO, part.end / MICRO, part.is_own) for part in line.parts] == [
        ("root", 0, 40, False),
        ("mid", 40, 60, False),
        ("head", 60, 100, True),
    ]
    assert [(fork.parent, fork.child, fork.step // MICRO, fork.x // MICRO, fork.y) for fork in line.forks] == [
        ("root", "mid", 40, 40, 60.0),
        ("mid", "head", 60, 60, 140.0),
    ]


def test_by_time_forks_lie_where_the_last_inherited_point_was_logged(project):
    line = line_of(drawn(project, "head", x="relative"))

    assert [(fork.x / MICRO, fork.y) for fork in line.forks] == [(40.0, 60.0), (160.0, 140.0)]
    assert [(part.start / MICRO, part.end / MICRO) for part in line.parts] == [(0, 40), (40, 160), (160, 400)]
    assert [end / MICRO for end in drawn(project, "head", x="relative").extent] == [0.0, 400.0]
    assert drawn(project, "head", x="time").extent == (CREATED, CREATED + 400 * MICRO)


@pytest.mark.parametrize(("x", "tails"), [("step", [(41, 59), (61, 89)]), ("relative", [(41, 59), (161, 189)])])
def test_what_forks_cut_off_is_there_if_it_is_asked_for(project, x, tails):
    drawing = drawn(project, "head", x=x, pruned=True, buckets=2000)
    line = line_of(drawing)

    assert [tail.run_id for tail in line.tails] == ["root", "mid"]
    assert [(tail.x[0] / MICRO, tail.x[-1] / MICRO) for tail in line.tails] == tails
    assert line.tails[0].y.tolist() == [100.0 - step for step in range(41, 60)]
    assert not line_of(drawn(project, "head", x=x)).tails


def test_a_tail_that_reaches_farther_than_all_lines_is_within_the_extent(project):
    assert drawn(project, "mid", inherited=True, x_range=None).extent[1] == 89 * MICRO
    with Run("gull", run_id="early", fork_run_id="root", fork_step=10, source_tracking_config=None):
        pass
    project.refresh()

    assert drawn(project, "early").extent == (0, 10 * MICRO)
    assert drawn(project, "early", pruned=True).extent == (0, 59 * MICRO)


def test_without_inherited_points_a_line_begins_with_its_own(project):
    line = line_of(drawn(project, "head", inherited=False))

    assert (line.entries.x[0] / MICRO, line.points) == (61.0, 40)
    assert [(part.run_id, part.is_own) for part in line.parts] == [("head", True)]
    assert not line.forks


def test_a_run_that_logged_nothing_yet_shows_what_it_inherits(project):
    with Run("gull", run_id="new", fork_run_id="mid", fork_step=50, source_tracking_config=None):
        pass
    project.refresh()

    line = line_of(drawn(project, "new"), "new")

    assert line.points == 51
    assert [part.run_id for part in line.parts] == ["root", "mid"]
    assert [fork.x // MICRO for fork in line.forks] == [40, 50]


def test_a_fork_behind_the_fork_of_its_parent_is_the_only_mark(project):
    with Run("gull", run_id="back", fork_run_id="mid", fork_step=20, source_tracking_config=None) as run:
        run.log_metrics({"loss": 0.0}, step=21)
    project.refresh()

    line = line_of(drawn(project, "back"), "back")

    assert [(part.run_id, part.end // MICRO) for part in line.parts] == [("root", 20), ("back", 21)]
    assert [(fork.parent, fork.child, fork.step // MICRO) for fork in line.forks] == [("mid", "back", 20)]


def test_lines_of_different_roots_share_a_grid_of_relative_time(project):
    with Run("tern", run_id="later", creation_time=at(5000), source_tracking_config=None) as run:
        for step in range(100):
            run.log_metrics({"loss": float(step)}, step=step, timestamp=at(5000 + 4 * step))
    project.refresh()

    drawing = drawn(project, "head", "later", x="relative", x_range=(0, 400 * MICRO))

    assert drawing.extent == (0, 400 * MICRO)
    assert seconds(line_of(drawing, "later").entries.x) == [4.0 * step for step in range(100)]


def test_the_neighbours_of_what_is_asked_for_are_there_however_far_they_lie(project):
    drawing = drawn(project, "root", path="sparse", x_range=(25 * MICRO, 30 * MICRO))
    line = line_of(drawing, "root")

    assert seconds(line.entries.x) == [20.0, 40.0]
    assert line.entries.y.tolist() == [20.0, 40.0]
    assert (line.points, drawing.extent) == (0, (0, 40 * MICRO))
    assert line.ends is not None
    assert (line.ends.first, line.ends.last) == (0.0, 40.0)


def test_what_is_on_the_clock_axis_is_drawn_by_time_where_steps_are_asked_for(project, monkeypatch):
    monkeypatch.setenv("RUNFORK_MONITORING_SECONDS", "0.05")
    with Run(run_id="busy", source_tracking_config=None) as run:
        path = None
        while path is None:
            run.log_metrics({"loss": 1.0}, step=1)
            project.refresh()
            found = [
                one.path
                for one in project.index.definitions(run_ids=["busy"])
                if one.path.startswith("runtime/monitoring")
            ]
            path = min((one for one in found), default=None)
    project.refresh()

    alone = drawn(project, "busy", path=path, x_range=(0, 5 * MICRO))
    (series,) = project.index.points(PointsRequest([SeriesKey("busy", path)]))

    assert alone.kind == "relative"
    assert line_of(alone, "busy").points == len(series.steps)
    created = project.index.nodes()["busy"].created
    assert line_of(alone, "busy").entries.x[-1] == series.steps[-1] - created
    both = draw(SeriesMemory(project.index), DrawingRequest(("busy",), (path, "loss")))
    assert [(line.key.path, line.points) for line in both.lines] == [("loss", 1), (path, 0)]


def test_runs_and_series_that_are_not_there_are_left_out(project):
    assert [line.key.run_id for line in drawn(project, "nobody", "head").lines] == ["head"]
    assert drawn(project, "head", path="nothing") == replace(drawn(project, "nobody"), count=600)


@pytest.mark.parametrize("x", ["step", "relative", "time"])
@pytest.mark.parametrize("kind", ["ema", "gaussian"])
def test_lines_of_one_point_of_nothing_but_nan_and_of_a_pending_parent_are_drawn(project, x, kind):
    with Run(run_id="one", source_tracking_config=None) as run:
        run.log_metrics({"loss": 3.0}, step=5)
    with Run(run_id="nan", source_tracking_config=None) as run:
        for step in range(200):
            run.log_metrics({"loss": math.nan if step % 2 else -math.inf}, step=step)
    with Run(run_id="pending", fork_run_id="not-here", fork_step=3, source_tracking_config=None) as run:
        run.log_metrics({"loss": 4.0}, step=4)
    project.refresh()

    for asked in ({}, {"pruned": True}, {"smoothing": Smoothing(kind, 0.9)}, {"x_range": (0, 10**16), "pruned": True}):
        drawing = drawn(project, "one", "nan", "pending", x=x, **asked)

        assert [line_of(drawing, run_id).points for run_id in ("one", "nan", "pending")] == [1, 200, 1]
        assert line_of(drawing, "one").entries.y.tolist() == [3.0]
        assert np.isnan(line_of(drawing, "nan").entries.y).all()
        assert sum(one.points for one in line_of(drawing, "nan").nonfinite) == 200
        assert [part.run_id for part in line_of(drawing, "pending").parts] == ["pending"]
        assert not line_of(drawing, "nan").outliers
        assert decode_frame(encode_frame(drawing, 1)).series["nan", "loss"]["nan"] == 100


# Against a plain reading


def joined(project: Project, run_id: str, x: str) -> list[tuple[int, float]]:
    """Return the points of a line by x."""
    (series,) = project.index.points(PointsRequest([SeriesKey(run_id, "loss")]))
    xs = series.steps if x == "step" else series.times - (CREATED if x == "relative" else 0)
    points = list(zip(xs.tolist(), np.asarray(series.values).tolist(), strict=True))
    return sorted(points, key=lambda point: point[0])


def entry(points: list[tuple[int, float]], line: str) -> tuple[float, ...]:
    finite = [y for _, y in points if math.isfinite(y)]
    mean = sum(finite) / len(finite) if finite else math.nan
    last = points[-1][1] if math.isfinite(points[-1][1]) else mean
    least, most = (min(finite), max(finite)) if finite else (math.nan, math.nan)
    return points[-1][0], mean if line == "mean" else last, least, most, mean, len(points)


def naive_entries(points: list[tuple[int, float]], asked: DrawingRequest) -> list[tuple[float, ...]]:
    """Return what a line consists of, by the definition."""
    count = asked.buckets
    assert asked.x_range is not None
    low, high = asked.x_range
    width = (high - low) // count + 1
    cells: dict[int, list[tuple[int, float]]] = {}
    for x, y in points:
        cells.setdefault((x - low) // width, []).append((x, y))
    margin = max(1, count // 4)
    inside = [entry(cells[cell], asked.line) for cell in sorted(cells) if 0 <= cell < count]
    near_points = [point for cell in sorted(cells) if 0 <= cell < count for point in cells[cell]]
    if len(near_points) <= count:  # all are drawn as they were logged
        inside = [entry([point], asked.line) for point in near_points]
    before = [cell for cell in cells if cell < 0]
    after = [cell for cell in cells if cell >= count]

    def one(x: int, y: float) -> tuple[float, ...]:
        y = y if math.isfinite(y) else math.nan
        return x, y, y, y, y, 1

    if before:
        near = max(before)
        inside.insert(0, entry(cells[near], asked.line) if near >= -margin else one(*cells[near][-1]))
    if after:
        near = min(after)
        inside.append(entry(cells[near], asked.line) if near < count + margin else one(*cells[near][0]))
    return inside


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    low=st.integers(-50_000_000, 450_000_000),
    length=st.integers(0, 500_000_000),
    x=st.sampled_from(["step", "relative", "time"]),
    line=st.sampled_from(["last", "mean"]),
    run_id=st.sampled_from(["root", "mid", "head"]),
    buckets=st.sampled_from([64, 100, 600]),
)
def test_any_part_of_a_line_is_what_a_plain_reading_of_its_points_gives(project, low, length, x, line, run_id, buckets):
    shift = CREATED if x == "time" else 0
    asked = DrawingRequest((run_id,), ("loss",), x, (low + shift, low + shift + length), buckets, line=line)

    found = line_of(draw(SeriesMemory(project.index), asked), run_id).entries

    columns = (found.x, found.y, found.minimum, found.maximum, found.mean, found.counts)
    expected = np.array(naive_entries(joined(project, run_id, x), asked)).reshape(-1, 6)
    np.testing.assert_allclose(np.stack(columns, axis=1), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_forks_and_tails_of_any_family_are_those_that_the_command_line_plots(data_directory, seed):
    random = np.random.default_rng(seed)
    run_ids = [f"r{number}" for number in range(6)]
    for number, run_id in enumerate(run_ids):
        fork: dict[str, Any] = {}
        if number:
            fork = {"fork_run_id": str(random.choice(run_ids[:number])), "fork_step": int(random.integers(0, 60))}
        with Run("any", run_id=run_id, source_tracking_config=None, **fork) as run:
            first = fork.get("fork_step", -1) + 1
            for step in range(first, first + int(random.choice([0, 1, 5, 20])), int(random.choice([1, 3]))):
                run.log_metrics({"loss": float(step)}, step=step)
    with Project.open() as project:
        project.refresh()
        for x in ("step", "time"):
            curves = read_curves(project.index, run_ids, "loss", axis=x, has_pruned=True, is_own=False)
            drawing = drawn(project, *run_ids, x=x, pruned=True, buckets=2000)

            assert [line.key.run_id for line in drawing.lines if line.ends] == [c.run_id for c in curves if len(c.x)]
            for curve in (one for one in curves if len(one.x)):
                line = line_of(drawing, curve.run_id)
                assert line.points == len(curve.x)
                assert set(curve.forks) <= {fork.x / MICRO for fork in line.forks}
                tails = [sum(1 for _ in tail.x) for tail in line.tails]
                assert x == "time" or sorted(tails) == sorted(len(own) for own, _ in curve.pruned)
                assert line.ends is not None
                edges = [line.ends.first_x, *(part.end for part in line.parts)]
                assert [part.start for part in line.parts] == edges[:-1]
                assert edges[-1] == line.ends.last_x


@pytest.mark.parametrize("x", ["step", "time"])
def test_the_whole_line_has_the_numbers_of_the_index(project, x):
    keys = [SeriesKey(run_id, "loss") for run_id in ("mid", "head")]
    buckets = project.index.buckets(BucketsRequest(keys, 64, x=x))

    drawing = drawn(project, "mid", "head", x=x, buckets=64)

    for at_line, line in enumerate(drawing.lines):
        there = buckets.counts[at_line] > 0
        np.testing.assert_array_equal(line.entries.x, buckets.last_x[at_line][there])
        np.testing.assert_array_equal(line.entries.maximum, buckets.maximum[at_line][there])
        np.testing.assert_array_equal(line.entries.mean, buckets.mean[at_line][there])


@pytest.mark.parametrize("x", ["step", "relative"])
def test_as_many_points_as_ranges_are_all_drawn_however_near_they_lie_to_each_other(project, x):
    with Run(run_id="uneven", creation_time=START, source_tracking_config=None) as run:
        for step in (0, 0.001, 0.002, 0.003, 50, 99.999, 100):
            run.log_metrics({"loss": step}, step=step, timestamp=at(step))
    project.refresh()

    line = line_of(drawn(project, "uneven", x=x, buckets=64), "uneven")
    part = line_of(drawn(project, "uneven", x=x, x_range=(0, 50 * MICRO), buckets=64), "uneven")

    assert line.is_raw
    assert seconds(line.entries.x) == line.entries.y.tolist() == [0, 0.001, 0.002, 0.003, 50, 99.999, 100]
    assert seconds(part.entries.x)[:5] == [0, 0.001, 0.002, 0.003, 50]
    assert (part.points, part.is_raw, len(part.entries)) == (5, True, 6)


# Smoothing


@pytest.mark.parametrize("kind", ["ema", "sma", "centred", "gaussian"])
@pytest.mark.parametrize("x", ["step", "relative"])
def test_a_smoothed_line_is_what_its_definition_makes_of_all_points_however_far_one_zooms(project, kind, x):
    smoothing = Smoothing(kind, 0.9)
    points = [(at_x / MICRO, y) for at_x, y in joined(project, "head", x) if math.isfinite(y)]
    xs, ys = map(list, zip(*points, strict=True))
    expected = dict(zip(xs, reference(xs, ys, [1.0] * len(xs), smoothing, scale_of(xs[-1] - xs[0])), strict=True))

    whole = line_of(drawn(project, "head", x=x, smoothing=smoothing, buckets=2000)).entries
    zoomed = line_of(drawn(project, "head", x=x, smoothing=smoothing, x_range=(30 * MICRO, 90 * MICRO))).entries

    for entries in (whole, zoomed):
        there = np.isfinite(entries.y)
        assert there.any()
        np.testing.assert_allclose(entries.y[there], [expected[one] for one in seconds(entries.x[there])], rtol=1e-9)
        assert entries.raw is not None
    assert np.isnan(whole.y[np.isnan(whole.mean)]).all()


@pytest.mark.parametrize("kind", ["ema", "sma", "centred", "gaussian"])
def test_a_long_line_is_smoothed_on_ranges_that_do_not_depend_on_the_zoom(project, kind, monkeypatch):
    monkeypatch.setattr(smoothed, "MOST_POINTS", 50)  # instead of a line of 16,384 points
    smoothing = Smoothing(kind, 0.99)

    whole = line_of(drawn(project, "head", smoothing=smoothing, buckets=2000)).entries
    zoomed = line_of(drawn(project, "head", smoothing=smoothing, x_range=(30 * MICRO, 90 * MICRO))).entries

    known = dict(zip(whole.x.tolist(), whole.y.tolist(), strict=True))
    np.testing.assert_allclose(zoomed.y, [known[one] for one in zoomed.x.tolist()], rtol=1e-12)
    points = [(one / MICRO, y) for one, y in joined(project, "head", "step") if math.isfinite(y)]
    xs, ys = map(list, zip(*points, strict=True))
    exact = np.array(reference(xs, ys, [1.0] * len(xs), smoothing, scale_of(100.0)))
    near = whole.y[np.isfinite(whole.y)]
    assert np.abs(near - exact).max() < 0.03 * (max(ys) - min(ys))


# Outliers


def test_one_point_among_many_gets_a_whisker_where_ranges_hide_it(project):
    random = np.random.default_rng(3)
    values = random.standard_normal(20_000)
    values[12_345] = 20.0
    with Run(run_id="noise", source_tracking_config=None) as run:
        for step, value in enumerate(values.tolist()):
            run.log_metrics({"loss": value}, step=step)
    project.refresh()

    line = line_of(drawn(project, "noise"), "noise")
    close = line_of(drawn(project, "noise", x_range=(12_300 * MICRO, 12_400 * MICRO)), "noise")

    assert [line.entries.maximum[place] for place in line.outliers] == [20.0]
    assert (close.is_raw, list(close.outliers)) == (True, [])


# A grid that stays


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**15), st.integers(64, 2000))
def test_a_steady_grid_holds_everything_in_as_many_ranges_as_were_asked_for(low, length, count):
    span = Span.steady((low, low + length), count)

    width = (span.high - span.low) // span.ranges
    assert span.low <= low <= low + length < span.high
    assert (span.high - span.low, span.low % width) == (width * span.ranges, 0)
    assert span.ranges <= 1.25 * count + 1
    if length > 100 * count:  # micro-steps are whole
        assert length / width >= 0.98 * count


def test_ranges_of_a_steady_grid_stay_while_a_run_goes_on(project):
    memory = SeriesMemory(project.index)
    asked = DrawingRequest(("root", "head"), ("loss",), buckets=64, grid="steady")
    before = draw(memory, asked)
    with Run(run_id="head", source_tracking_config=None) as run:
        run.log_metrics({"loss": 1.0}, step=103)
    project.refresh()
    memory.forget({"head"})

    after = draw(memory, asked)

    assert (after.low, after.high, after.count) == (before.low, before.high, before.count)
    assert line_of(after, "root") is line_of(before, "root")
    old, new = line_of(before).entries, line_of(after).entries
    assert new.x[: len(old)].tolist() == old.x.tolist()
    assert new.x[-1] == 103 * MICRO
    assert draw(SeriesMemory(project.index), asked).lines[1].entries.y.tobytes() == new.y.tobytes()


# Memory


def test_what_is_kept_counts_until_its_run_changes(project):
    memory = SeriesMemory(project.index)
    asked = DrawingRequest(("head",), ("loss",), x_range=(0, MICRO))
    draw(memory, asked)
    with Run(run_id="head", source_tracking_config=None) as run:
        run.log_metrics({"loss": 1.0}, step=500)
    project.refresh()

    assert draw(memory, asked).extent == (0, 100 * MICRO)
    memory.forget({"root"})
    assert draw(memory, asked).extent == (0, 100 * MICRO)
    memory.forget({"head"})
    assert draw(memory, asked).extent == (0, 500 * MICRO)
    memory.forget(None)
    assert memory.bytes_kept == 0


def test_no_more_is_kept_than_there_is_room_for(project, monkeypatch):
    monkeypatch.setattr("runfork_server.drawing.memory.MOST_BYTES", 3000)
    memory = SeriesMemory(project.index)

    for smoothing in (None, Smoothing("ema", 0.5)):
        for run_id in ("root", "mid", "head"):
            draw(memory, DrawingRequest((run_id,), ("loss",), "relative", smoothing=smoothing))

    assert 0 < memory.bytes_kept <= 3000
