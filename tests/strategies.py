"""Hypothesis strategies that several property tests share: values, steps, histories of a few runs, questions to an index."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from runfork.index.interface import RunsQuery, Sort
from runfork.index.sqlite.points.writer import ChunkSizes
from runfork.journal.records import Batch, Damage
from runfork.model.attributes import AttributeType
from runfork.model.filters import Attribute, Comparison
from runfork.model.steps import MAX_MICRO_STEP, MICRO, to_micro_steps
from runfork.testing.histories import HistoryWriter
from runfork.types import Histogram


def examples(short, *, long=None):
    """Return settings: `short` examples, in the brief form no more than its profile says; in the long form `long`, or as many as
    that profile says if that is more.
    """
    profile = settings.default
    assert profile is not None
    form, most = settings.get_current_profile_name(), profile.max_examples
    return settings(
        max_examples={"long": long or max(short, most), "brief": min(short, most)}.get(form, short),
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# Values

CHARACTERS = st.characters(exclude_categories=["Cs"])
"""All that UTF-8 holds; to ask its codec about each, as texts do unless they are told, takes seconds."""
ODD_FLOATS = [0.0, -0.0, 1.0, -2.5, 0.1, 5e-324, -2.5e-310, 1e-300, 1e300, -1.7e308, math.nan, math.inf, -math.inf]
FLOATS = st.sampled_from(ODD_FLOATS) | st.floats(-1e6, 1e6) | st.floats(width=32) | st.floats()
TEXTS = st.sampled_from(["", "t", "u", "tu", "é", "!t", "\ud800", "t\0u", "日本", "a%_b", "T"])
MOMENTS = st.integers(-3, 3).map(lambda days: datetime(1970, 1, 2, 3, tzinfo=timezone.utc) + timedelta(days=days))
INTEGERS = st.integers(-3, 3) | st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, -(2**63)])
CONFIGS = (
    FLOATS | INTEGERS | st.none() | st.booleans() | TEXTS | MOMENTS | st.sampled_from([["t", "u"], ["u", "t", "u"]])
)
HISTOGRAMS = st.sampled_from(
    [
        Histogram((0, 1), counts=(3,)),
        Histogram((0, 0.5, 1e300), counts=(0, 2**60)),
        Histogram((-1, 1, 2), densities=(0.1, -0.0)),
    ]
)

# Places

RUNS = ["a", "b", "c", "d"]
PATHS = ["x", "y", "sys/archived", "runtime/out", "sys/description", "sys/group_tags", "z/é", "z/a", "z/b"]
COMMON_PATHS = [*PATHS[:4], "x", "y", "z/a"]
RUN = st.sampled_from(RUNS)
PATH = st.sampled_from(COMMON_PATHS) | st.sampled_from(PATHS)
CLOCK = st.sampled_from([False, False, False, True])
TIMES = st.integers(0, 20)

# Steps: mostly few, so that they meet

FEW_STEPS = st.integers(0, 12)
DECIMAL_STEPS = st.integers(0, 12 * MICRO).map(lambda micro: Decimal(micro) / MICRO)
HUGE_STEPS = st.sampled_from([10**9, Decimal("1000000000.000001"), 2**33, Decimal(MAX_MICRO_STEP) / MICRO, 10**12 - 1])
STEPS = FEW_STEPS | FEW_STEPS | st.sampled_from([0.1, 0.3, 0.1 + 0.2, 1e-6]) | DECIMAL_STEPS | HUGE_STEPS

# How far journals were, as marks and forks say it: frames are 50 bytes long

SIZES_OF_JOURNALS = st.dictionaries(
    st.sampled_from(["w1", "w2", "w3"]), st.integers(0, 12).map(lambda frames: 100 + 50 * frames), max_size=2
)
JOURNALS = st.none() | SIZES_OF_JOURNALS
FOUND_JOURNALS = st.sampled_from(["unsaid", "unsaid", None]) | SIZES_OF_JOURNALS

# Frames of a journal

FRAMES = st.one_of(
    st.tuples(st.just("metrics"), st.dictionaries(PATH, FLOATS, min_size=1, max_size=2), STEPS, CLOCK),
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=9), FEW_STEPS),
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=9), FEW_STEPS),
    st.tuples(st.just("rows"), FLOATS.flatmap(lambda one: st.integers(1, 20).map(lambda count: [one] * count)), STEPS),
    st.tuples(st.just("preview"), st.dictionaries(PATH, FLOATS, min_size=1, max_size=2), STEPS, CLOCK),
    st.tuples(st.just("strings"), PATH, st.lists(TEXTS, min_size=1, max_size=3), FEW_STEPS, CLOCK),
    st.tuples(st.just("histograms"), PATH, HISTOGRAMS, STEPS),
    st.tuples(st.just("files"), PATH, st.none() | STEPS),
    st.tuples(st.just("configs"), st.dictionaries(PATH, CONFIGS, min_size=1, max_size=2)),
    st.tuples(
        st.just("describe"), st.dictionaries(PATH, CONFIGS, max_size=1), st.sampled_from([["z"], ["x"], ["z", "y"]])
    ),
    st.tuples(st.just("tags"), st.sampled_from([*PATHS, "sys/tags"]), TEXTS, TEXTS),
    st.tuples(st.just("string_set"), st.sampled_from(["x", "sys/tags"]), st.lists(TEXTS, unique=True)),
    st.tuples(
        st.just("create"),
        st.none() | st.sampled_from("EF"),
        TIMES,
        st.booleans(),
        st.none() | st.tuples(RUN, STEPS),
        FOUND_JOURNALS,
    ),
    st.tuples(
        st.just("lineage"),
        RUN,
        STEPS,
        st.none() | st.sampled_from("mn"),
        st.none() | TIMES,
        st.booleans(),
        FOUND_JOURNALS,
    ),
    st.tuples(st.just("mark"), st.sampled_from("mn"), STEPS, st.dictionaries(PATH, STEPS, max_size=1), JOURNALS),
    st.tuples(st.just("status"), st.sampled_from(["failed", "running"])),
    st.tuples(st.just("heartbeat")),
    st.tuples(st.just("close")),
)
_LAST_FIRST = (MAX_MICRO_STEP + 1) // MICRO - 50


def write(journal, name, arguments, time):
    """Write a frame, or several."""
    writing: dict[str, Any] = {
        "metrics": lambda data, step, clock: journal.metrics(data, step, clock_axis=clock, time=time),
        "preview": lambda data, step, clock: journal.metrics(data, step, completion=0.5, clock_axis=clock, time=time),
        "rows": lambda values, first: [
            journal.metrics({"x": value}, min(first, _LAST_FIRST) + place, time=time + place)
            for place, value in enumerate(values)
        ],
        "strings": lambda path, values, step, clock: journal.strings({path: values}, step, clock_axis=clock, time=time),
        "histograms": lambda path, histogram, step: journal.histograms({path: histogram}, step, time=time),
        "describe": lambda data, spaces: journal.describe(data, replaces=spaces, time=time),
        "files": lambda path, step: journal.files({path: f"digest{step}"}, step, time=time),
        "tags": lambda path, add, remove: journal.tags(add, remove=[remove], path=path, time=time),
        "create": lambda name, created, inherit_configs, fork, found: journal.create(
            name, created=created, inherit_configs=inherit_configs, fork=fork, journals=found, time=time
        ),
        "lineage": lambda parent, step, mark, mark_time, inherit_configs, found: journal.lineage(
            parent, step, mark=mark, mark_time=mark_time, inherit_configs=inherit_configs, journals=found, time=time
        ),
        "mark": lambda mark, step, cuts, found: journal.mark(mark, step, cuts=cuts, journals=found, time=time),
    }
    plainly = lambda *values: getattr(journal, name)(*values, time=time)  # noqa: E731
    writing.get(name, plainly)(*arguments)


# Made once: a strategy that is made while another one draws is looked through anew each time.
_NAMES = st.none() | st.sampled_from("EF")
_PERMUTED_PATHS = st.permutations(["x", "y", "runtime/out", "z/é", "z/a", "z/b"])
_RISING_STEPS = st.lists(FEW_STEPS, max_size=4, unique=True).map(sorted)
_RARELY = st.sampled_from([False, False, True])
_ENDS = st.sampled_from(["finished", "failed"])
_SOME_RUNS = st.lists(RUN, unique=True, max_size=3)
_SOME_JOURNALS = st.lists(st.tuples(RUN, st.sampled_from(["w1", "w2"])), unique=True, min_size=1, max_size=5)
_SOME_FRAMES = st.lists(st.tuples(FRAMES, TIMES), max_size=12)
_BATCH_SIZES = st.integers(1, 6)


def over(draw, run_id, time):
    """Return the one batch of a journal that is over, and says most things once."""
    journal = HistoryWriter(run_id, "w0", created=time)
    journal.create(draw(_NAMES), created=time + 1 if draw(st.booleans()) else None, time=time)
    paths = draw(_PERMUTED_PATHS)
    for part in (paths[:2], paths[2:3]):
        journal.configs({path: draw(CONFIGS) for path in part}, time=time + 2)
    for step in draw(_RISING_STEPS):
        journal.metrics({path: draw(FLOATS) for path in paths[3:5]}, step, time=time + 3)
    if draw(_RARELY):
        journal.configs({draw(PATH): 1.0}, time=time + 3)
    return [journal.close(draw(_ENDS), time=time + 4).batch()]


@st.composite
def histories(draw):
    """Return batches of a few journals, each journal's in order."""
    queues = [over(draw, run_id, draw(TIMES)) for run_id in draw(_SOME_RUNS)]
    for run_id, writer in draw(_SOME_JOURNALS):
        journal = HistoryWriter(run_id, writer, created=draw(TIMES))
        for (name, *arguments), time in draw(_SOME_FRAMES):
            write(journal, name, arguments, time)
        queues.append(journal.batches(draw(_BATCH_SIZES)))
    order = draw(st.permutations([number for number, queue in enumerate(queues) for _ in queue]))
    batches = [queues[number].pop(0) for number in order]
    if draw(st.booleans()):
        place = draw(st.integers(0, len(batches) - 1))
        damage = [Damage(batches[place].start, 7, "a hole")]
        batches[place] = replace(batches[place], damage=damage, carry={"order_time": 3, "schemas": {"1": 100}})
    return batches


CUTS = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 16), max_size=2)
_FRAMES_HERE = st.one_of(
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=5), st.integers(-2, 4)),
    st.tuples(st.just("rows"), st.lists(FLOATS, min_size=1, max_size=5), st.integers(0, 2)),
    st.tuples(st.just("metrics"), st.dictionaries(PATH, FLOATS, min_size=1, max_size=2), st.integers(-3, 5), CLOCK),
    st.tuples(st.just("preview"), st.just({"x": 1.0}), st.integers(-3, 5), CLOCK),
    st.tuples(st.just("strings"), PATH, st.lists(TEXTS, min_size=1), st.integers(-3, 5), CLOCK),
    st.tuples(
        st.just("configs"), st.dictionaries(st.sampled_from(["y", "z/a", "z/b"]), CONFIGS, min_size=1, max_size=2)
    ),
    st.tuples(st.just("tags"), st.sampled_from(["z/a", "sys/tags"]), st.sampled_from("tu"), st.sampled_from("tu")),
    st.tuples(st.just("files"), st.sampled_from(["y", "z/a"]), st.none()),
    st.tuples(st.just("describe"), st.dictionaries(st.sampled_from(["y", "z/a"]), CONFIGS, max_size=1), st.just(["z"])),
    st.tuples(st.just("mark"), st.sampled_from("mn"), st.integers(-1, 4), CUTS, JOURNALS),
    st.tuples(st.just("close")),
)
_STEP_PLACES = {"rows": 1, "metrics": 1, "preview": 1, "strings": 2, "mark": 1}
_SOME_FRAMES_HERE = st.lists(st.tuples(_FRAMES_HERE, st.integers(-5, 12)), max_size=9)
_NEARBY = st.integers(-8, 5) | st.sampled_from([-60, 60])
_OLD_TIMES = st.none() | st.integers(-9, 9)
_SKEWS = st.sampled_from([0, 0, 0, 50])
_OFTEN = st.sampled_from([True, True, False])
_BACK = st.sampled_from([1, 1, 1, 2])
_FORK_OFFSETS = st.integers(-2, 3)
_MARK_NAMES = st.none() | st.sampled_from("mn")
_OTHER_WRITERS = st.sampled_from(["w0", "w2"])
_FEW_OR_ALL = st.sampled_from([1, 3, 50, 50])


@st.composite
def lineages(draw):
    """Return batches of runs that mostly go on where one before them was cut, parents mostly first, with late news.

    Runs have one or two journals; clocks may be far off.
    """
    journals: list[list[Batch]] = []
    order: list[int] = []
    for depth, run_id in enumerate(RUNS):
        journal = HistoryWriter(run_id, created=10 * depth)
        fork = None
        if depth:
            parent = RUNS[max(0, depth - draw(_BACK))]
            fork = parent, max(0, 3 * depth + draw(_FORK_OFFSETS))
        inherits = draw(_OFTEN)
        created = 10 * depth + draw(_NEARBY)
        name = "E" if draw(st.booleans()) else None
        journal.create(name, created=created, inherit_configs=inherits, time=10 * depth)
        if fork is not None:
            mark = draw(_MARK_NAMES)
            later = draw(_OLD_TIMES)
            mark_time = None if later is None else 10 * depth + later
            found = draw(FOUND_JOURNALS)
            about = {"mark": mark, "mark_time": mark_time, "inherit_configs": inherits, "journals": found}
            journal.lineage(*fork, **about, time=10 * depth)
        written = [journal]
        if not depth and draw(st.booleans()):
            order.append(len(journals))
            journals.append(over(draw, run_id, 0))
        elif draw(st.booleans()):
            written.append(HistoryWriter(run_id, draw(_OTHER_WRITERS), created=10 * depth))
        for (kind, *arguments), time in draw(_SOME_FRAMES_HERE):
            place = _STEP_PLACES.get(kind)
            if place is not None:
                arguments[place] = max(0, arguments[place] + 3 * depth)
            journal = written[draw(st.booleans()) and len(written) - 1]
            write(journal, kind, arguments, max(0, 10 * depth + time + draw(_SKEWS)))
        for one in written:
            parts = one.batches(draw(_FEW_OR_ALL))
            order += [len(journals)] * len(parts)
            journals.append(parts)
    if draw(st.booleans()):
        order = draw(st.permutations(order))
    return [journals[number].pop(0) for number in order]


# What is asked of an index

SIZES = st.builds(
    ChunkSizes,
    rows=st.integers(1, 6),
    tail_bytes=st.integers(8, 200),
    text_characters=st.integers(1, 6),
    sealed_rows=st.integers(1, 4),
    shared_bytes=st.integers(0, 200),
    alone_bytes=st.integers(0, 40),
)
ENDS = st.none() | STEPS.map(to_micro_steps)
POINTS = st.lists(
    st.sampled_from(["", "previews", "replaced"]).flatmap(
        lambda which: st.fixed_dictionaries(
            {
                "inherit": st.sampled_from(["lineage", "experiment", "own"]),
                "step_range": st.tuples(ENDS, ENDS),
                "tail": st.none() | st.integers(0, 4),
                **({which: st.just(True)} if which else {}),
            }
        )
    ),
    max_size=3,
)
_X_RANGES = {"step": st.tuples(ENDS, ENDS), "time": st.tuples(st.none() | TIMES, st.none() | TIMES)}
BUCKETS = st.lists(
    st.sampled_from(["step", "time"]).flatmap(
        lambda x: st.fixed_dictionaries(
            {
                "count": st.integers(1, 7),
                "x": st.just(x),
                "x_range": st.just((None, None)) | _X_RANGES[x],
                "inherit": st.sampled_from(["lineage", "experiment", "own"]),
            }
        )
    ),
    max_size=2,
)
TYPES = [*(kind.value for kind in AttributeType), None]
ATTRIBUTES = st.builds(
    Attribute,
    st.sampled_from([*PATHS, "x", "y", "sys/tags", "sys/forking/depth", "sys/state", "nobody/has/it"]),
    st.sampled_from(TYPES),
)
COMPARED = FLOATS | INTEGERS | st.sampled_from([2**64, -(2**70), 10**400]) | TEXTS | st.booleans() | MOMENTS
CONDITIONS = st.recursive(
    st.builds(Comparison, ATTRIBUTES, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), COMPARED)
    | st.builds(Comparison, ATTRIBUTES, st.sampled_from(["CONTAINS", "NOT CONTAINS"]), TEXTS)
    | st.builds(
        Comparison,
        ATTRIBUTES,
        st.sampled_from(["MATCHES", "NOT MATCHES"]),
        st.sampled_from(["t", "^t", "!t", "", "t | é", "u$"]),
    )
    | st.builds(Comparison, ATTRIBUTES, st.just("EXISTS")),
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | st.builds(lambda a: ~a, inner)
    ),
    max_leaves=4,
)
SORTS = st.builds(Sort, ATTRIBUTES, st.booleans(), st.sampled_from(["last", "min", "max"]))  # averages are rounded
QUERIES = st.lists(
    st.builds(
        RunsQuery,
        filter=st.none() | CONDITIONS,
        heads_only=st.booleans(),
        run_ids=st.none() | st.lists(RUN | st.just("unknown")),
        sort=st.none() | SORTS | st.lists(SORTS, max_size=3),
        limit=st.none() | st.integers(0, 3),
        offset=st.integers(0, 2),
        include_archived=st.booleans(),
    ),
    max_size=5,
)
