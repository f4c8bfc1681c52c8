"""Lineage, by hand and against naive models: the rules in `runfork.model.lineage`, and end to end through both indexes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answers import both_indexes
from tests.naive_lineage import (
    CLOCK_PATH,
    METRIC_PATHS,
    NUMBERS,
    TEXT_PATH,
    Frame,
    NaiveProject,
    NaiveRun,
    projects,
    written,
)
from tests.strategies import SIZES, examples

from runfork.index.interface import PointsRequest, RunsQuery, SeriesKey
from runfork.model.lineage import Fork, RunNode, Segment, ancestors, children_of, depth, heads, is_pending, segments
from runfork.model.steps import MAX_MICRO_STEP, MICRO
from runfork.testing.histories import HistoryWriter

STEPS = st.integers(0, 12)
PATHS = ("train/loss", "val/acc", "runtime/stdout")
COUNTS = st.integers(1, 7)
CUTS = st.dictionaries(st.sampled_from(PATHS), STEPS, max_size=2)
SETS_OF_STEPS = st.sets(STEPS)


def node(run_id, parent=None, step=0, created=0, name=None, archived=False, **fork):
    return RunNode(run_id, created, name, Fork(parent, step, **fork) if parent else None, archived)


def tree(*nodes):
    return {one.run_id: one for one in nodes}


def seen(run_id, runs, points, path="m", *, clock_axis=False):
    """Return the points of a series as seen from a run, by overlaying its segments."""
    merged = {}
    for segment in segments(run_id, runs, path=path, clock_axis=clock_axis):
        merged.update({step: value for step, value in points.get(segment.run_id, {}).items() if step <= segment.high})
    return merged


# By hand


def test_a_root_is_one_segment_without_end():
    assert segments("a", tree(node("a"))) == [Segment("a", MAX_MICRO_STEP)]


def test_a_fork_inherits_points_up_to_and_including_the_fork_step():
    runs = tree(node("a"), node("b", "a", 2))

    assert seen("b", runs, {"a": {1: "a", 2: "a", 3: "a"}}) == {1: "a", 2: "a"}


def test_the_childs_own_point_wins_at_the_same_step():
    runs = tree(node("a"), node("b", "a", 2))

    assert seen("b", runs, {"a": {1: "a", 2: "a"}, "b": {2: "b", 0: "b"}}) == {0: "b", 1: "a", 2: "b"}


def test_a_cut_further_down_holds_further_up():
    runs = tree(node("a"), node("b", "a", 8), node("c", "b", 5), node("d", "c", 7))

    assert segments("d", runs) == [Segment("a", 5), Segment("b", 5), Segment("c", 7), Segment("d")]


def test_a_series_of_its_own_axis_is_cut_where_the_mark_says():
    runs = tree(node("a"), node("b", "a", 100, cuts={"val/acc": 3}))

    assert segments("b", runs, path="val/acc")[0] == Segment("a", 3)
    assert segments("b", runs, path="train/loss")[0] == Segment("a", 100)


def test_a_series_on_the_clock_axis_is_cut_at_the_marks_moment():
    runs = tree(node("a"), node("b", "a", 100, clock=7_000))

    assert segments("b", runs, path="runtime/stdout", clock_axis=True)[0] == Segment("a", 7_000)


def test_without_inheritance_there_is_the_own_segment_only():
    runs = tree(node("a"), node("b", "a", 2))

    assert segments("b", runs, inherit=False) == [Segment("b")]


def test_a_missing_parent_ends_the_lineage_and_makes_it_pending():
    runs = tree(node("b", "gone", 2), node("c", "b", 1))

    assert ancestors("c", runs) == ["c", "b"]
    assert is_pending("b", runs)
    assert not is_pending("c", runs)
    assert [1, 2] == [depth("b", runs), depth("c", runs)]


def test_a_cycle_in_damaged_data_ends_the_lineage():
    runs = tree(node("a", "b", 1), node("b", "a", 1))

    assert ancestors("a", runs) == ["a", "b"]
    assert depth("a", runs) == 1


def test_an_unknown_run_has_no_ancestors_and_its_own_segment():
    assert ancestors("x", {}) == []
    assert segments("x", {}) == [Segment("x")]
    assert depth("x", {}) == 0
    assert not is_pending("x", {})


def test_the_head_is_the_run_created_last():
    runs = [node("a", created=1, name="e"), node("b", created=2, name="e"), node("c", created=3, name="other")]

    assert heads(runs) == {"e": "b", "other": "c"}


def test_runs_created_at_the_same_moment_are_ordered_by_id():
    assert heads([node("b", created=1, name="e"), node("a", created=1, name="e")]) == {"e": "b"}


def test_archiving_the_head_promotes_the_run_before_it():
    runs = [node("a", created=1, name="e"), node("b", created=2, name="e", archived=True)]

    assert heads(runs) == {"e": "a"}


def test_children_are_ordered_by_creation():
    runs = [node("a"), node("c", "a", created=2), node("b", "a", created=3), node("d", "gone", created=1)]

    assert children_of(runs) == {"a": ["c", "b"], "gone": ["d"]}


# Against a naive model


@st.composite
def histories(draw):
    """Any forest: parents may be missing, or lie in a cycle; every fork has cuts of its own for some series."""
    ids = [f"r{number}" for number in range(draw(COUNTS))]
    parents = st.sampled_from([None, *ids, "missing"])
    runs = {}
    for run_id in ids:
        parent = draw(parents)
        if parent == run_id:
            parent = None
        fork = Fork(parent, draw(STEPS), clock=draw(STEPS), cuts=draw(CUTS)) if parent else None
        runs[run_id] = RunNode(run_id, draw(STEPS), fork=fork)
    points = {run_id: {step: (run_id, step) for step in draw(SETS_OF_STEPS)} for run_id in ids}
    return runs, points


def naively_seen(run_id, runs, points, path, *, clock_axis, visited=()):
    """What a run sees: what its parent sees up to the cut, and its own on top. Straight from the rule."""
    fork = runs[run_id].fork
    inherited = {}
    if fork is not None and fork.parent in runs and fork.parent not in (*visited, run_id):
        whole = naively_seen(fork.parent, runs, points, path, clock_axis=clock_axis, visited=(*visited, run_id))
        cut = fork.cuts.get(path, fork.clock if clock_axis else fork.step)
        inherited = {step: value for step, value in whole.items() if step <= cut}
    return {**inherited, **points[run_id]}


@given(histories(), st.sampled_from(PATHS), st.booleans())
def test_segments_overlaid_are_what_the_rule_says(history, path, clock_axis):
    runs, points = history
    for run_id in runs:
        expected = naively_seen(run_id, runs, points, path, clock_axis=clock_axis)

        assert expected == seen(run_id, runs, points, path, clock_axis=clock_axis)


@given(histories())
def test_the_cut_never_grows_on_the_way_up(history):
    runs, _ = history
    for run_id in runs:
        highs = [segment.high for segment in segments(run_id, runs)]

        assert highs == sorted(highs)


@given(histories())
def test_a_lineage_names_each_run_once(history):
    runs, _ = history
    for run_id in runs:
        lineage = ancestors(run_id, runs)

        assert len(set(lineage)) == len(lineage) == depth(run_id, runs) + 1 - is_pending(lineage[-1], runs)


def test_a_lineage_of_ten_thousand_runs_is_no_recursion():
    runs = tree(node("r0"), *(node(f"r{number}", f"r{number - 1}", number) for number in range(1, 10_000)))

    assert len(segments("r9999", runs)) == 10_000


# End to end: any tree of runs, through both indexes, against a model that knows neither


def assert_agree(indexes, model, run_ids=None):
    """Compare everything that a lineage decides."""
    run_ids = list(model.runs) if run_ids is None else run_ids
    for index in indexes:
        assert_nodes_agree(index, model, run_ids)
    said = [(index, index.values(run_ids)) for index in indexes]
    for run_id in run_ids:
        for path in (*METRIC_PATHS, CLOCK_PATH, TEXT_PATH):
            points = sorted(model.seen(run_id, path).items())
            previews = sorted(model.previews(run_id, path).items())
            for index, values in said:
                assert_series_agrees(index, run_id, path, points, previews, values[run_id].get(path))


def assert_nodes_agree(index, model, run_ids):
    nodes = index.nodes()
    assert set(model.runs) == set(nodes)
    assert model.heads() == {row.node.run_id for row in index.runs(RunsQuery(heads_only=True)).rows}
    values = index.values(run_ids)
    for run_id in run_ids:
        fork = model.runs[run_id].fork
        assert (fork and (fork["parent"], fork["step"])) == (
            nodes[run_id].fork and (nodes[run_id].fork.parent, nodes[run_id].fork.step)
        )
        assert nodes[run_id].created == model.created(run_id)
        assert is_pending(run_id, nodes) == (fork is not None and fork["parent"] not in model.runs)
        assert model.depth(run_id) == values[run_id]["sys/forking/depth"].value
        assert model.tags(run_id) == values[run_id]["sys/tags"].value
        for path in ("c/lr", "size"):
            value = values[run_id].get(path)
            assert model.config(run_id, path) == (value and value.value)


def assert_series_agrees(index, run_id, path, points, previews, value):
    series = index.points(PointsRequest([SeriesKey(run_id, path)], previews=True))
    if not points and not previews:
        assert (series, value) == ([], None)
        return
    [found] = series
    sources = [found.segments[position].run_id for position in found.sources]
    columns = zip(found.steps.tolist(), list(found.values), found.times.tolist(), sources, strict=True)
    assert [(step, *point) for step, point in points + previews] == list(columns)
    assert [False] * len(points) + [True] * len(previews) == found.is_preview.tolist()
    last = points[-1][1][0] if points else None
    assert (last, len(points)) == (value.value, value.statistics["count"])
    if points and path != TEXT_PATH:
        numbers = [number for _, (number, _, _) in points]
        expected = points[0][0], points[-1][0], min(numbers), max(numbers)
        assert expected == tuple(value.statistics[name] for name in ("first_step", "last_step", "min", "max"))


@pytest.mark.timeout(3600)
def test_any_lineage_reads_as_a_naive_model_says(tried):
    seen = []

    @examples(50)
    @given(projects(), SIZES)
    def holds(project, sizes):
        journals, portions, order = project
        model = NaiveProject()
        writers = {(run_id, writer): HistoryWriter(run_id, writer, created=7) for run_id, writer in journals}
        for key, frames in journals.items():
            for frame in frames:
                written(writers[key], frame)
        with both_indexes(sizes) as indexes:
            for key in order:
                run_id, writer = key
                run = model.runs.get(run_id, NaiveRun())
                held = len(run.writers.get(writer, []))
                model.runs[run_id] = run.with_more(writer, 7, journals[key][held : held + portions[key]])
                batch = writers[key].batch(portions[key])
                for index in indexes:
                    index.apply(batch)
                assert_agree(indexes, model)
        seen.append(len(order))

    holds()
    tried(
        "trees of runs (late, missing and looping parents, cuts of marks, three writers, steps of any order and repeated) "
        "against a naive model, after every portion that arrives",
        times=len(seen),
        outcome=f"{sum(seen):,} portions, both indexes agree",
    )


@pytest.mark.timeout(3600)
def test_any_deep_chain_of_forks_reads_as_a_naive_model_says(tried):
    seen = []

    @examples(5, long=200)
    @given(
        st.integers(20, 80),
        st.lists(st.tuples(st.integers(-3, 5), NUMBERS, st.booleans()), min_size=1, max_size=8),
        st.integers(0, 2**32),
        SIZES,
    )
    def holds(depth, habits, seed, sizes):
        model = NaiveProject()
        batches = []
        for number in range(depth):
            offset, value, inherits = habits[number % len(habits)]
            fork = {
                "parent": f"r{number - 1}",
                "step": max(0, 3 * number + offset) * MICRO,
                "mark": None,
                "journals": "unsaid",
            }
            about = {**fork, "inherits": inherits} if number else {**fork, "parent": None, "inherits": True}
            frames = [Frame("create", number, {**about, "name": None, "created": number})]
            for step in range(max(0, 3 * number + min(offset, 1)), 3 * number + 4):
                point = {"path": "metric/a", "step": step * MICRO, "value": value + number}
                frames.append(Frame("point", number + 1, point))
            if number % 7 == 0:
                frames.append(Frame("config", number + 1, {"path": "c/lr", "value": number}))
            journal = HistoryWriter(f"r{number}", created=number)
            for frame in frames:
                written(journal, frame)
            model.runs[f"r{number}"] = NaiveRun({"w1": frames}, {"w1": number})
            batches.append(journal.batch())
        Random(seed).shuffle(batches)
        with both_indexes(sizes) as indexes:
            for index in indexes:
                for batch in batches:
                    index.apply(batch)
            assert_agree(indexes, model, [f"r{depth - 1}", f"r{depth // 2}"])
        seen.append(depth)

    holds()
    tried(
        "chains of 20 to 80 forks that arrive in any order, against the naive model",
        times=len(seen),
        outcome=f"{sum(seen):,} runs, both indexes agree",
    )
