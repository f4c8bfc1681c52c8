"""Random histories, in random portions and orders, read the same from the SQLite index as from the one in memory."""

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from runfork.filters import Attribute, Comparison
from runfork.index.interface import BucketsRequest, PointsRequest, RunsQuery, SeriesKey, Sort
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex
from runfork.index.sqlite.pieces import ChunkSizes
from runfork.patterns import compile_pattern
from runfork.steps import MICRO
from runfork.testing.histories import HistoryWriter
from runfork.types import Histogram

RUNS = ["a", "b", "c", "d"]
PATHS = ["x", "y", "sys/archived", "runtime/out"]
STEPS = st.integers(0, 12)
TIMES = st.integers(0, 20)
FLOATS = st.sampled_from([0.0, -0.0, 1.0, -2.5, 0.1, 1e-300, math.nan, math.inf, -math.inf]) | st.floats(-1e6, 1e6)
CONFIGS = FLOATS | st.integers(-3, 3) | st.booleans() | st.sampled_from(["", "t", "u"]) | st.just(["t", "u"])
PATH = st.sampled_from(PATHS)
RUN = st.sampled_from(RUNS)
CLOCK = st.sampled_from([False, False, False, True])

FRAMES = st.one_of(
    st.tuples(st.just("metrics"), st.dictionaries(PATH, FLOATS, min_size=1, max_size=2), STEPS, CLOCK),
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=9), STEPS),
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=9), STEPS),
    st.tuples(st.just("preview"), st.dictionaries(PATH, FLOATS, min_size=1, max_size=2), STEPS, CLOCK),
    st.tuples(st.just("strings"), PATH, st.lists(st.sampled_from("tuv"), min_size=1, max_size=3), STEPS, CLOCK),
    st.tuples(st.just("histograms"), PATH, STEPS),
    st.tuples(st.just("files"), PATH, st.none() | STEPS),
    st.tuples(st.just("configs"), st.dictionaries(PATH, CONFIGS, min_size=1, max_size=2)),
    st.tuples(st.just("tags"), st.sampled_from([*PATHS, "sys/tags"]), st.sampled_from("tu"), st.sampled_from("tu")),
    st.tuples(st.just("string_set"), st.sampled_from(["x", "sys/tags"]), st.lists(st.sampled_from("tu"), unique=True)),
    st.tuples(
        st.just("create"), st.none() | st.sampled_from("EF"), TIMES, st.booleans(), st.none() | st.tuples(RUN, STEPS)
    ),
    st.tuples(st.just("lineage"), RUN, STEPS, st.none() | st.sampled_from("mn"), st.booleans()),
    st.tuples(st.just("mark"), st.sampled_from("mn"), STEPS, st.dictionaries(PATH, STEPS, max_size=1)),
    st.tuples(st.just("status"), st.sampled_from(["failed", "running"])),
    st.tuples(st.just("close")),
)


@st.composite
def histories(draw):
    """Return batches of a few journals, each journal's in order."""
    queues = []
    for run_id, writer in draw(
        st.lists(st.tuples(RUN, st.sampled_from(["w1", "w2"])), unique=True, min_size=1, max_size=5)
    ):
        journal = HistoryWriter(run_id, writer, created=draw(TIMES))
        for (name, *arguments), time in draw(st.lists(st.tuples(FRAMES, TIMES), max_size=12)):
            write(journal, name, arguments, time)
        queues.append(journal.batches(draw(st.integers(1, 6))))
    order = draw(st.permutations([number for number, queue in enumerate(queues) for _ in queue]))
    return [queues[number].pop(0) for number in order]


def write(journal, name, arguments, time):
    writing: dict[str, Any] = {
        "metrics": lambda data, step, clock: journal.metrics(data, step, clock_axis=clock, time=time),
        "preview": lambda data, step, clock: journal.metrics(data, step, completion=0.5, clock_axis=clock, time=time),
        "rows": lambda values, first: [
            journal.metrics({"x": value}, step, time=time + step) for step, value in enumerate(values, start=first)
        ],
        "strings": lambda path, values, step, clock: journal.strings({path: values}, step, clock_axis=clock, time=time),
        "histograms": lambda path, step: journal.histograms({path: Histogram((0, 1), counts=(step,))}, step, time=time),
        "files": lambda path, step: journal.files({path: f"digest{step}"}, step, time=time),
        "tags": lambda path, add, remove: journal.tags(add, remove=[remove], path=path, time=time),
        "create": lambda name, created, inherit_configs, fork: journal.create(
            name, created=created, inherit_configs=inherit_configs, fork=fork, time=time
        ),
        "lineage": lambda parent, step, mark, inherit_configs: journal.lineage(
            parent, step, mark=mark, inherit_configs=inherit_configs, time=time
        ),
        "mark": lambda mark, step, cuts: journal.mark(mark, step, cuts=cuts, time=time),
    }
    plainly = lambda *values: getattr(journal, name)(*values, time=time)  # noqa: E731
    writing.get(name, plainly)(*arguments)


def plain(value) -> Any:
    """Return something that compares exactly, but for rounding in averages: NaN equals itself, -0.0 is not 0.0."""
    if isinstance(value, np.ndarray):
        return [plain(one) for one in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        size = max(abs(value.get(name) or 0.0) for name in ("min", "max"))
        scale = {"average": size, "variance": size * size}
        return {key: rounded(one, scale[key]) if key in scale else plain(one) for key, one in value.items()}
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
    return value.type, plain(value.value), value.source_run, value.time, statistics


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


def assert_equal_values(one, other):
    found = one.values(RUNS)
    expected = other.values(RUNS)
    assert found.keys() == expected.keys()
    for run_id, values in expected.items():
        assert list(found[run_id]) == list(values), run_id
        for path, value in values.items():
            assert plain_value(found[run_id][path]) == plain_value(value), (run_id, path)


def assert_equal_points(one, other, options):
    keys = [SeriesKey(run_id, path) for run_id in RUNS for path in PATHS]
    for option in options:
        request = PointsRequest(keys, **option)
        found = [plain_series(series) for series in one.points(request)]
        expected = [plain_series(series) for series in other.points(request)]
        assert found == expected, option


def assert_equal_buckets(one, other, options):
    keys = [SeriesKey(run_id, path) for run_id in RUNS for path in PATHS]
    for option in options:
        found = vars(one.buckets(BucketsRequest(keys, **option)))
        expected = vars(other.buckets(BucketsRequest(keys, **option)))
        np.testing.assert_allclose(found.pop("mean"), expected.pop("mean"), rtol=1e-9, atol=1e-9)
        for name in ("minimum", "maximum"):  # of zeros of both signs either may be found
            np.testing.assert_array_equal(found.pop(name), expected.pop(name))
        assert {name: plain(value) for name, value in found.items()} == {
            name: plain(value) for name, value in expected.items()
        }, option


def assert_equal_runs(one, other, queries):
    for query in queries:
        assert one.runs(query) == other.runs(query), query


SIZES = st.builds(
    ChunkSizes,
    rows=st.integers(1, 6),
    tail_bytes=st.integers(8, 200),
    text_characters=st.integers(1, 6),
    sealed_rows=st.integers(1, 4),
)
RANGES = st.tuples(st.none() | STEPS, st.none() | STEPS).map(
    lambda ends: tuple(None if end is None else end * MICRO for end in ends)
)
POINTS = st.lists(
    st.fixed_dictionaries(
        {
            "inherit": st.sampled_from(["lineage", "experiment", "own"]),
            "step_range": RANGES,
            "tail": st.none() | st.integers(0, 4),
            "previews": st.booleans(),
        }
    ),
    max_size=3,
)
BUCKETS = st.lists(
    st.fixed_dictionaries(
        {
            "count": st.integers(1, 7),
            "x": st.sampled_from(["step", "time"]),
            "x_range": st.none() | RANGES,
            "inherit": st.sampled_from(["lineage", "own"]),
        }
    ),
    max_size=2,
)
TYPES = [
    "float",
    "int",
    "bool",
    "string",
    "string_set",
    "file",
    "float_series",
    "string_series",
    "histogram_series",
    None,
]
ATTRIBUTES = st.builds(Attribute, st.sampled_from([*PATHS, "sys/tags", "sys/forking/depth"]), st.sampled_from(TYPES))
CONDITIONS = st.recursive(
    st.builds(
        Comparison, ATTRIBUTES, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), FLOATS | st.sampled_from("tu")
    )
    | st.builds(Comparison, ATTRIBUTES, st.sampled_from(["MATCHES", "CONTAINS", "NOT CONTAINS"]), st.sampled_from("tu"))
    | st.builds(Comparison, ATTRIBUTES, st.just("NOT MATCHES"), st.sampled_from(["^t", "!t"]))
    | st.builds(Comparison, ATTRIBUTES, st.just("EXISTS")),
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | st.builds(lambda a: ~a, inner)
    ),
    max_leaves=4,
)
SORTS = st.builds(Sort, ATTRIBUTES, st.booleans(), st.sampled_from(["last", "min", "max"]))
QUERIES = st.lists(
    st.builds(
        RunsQuery,
        filter=st.none() | CONDITIONS,
        heads_only=st.booleans(),
        run_ids=st.none() | st.lists(RUN),
        sort=st.none() | SORTS,
        limit=st.none() | st.integers(0, 3),
        offset=st.integers(0, 2),
        include_archived=st.booleans(),
    ),
    max_size=5,
)


@settings(
    max_examples=300,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(histories(), SIZES, POINTS, BUCKETS, QUERIES)
def test_equal_histories_give_equal_answers(batches, sizes, points, buckets, queries):
    memory = MemoryIndex()
    with tempfile.TemporaryDirectory() as directory:
        sqlite = SqliteIndex(Path(directory) / "index.db", sizes=sizes)
        try:
            for batch in batches:
                memory.apply(batch)
                sqlite.apply(batch)
            event(f"{sum(len(node.run_id) for node in memory.nodes().values() if node.fork)} forks")
            assert sqlite.nodes() == memory.nodes()
            assert sqlite.writers() == memory.writers()
            assert_equal_values(sqlite, memory)
            assert sqlite.definitions() == memory.definitions()
            pattern = compile_pattern("x | arch")
            assert sqlite.definitions(run_ids=["a", "b"], pattern=pattern) == memory.definitions(
                run_ids=["a", "b"], pattern=pattern
            )
            assert_equal_points(sqlite, memory, [{}, *points])
            assert_equal_buckets(
                sqlite, memory, [{**option, "x_range": option["x_range"] or (None, None)} for option in buckets]
            )
            assert_equal_runs(sqlite, memory, queries)
        finally:
            sqlite.close()


CUTS = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 16), max_size=2)
FRAME_HERE = st.one_of(
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=5), st.integers(-2, 4)),
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=5), st.integers(0, 2)),
    st.tuples(st.just("metrics"), st.dictionaries(PATH, FLOATS, min_size=1, max_size=2), st.integers(-3, 5), CLOCK),
    st.tuples(st.just("preview"), st.just({"x": 1.0}), st.integers(-3, 5), CLOCK),
    st.tuples(st.just("strings"), PATH, st.lists(st.sampled_from("tuv"), min_size=1), st.integers(-3, 5), CLOCK),
    st.tuples(st.just("configs"), st.dictionaries(st.sampled_from(["y", "z"]), CONFIGS, min_size=1, max_size=2)),
    st.tuples(st.just("tags"), st.sampled_from(["z", "sys/tags"]), st.sampled_from("tu"), st.sampled_from("tu")),
    st.tuples(st.just("files"), st.sampled_from(["y", "z"]), st.none()),
    st.tuples(st.just("mark"), st.sampled_from("mn"), st.integers(-1, 4), CUTS),
)
STEP_PLACES = {"rows": 1, "metrics": 1, "preview": 1, "strings": 2, "mark": 1}


@st.composite
def lineages(draw):
    """Return batches of runs that mostly go on where one before them was cut, parents mostly first, with late news."""
    journals, order = [], []
    for depth, run_id in enumerate(RUNS):
        journal = HistoryWriter(run_id, created=10 * depth)
        fork = None
        if depth:
            parent = RUNS[draw(st.sampled_from([depth - 1, depth - 1, depth - 1, max(0, depth - 2)]))]
            fork = parent, max(0, 3 * depth + draw(st.integers(-2, 3)))
        inherits = draw(st.sampled_from([True, True, False]))
        created = 10 * depth + draw(st.integers(-8, 5))
        journal.create(draw(st.none() | st.just("E")), created=created, inherit_configs=inherits, time=10 * depth)
        if fork is not None:
            mark = draw(st.none() | st.sampled_from("mn"))
            journal.lineage(*fork, mark=mark, inherit_configs=inherits, time=10 * depth)
        for (name, *arguments), time in draw(st.lists(st.tuples(FRAME_HERE, st.integers(-5, 12)), max_size=9)):
            place = STEP_PLACES.get(name)
            if place is not None:
                arguments[place] = max(0, arguments[place] + 3 * depth)
            write(journal, name, arguments, max(0, 10 * depth + time))
        parts = journal.batches(draw(st.sampled_from([1, 3, 50, 50])))
        journals.append(parts)
        order += [depth] * len(parts)
    if draw(st.booleans()):
        order = draw(st.permutations(order))
    return [journals[number].pop(0) for number in order]


@settings(
    max_examples=150,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(lineages(), SIZES)
def test_equal_lineages_give_equal_answers(batches, sizes):
    memory = MemoryIndex()
    with tempfile.TemporaryDirectory() as directory:
        sqlite = SqliteIndex(Path(directory) / "index.db", sizes=sizes)
        try:
            for batch in batches:
                memory.apply(batch)
                sqlite.apply(batch)
                assert_equal_values(sqlite, memory)
            assert sqlite.nodes() == memory.nodes()
            assert sqlite.definitions() == memory.definitions()
            assert_equal_points(sqlite, memory, [{"previews": True}])
        finally:
            sqlite.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories(), st.data())
def test_the_order_between_journals_does_not_matter(batches, data):
    names = data.draw(st.permutations([batch.key for batch in batches]))
    queues = {name: [batch for batch in batches if batch.key == name] for name in names}
    one, other = MemoryIndex(), MemoryIndex()
    for batch in batches:
        one.apply(batch)
    for name in names:
        other.apply(queues[name].pop(0))

    assert other.nodes() == one.nodes()
    assert_equal_values(other, one)
    assert_equal_points(other, one, [{"previews": True}])
