"""A naive model of runs that fork, straight from the rules: each question is answered anew by recursion, from plain tuples.

Written without a look at `runfork.model.lineage` or the indexes, to be compared with them; and any projects to compare them by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from runfork.model.steps import MAX_MICRO_STEP, MICRO
from runfork.testing.histories import FRAME_BYTES, HEADER_BYTES

NO_CUT = 10**18


@dataclass(frozen=True)
class Frame:
    """What one writer said at one moment.

    Args:
        kind: "create", "lineage", "point", "preview", "config", "describe", "tags" or "mark".
        time: Microseconds; never decreases in one writer.
        about: What belongs to the kind.
    """

    kind: str
    time: int
    about: dict[str, Any]

    @property
    def is_point(self):
        return self.kind in ("point", "preview")


@dataclass(frozen=True)
class Entry:
    """A frame in a journal: the writer, its number in the journal, and its time among the edits of the run."""

    writer: str
    number: int
    frame: Frame
    time: int

    @property
    def order(self):
        return self.time, self.writer, self.number

    @property
    def about(self):
        return self.frame.about


@dataclass(frozen=True)
class NaiveRun:
    """What has arrived of one run: the frames of each writer, and when each journal began. More makes another one."""

    writers: dict[str, list[Frame]] = field(default_factory=dict)
    began: dict[str, int] = field(default_factory=dict)

    def with_more(self, writer, began, frames):
        """Return the run with more frames of a writer."""
        said = [*self.writers.get(writer, []), *frames]
        return NaiveRun({**self.writers, writer: said}, {**self.began, writer: began})

    def entries(self, *kinds):
        """Return the entries of these kinds, those of the writer that started later last."""
        return [one for one in self._entries if one.frame.kind in kinds]

    @cached_property
    def _entries(self):
        return [
            Entry(writer, number, frame, self._time(writer, number))
            for writer in sorted(self.writers)
            for number, frame in enumerate(self.writers[writer])
        ]

    def _time(self, writer, number):
        """Points take their place among edits from what stands before them: their own time is their user's to say."""
        frames = self.writers[writer]
        if not frames[number].is_point:
            return frames[number].time
        first = 0 if frames[number].about["path"] == TEXT_PATH else self.began[writer]
        return max([first, *(one.time for one in frames[:number] if not one.is_point)])

    def in_order(self, kind, holds):
        """Return the entries of a kind that `holds` holds, in the order of edits."""
        return sorted((one for one in self.entries(kind) if holds(one)), key=lambda one: one.order)

    @property
    def created(self):
        creates = self.entries("create")
        return creates[0].about["created"] if creates else min(self.began.values())

    @property
    def name(self):
        names = [one.about["name"] for one in self.entries("create")]
        return next((name for name in names if name is not None), None)

    @cached_property
    def fork(self) -> Any:
        """Return the first fork: a run is never given another parent, but the same fork may be said again, with a mark."""
        creates = self.entries("create")
        forks = [*creates[:1], *self.entries("lineage")]
        forks = sorted((one for one in forks if one.about["parent"] is not None), key=lambda one: one.order)
        if not forks:
            return None
        first = forks[0].about
        same = [
            one.about for one in forks if (one.about["parent"], one.about["step"]) == (first["parent"], first["step"])
        ]
        return next((one for one in same if one["mark"] is not None), first) if first["mark"] is None else first

    @property
    def is_archived(self):
        edits = [one for one in self.in_order("config", everything) if one.about["path"] == "sys/archived"]
        return bool(edits) and edits[-1].about["value"] is True

    @property
    def has_points(self):
        return any(not one.about["path"].startswith("clock/") for one in self.entries("point", "preview"))


def everything(entry):
    """Return whether an entry counts for the run itself."""
    del entry
    return True


class NaiveProject:
    """Runs by id."""

    def __init__(self) -> None:
        self.runs: dict[str, NaiveRun] = {}

    def parent(self, run_id):
        fork = self.runs[run_id].fork
        return fork["parent"] if fork and fork["parent"] in self.runs else None

    def line(self, run_id):
        """Return the run and its ancestors, each once."""
        met = [run_id]
        while (parent := self.parent(met[-1])) is not None and parent not in met:
            met.append(parent)
        return met

    def depth(self, run_id):
        """Return the number of forks up to the root; one that is pending counts, too."""
        met = self.line(run_id)
        fork = self.runs[met[-1]].fork
        return len(met) - 1 + (fork is not None and fork["parent"] not in self.runs)

    def created(self, run_id):
        """Return when a run counts as created: each fork after its parent."""
        return max(self.runs[one].created + number for number, one in enumerate(self.line(run_id)))

    def mark(self, run_id):
        """Return the mark that a run was forked from, if its parent has it."""
        fork = self.runs[run_id].fork
        marks = [one for one in self.runs[fork["parent"]].entries("mark") if one.about["name"] == fork["mark"]]
        return marks[0] if marks else None

    def stood(self, run_id):
        """Return which entries of the parent stood in its journals when the fork was marked."""
        fork, mark = self.runs[run_id].fork, self.mark(run_id)
        sizes = fork.get("journals", "unsaid") if mark is None else mark.about["journals"]
        by_time = self.runs[run_id].created
        if mark is not None:
            by_time = mark.frame.time
        elif fork["mark"] is not None and fork["mark_time"] is not None:
            sizes, by_time = "unsaid", fork["mark_time"]
        elif sizes is None:
            return everything

        def holds(one):
            if mark is not None and one.writer == mark.writer:
                return one.number < mark.number
            return one.time <= by_time if sizes in (None, "unsaid") else one.number < sizes.get(one.writer, 0)

        return holds

    # Series

    def seen(self, run_id, path, kind="point", met=(), *, own=True):
        """Return what a run sees of a series by step: what its parent sees up to the cut, its own points on top."""
        found = {}
        parent = self.parent(run_id)
        if parent is not None and parent not in (*met, run_id):
            cut = self.cut(run_id, path)
            above = self.seen(parent, path, kind, (*met, run_id), own=not self.was_missing(run_id, path))
            found = {step: point for step, point in above.items() if step <= cut}
        for one in self.runs[run_id].entries(kind) if own else ():
            if one.about["path"] == path:
                found[one.about["step"]] = (one.about["value"], one.frame.time, run_id)
        return found

    def was_missing(self, run_id, path):
        """Return whether the parent had no point of a series on the step axis yet when it wrote the mark."""
        mark = self.mark(run_id)
        if mark is None or path.startswith("clock/") or path in mark.about["cuts"]:
            return False
        holds = self.stood(run_id)
        parent = self.parent(run_id)
        assert parent is not None
        entries = self.runs[parent].entries("point", "preview")
        return not any(holds(one) for one in entries if one.about["path"] == path)

    def previews(self, run_id, path):
        """Return the previews beyond the last point that is seen."""
        last = max(self.seen(run_id, path), default=-1)
        return {step: point for step, point in self.seen(run_id, path, "preview").items() if step > last}

    def cut(self, run_id, path):
        """Return the last step that a run inherits."""
        fork, mark = self.runs[run_id].fork, self.mark(run_id)
        if mark is not None and path in mark.about["cuts"]:
            return mark.about["cuts"][path]
        if not path.startswith("clock/"):
            return fork["step"]
        if mark is not None:
            return mark.frame.time
        times = self.inherited_times(run_id, NO_CUT)
        return max(times) if times else self.runs[run_id].created

    def inherited_times(self, run_id, upto, met=()):
        """Return the times of all metric points on the step axis that a run inherits, replaced ones too."""
        parent = self.parent(run_id)
        if parent is None or parent in (*met, run_id):
            return []
        upto = min(upto, self.runs[run_id].fork["step"])
        own = [one for one in self.runs[parent].entries("point") if one.about["path"].startswith("metric/")]
        return [one.frame.time for one in own if one.about["step"] <= upto] + self.inherited_times(
            parent, upto, (*met, run_id)
        )

    # Single values

    def config(self, run_id, path, holds=everything, met=()):
        """Return a config: the run's own, else what its parent had; a description of the namespace begins anew."""
        run = self.runs[run_id]
        described = run.in_order("describe", holds)
        edits = sorted([*run.in_order("config", holds), *described], key=lambda one: one.order)
        begins_anew = path.startswith("c/") and bool(described)
        if begins_anew:
            edits = [one for one in edits if one.order >= described[-1].order]
        own = [one for one in edits if one.about["path"] == path]
        if own:
            return own[-1].about["value"]
        if begins_anew:
            return None
        parent = self.parent(run_id)
        if parent is None or parent in (*met, run_id) or not run.fork["inherits"]:
            return None
        return self.config(parent, path, self.stood(run_id), (*met, run_id))

    def tags(self, run_id, holds=everything, met=()):
        """Return tags: those that the parent had, then the run's own changes."""
        found = set()
        parent = self.parent(run_id)
        if parent is not None and parent not in (*met, run_id):
            found = self.tags(parent, self.stood(run_id), (*met, run_id))
        for one in self.runs[run_id].in_order("tags", holds):
            found = (found | {one.about["add"]}) - {one.about["remove"]}
        return found

    def heads(self):
        """Return the run of each name that was created last and is not archived; those without points only if all are."""
        claims = [
            (run.name, run.has_points, self.created(run_id), run.created, run_id)
            for run_id, run in self.runs.items()
            if not run.is_archived
        ]
        return {max(one for one in claims if one[0] == name)[4] for name, *_ in claims if name is not None}


# Any projects

FEW = st.integers(0, 8).map(lambda step: step * MICRO)
MICRO_STEPS = FEW | FEW | st.sampled_from([1, 300_000, 4_500_000, 4_500_001, 2**53 + 1, MAX_MICRO_STEP])
METRIC_PATHS = ["metric/a", "metric/b"]
CLOCK_PATH, TEXT_PATH = "clock/a", "text/a"
_INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.floats(-100, 100).map(lambda value: value + 0.0)
POINT_FRAMES = st.one_of(
    st.tuples(st.just("point"), st.sampled_from(METRIC_PATHS), MICRO_STEPS, NUMBERS),
    st.tuples(st.just("point"), st.sampled_from(METRIC_PATHS), FEW, NUMBERS),
    st.tuples(st.just("point"), st.just(CLOCK_PATH), st.integers(0, 30), NUMBERS),
    st.tuples(st.just("point"), st.just(TEXT_PATH), MICRO_STEPS, st.text("tuv", max_size=3)),
    st.tuples(st.just("preview"), st.sampled_from(METRIC_PATHS), MICRO_STEPS, NUMBERS),
).map(lambda part: (part[0], dict(zip(("path", "step", "value"), part[1:], strict=True))))
OTHER_FRAMES = st.one_of(
    st.builds(
        lambda path, value: ("config", {"path": path, "value": value}),
        st.sampled_from(["c/lr", "size"]),
        _INT64,
    ),
    st.builds(
        lambda path, value: ("describe", {"path": path, "value": value}), st.sampled_from(["c/lr", "size"]), _INT64
    ),
    st.builds(lambda value: ("config", {"path": "sys/archived", "value": value}), st.booleans()),
    st.builds(lambda add, remove: ("tags", {"add": add, "remove": remove}), *[st.sampled_from("tuv")] * 2),
)

SIZES = st.dictionaries(st.sampled_from(["w1", "w2", "w3"]), st.integers(0, 9), max_size=2)
"""How many frames journals held."""
MARK_FRAMES = st.builds(
    lambda name, step, cuts, journals: ("mark", {"name": name, "step": step, "cuts": cuts, "journals": journals}),
    st.sampled_from("mmn"),
    MICRO_STEPS,
    st.dictionaries(st.sampled_from([*METRIC_PATHS, CLOCK_PATH, TEXT_PATH]), MICRO_STEPS, max_size=1),
    st.none() | SIZES,
)


_FORKS = st.fixed_dictionaries(
    {
        "step": MICRO_STEPS,
        "mark": st.sampled_from([None, "m", "m", "n"]),
        "mark_time": st.none() | st.integers(0, 20),
        "inherits": st.sampled_from([True, True, False]),
        "journals": st.sampled_from(["unsaid", None]) | SIZES,
    }
)
_COUNTS = st.integers(1, 5)
_WRITERS = st.sampled_from([1, 1, 2, 3])
_RARELY = st.sampled_from([False, False, False, True])
_PARTS = st.lists(
    st.tuples(st.one_of(POINT_FRAMES, POINT_FRAMES, POINT_FRAMES, MARK_FRAMES, OTHER_FRAMES), st.integers(0, 3)),
    max_size=8,
)
_TIMES = st.integers(0, 15)
_PORTIONS = st.sampled_from([1, 3, 50])
_FEW = st.integers(0, 2)


def a_fork(draw, run_ids):
    return {"parent": draw(st.sampled_from([*run_ids, "missing"])), **draw(_FORKS)}


@st.composite
def projects(draw):
    """Return the frames of each journal of a few runs, and in which portions and order they arrive."""
    run_ids = [f"r{number}" for number in range(draw(_COUNTS))]
    journals = {}
    for number, run_id in enumerate(run_ids):
        for writer in ["w1", "w2", "w3"][: draw(_WRITERS)]:
            parts = []
            if writer == "w1" or draw(_RARELY):
                parts = [(part, draw(_FEW)) for part in origin(draw, run_ids[:number] or run_ids)]
            parts += draw(_PARTS)
            time = draw(_TIMES)
            frames = []
            for (kind, about), later in parts:
                time += later
                frames.append(Frame(kind, time, about))
            journals[run_id, writer] = frames
    portions = {key: draw(_PORTIONS) for key in journals}
    keys = [key for key, frames in journals.items() for _ in range(0, max(1, len(frames)), portions[key])]
    return journals, portions, keys if draw(st.booleans()) else draw(st.permutations(keys))


def origin(draw, parents):
    """Return how a run begins: with a fork, with one that is known later, without one; another fork later is ignored."""
    fork = a_fork(draw, parents)
    at_once = not draw(_FEW)
    nowhere = {"parent": None, "step": 0, "inherits": True, "mark": None, "journals": None}
    first = {**fork, "mark": None, "mark_time": None} if at_once else nowhere
    name = "E" if draw(st.booleans()) else None
    found = [("create", {**first, "name": name, "created": draw(_TIMES)})]
    if draw(st.booleans()):
        found.append(draw(OTHER_FRAMES))
    found += [("lineage", one) for one in ([] if at_once else [fork])[: draw(_FEW)]]
    return found + [("lineage", a_fork(draw, parents)) for _ in range(draw(_RARELY))]


def written(journal, frame):
    """Write a frame of the model into a journal."""
    about, time = frame.about, frame.time
    step = Decimal(about.get("step", 0)) / MICRO
    fork = None if about.get("parent") is None else (about["parent"], step)
    options: Any = {"clock_axis": about.get("path") == CLOCK_PATH, "time": time}
    found = _bytes(about.get("journals", "unsaid"))
    if frame.kind == "create":
        inherits = about["inherits"]
        journal.create(
            about["name"], created=about["created"], inherit_configs=inherits, fork=fork, journals=found, time=time
        )
    elif frame.kind == "lineage":
        marks = {"mark": about["mark"], "mark_time": about["mark_time"]}
        journal.lineage(about["parent"], step, **marks, inherit_configs=about["inherits"], journals=found, time=time)
    elif frame.kind == "preview":
        journal.metrics({about["path"]: about["value"]}, step, completion=0.5, **options)
    elif frame.kind == "point" and about["path"] == TEXT_PATH:
        journal.strings({TEXT_PATH: about["value"]}, step, **options)
    elif frame.kind == "point":
        journal.metrics({about["path"]: about["value"]}, step, **options)
    elif frame.kind == "config":
        journal.configs({about["path"]: about["value"]}, time=time)
    elif frame.kind == "describe":
        journal.describe({about["path"]: about["value"]}, replaces=["c"], time=time)
    elif frame.kind == "tags":
        journal.tags(about["add"], remove=[about["remove"]], time=time)
    else:
        cuts = {path: Decimal(cut) / MICRO for path, cut in about["cuts"].items()}
        journal.mark(about["name"], step, cuts=cuts, journals=found, time=time)


def _bytes(journals):
    """Return what a history says for so many frames."""
    if not isinstance(journals, dict):
        return journals
    return {writer: HEADER_BYTES + FRAME_BYTES * frames for writer, frames in journals.items()}
