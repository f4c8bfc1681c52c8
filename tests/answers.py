"""Two indexes, and their answers to the same questions, compared to the last bit but for rounding in averages."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.strategies import PATHS, RUNS

from runfork.index.interface import BucketsRequest, PointsRequest, SeriesKey
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex

KEYS = [SeriesKey(run_id, path) for run_id in [*RUNS, "unknown"] for path in [*PATHS, "sys/tags", "nobody/has/it"]]


@contextmanager
def both_indexes(sizes=None):
    """Yield an index in memory and one in a file, both empty."""
    with ExitStack() as opened:
        path = Path(opened.enter_context(tempfile.TemporaryDirectory())) / "index.db"
        memory = opened.enter_context(closing(MemoryIndex()))
        yield memory, opened.enter_context(closing(SqliteIndex(path, sizes=sizes)))


def plain(value) -> Any:
    """Return something that compares exactly, but for rounding in averages: NaN equals itself, -0.0 is not 0.0."""
    if isinstance(value, np.ndarray):
        return [plain(one) for one in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        size = max(abs(value.get(name) or 0.0) for name in ("min", "max"))
        scale = {"average": size, "variance": size * size}
        return {
            key: rounded(one, scale[key]) if key in scale else plain(one)
            for key, one in value.items()
            if key != "variance" or size < 1e150  # beyond, a square is no float
        }
    return repr(value) if isinstance(value, float) else value


def rounded(value, scale):
    """Sums are rounded, and what cancels out leaves that of its largest parts."""
    return value if value is None else pytest.approx(value, rel=1e-9, abs=1e-12 + scale * 1e-12)


def plain_value(value):
    statistics = None if value.statistics is None else plain(dict(value.statistics))
    if statistics:
        for name in ("min", "max"):
            if statistics.get(name) == "-0.0":
                statistics[name] = "0.0"
    return value.type, plain(value.value), value.source_run, value.time, statistics, value.members


def plain_series(series):
    return [
        series.key,
        series.type,
        series.clock_axis,
        *(plain(getattr(series, name)) for name in ("steps", "times", "values", "sources")),
        list(series.segments),
        plain(series.completion),
        plain(series.is_preview),
    ]


def assert_equal_values(one, other, **options):
    found = one.values([*RUNS, "unknown"], **options)
    expected = other.values([*RUNS, "unknown"], **options)
    assert found.keys() == expected.keys()
    for run_id, values in expected.items():
        assert list(found[run_id]) == list(values), run_id
        for path, value in values.items():
            assert plain_value(found[run_id][path]) == plain_value(value), (run_id, path)


def assert_equal_points(one, other, options):
    for option in options:
        request = PointsRequest(KEYS, **option)
        found = [plain_series(series) for series in one.points(request)]
        expected = [plain_series(series) for series in other.points(request)]
        assert found == expected, option


def assert_equal_buckets(one, other, options):
    for option in options:
        found = vars(one.buckets(BucketsRequest(KEYS, **option)))
        expected = vars(other.buckets(BucketsRequest(KEYS, **option)))
        size = np.fmax(np.abs(expected["minimum"]), np.abs(expected["maximum"]))
        assert_close_means(found.pop("mean"), expected.pop("mean"), size)
        for name in ("minimum", "maximum"):  # of zeros of both signs either may be found
            np.testing.assert_array_equal(found.pop(name), expected.pop(name))
        assert {name: plain(value) for name, value in found.items()} == {
            name: plain(value) for name, value in expected.items()
        }, option


def assert_close_means(found, expected, size):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    there = ~np.isnan(expected)
    wrong = np.abs(found[there] / 2 - expected[there] / 2) > 1e-12 + 1e-9 * size[there]
    assert not wrong.any(), (found, expected)


def assert_equal_runs(one, other, queries):
    for query in queries:
        assert one.runs(query) == other.runs(query), query
