"""A naive model of runs that fork, straight from the rules: each question is answered anew by recursion, from plain tuples.

Written without a look at `runfork.lineage` or the indexes, to be compared with them; and any projects to compare them by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from runfork.steps import MAX_MICRO_STEP, MICRO

NO_CUT = 10**18


@dataclass(frozen=True)
class Frame:
    """What one writer said at one moment.

    Args:
        kind: "create", "lineage", "point", "preview", "config", "tags" or "mark".
        time: Microseconds; never decreases in one writer.
        about: What belongs to the kind.
    """

    kind: str
    time: int
    about: dict[str, Any]


@dataclass
class NaiveRun:
    """What has arrived of one run: the frames of each writer, and when each journal began."""

    writers: dict[str, list[Frame]] = field(default_factory=dict)
    began: dict[str, int] = field(default_factory=dict)

    def frames(self, *kinds):
        """Return frames of these kinds, those of the writer that started later last."""
        return [frame for name in sorted(self.writers) for frame in self.writers[name] if frame.kind in kinds]

    def in_time(self, kind, upto):
        """Return frames up to a moment, by time, then writer."""
        return sorted((one for one in self.frames(kind) if upto is None or one.time <= upto), key=lambda one: one.time)

    @property
    def created(self):
        creates = self.frames("create")
        born = creates[0].about["created"] if creates else min(self.began.values())
        mark_time = (self.fork or {}).get("mark_time")
        return born if mark_time is None else max(born, mark_time + 1)

    @property
    def name(self):
        names = [one.about["name"] for one in self.frames("create")]
        return next((name for name in names if name is not None), None)

    @property
    def fork(self) -> Any:
        """Return the first fork: a run is never given another parent."""
        creates = self.frames("create")
        forks = [one for one in self.frames("create", "lineage") if one.kind == "lineage" or one is creates[0]]
        forks = [one for one in forks if one.about["parent"] is not None]
        return min(forks, key=lambda one: one.time).about if forks else None

    @property
    def is_archived(self):
        edits = [one for one in self.in_time("config", None) if one.about["path"] == "sys/archived"]
        return bool(edits) and edits[-1].about["value"] is True


class NaiveProject:
    """Runs by id."""

    def __init__(self) -> None:
        self.runs: dict[str, NaiveRun] = {}

    def parent(self, run_id):
        fork = self.runs[run_id].fork
        return fork["parent"] if fork and fork["parent"] in self.runs else None

    def depth(self, run_id):
        """Return the number of forks up to the root; one that is pending counts, too."""
        met = [run_id]
        while (parent := self.parent(met[-1])) is not None and parent not in met:
            met.append(parent)
        fork = self.runs[met[-1]].fork
        return len(met) - 1 + (fork is not None and fork["parent"] not in self.runs)

    # Series

    def seen(self, run_id, path, kind="point", met=()):
        """Return what a run sees of a series by step: what its parent sees up to the cut, its own points on top."""
        found = {}
        parent = self.parent(run_id)
        if parent is not None and parent not in (*met, run_id):
            cut = self.cut(run_id, path)
            above = self.seen(parent, path, kind, (*met, run_id))
            found = {step: point for step, point in above.items() if step <= cut}
        for frame in self.runs[run_id].frames(kind):
            if frame.about["path"] == path:
                found[frame.about["step"]] = (frame.about["value"], frame.time, run_id)
        return found

    def previews(self, run_id, path):
        """Return the previews beyond the last point that is seen."""
        last = max(self.seen(run_id, path), default=-1)
        return {step: point for step, point in self.seen(run_id, path, "preview").items() if step > last}

    def cut(self, run_id, path):
        """Return the last step that a run inherits."""
        fork = self.runs[run_id].fork
        marks = [one for one in self.runs[fork["parent"]].frames("mark") if one.about["name"] == fork["mark"]]
        if marks and path in marks[0].about["cuts"]:
            return marks[0].about["cuts"][path]
        if not path.startswith("clock/"):
            return fork["step"]
        if marks:
            return marks[0].time
        times = self.inherited_times(run_id, NO_CUT)
        return max(times) if times else self.runs[run_id].created

    def inherited_times(self, run_id, upto, met=()):
        """Return the times of all metric points on the step axis that a run inherits, replaced ones too."""
        parent = self.parent(run_id)
        if parent is None or parent in (*met, run_id):
            return []
        upto = min(upto, self.runs[run_id].fork["step"])
        own = [one for one in self.runs[parent].frames("point") if one.about["path"].startswith("metric/")]
        return [one.time for one in own if one.about["step"] <= upto] + self.inherited_times(
            parent, upto, (*met, run_id)
        )

    # Single values

    def config(self, run_id, path, upto=None, met=()):
        """Return a config: the run's own, else what its parent had when it was created."""
        own = [one for one in self.runs[run_id].in_time("config", upto) if one.about["path"] == path]
        if own:
            return own[-1].about["value"]
        parent = self.parent(run_id)
        if parent is None or parent in (*met, run_id) or not self.runs[run_id].fork["inherits"]:
            return None
        return self.config(parent, path, self.runs[run_id].created, (*met, run_id))

    def tags(self, run_id, upto=None, met=()):
        """Return tags: those that the parent had when the run was created, then the run's own changes."""
        found = set()
        parent = self.parent(run_id)
        if parent is not None and parent not in (*met, run_id):
            found = self.tags(parent, self.runs[run_id].created, (*met, run_id))
        for one in self.runs[run_id].in_time("tags", upto):
            found = (found | {one.about["add"]}) - {one.about["remove"]}
        return found

    def heads(self):
        """Return the run of each name that was created last and is not archived."""
        claims = [(run.name, run.created, run_id) for run_id, run in self.runs.items() if not run.is_archived]
        return {max(one for one in claims if one[0] == name)[2] for name, _, _ in claims if name is not None}


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
        st.sampled_from(["lr", "size"]),
        _INT64,
    ),
    st.builds(lambda value: ("config", {"path": "sys/archived", "value": value}), st.booleans()),
    st.builds(lambda add, remove: ("tags", {"add": add, "remove": remove}), *[st.sampled_from("tuv")] * 2),
)

MARK_FRAMES = st.builds(
    lambda name, step, cuts: ("mark", {"name": name, "step": step, "cuts": cuts}),
    st.sampled_from("mmn"),
    MICRO_STEPS,
    st.dictionaries(st.sampled_from([*METRIC_PATHS, CLOCK_PATH, TEXT_PATH]), MICRO_STEPS, max_size=2),
)


@st.composite
def forks(draw, run_ids):
    return {
        "parent": draw(st.sampled_from([*run_ids, "missing"])),
        "step": draw(MICRO_STEPS),
        "mark": draw(st.sampled_from([None, "m", "m", "n"])),
        "mark_time": draw(st.none() | st.integers(0, 20)),
        "inherits": draw(st.sampled_from([True, True, False])),
    }


@st.composite
def projects(draw):
    """Return the frames of each journal of a few runs, and in which portions and order they arrive."""
    run_ids = [f"r{number}" for number in range(draw(st.integers(1, 5)))]
    journals = {}
    for number, run_id in enumerate(run_ids):
        for writer in ["w1", "w2", "w3"][: draw(st.sampled_from([1, 1, 2, 3]))]:
            parts = []
            if writer == "w1" or draw(st.sampled_from([False, False, False, True])):
                parts = draw(origins(run_ids[:number] or run_ids))
            parts += draw(
                st.lists(st.one_of(POINT_FRAMES, POINT_FRAMES, POINT_FRAMES, MARK_FRAMES, OTHER_FRAMES), max_size=8)
            )
            time = draw(st.integers(0, 10))
            frames = []
            for kind, about in parts:
                time += draw(st.integers(0, 3))
                frames.append(Frame(kind, time, about))
            journals[run_id, writer] = frames
    portions = {key: draw(st.sampled_from([1, 3, 50])) for key in journals}
    keys = [key for key, frames in journals.items() for _ in range(0, max(1, len(frames)), portions[key])]
    return journals, portions, keys if draw(st.booleans()) else draw(st.permutations(keys))


@st.composite
def origins(draw, parents):
    """Return how a run begins: with a fork, with one that is known later, without one; another fork later is ignored."""
    fork = draw(forks(parents))
    at_once = draw(st.sampled_from([True, False, False]))
    nowhere = {"parent": None, "step": 0, "inherits": True}
    first = {**fork, "mark": None, "mark_time": None} if at_once else nowhere
    name = draw(st.none() | st.just("E"))
    found = [("create", {**first, "name": name, "created": draw(st.integers(0, 15))})]
    if draw(st.booleans()):
        found.append(draw(OTHER_FRAMES))
    found += [("lineage", one) for one in ([] if at_once else [fork])[: draw(st.integers(0, 2))]]
    return found + [("lineage", draw(forks(parents))) for _ in range(draw(st.sampled_from([0, 0, 1])))]


def written(journal, frame):
    """Write a frame of the model into a journal."""
    about, time = frame.about, frame.time
    step = Decimal(about.get("step", 0)) / MICRO
    fork = None if about.get("parent") is None else (about["parent"], step)
    options: Any = {"clock_axis": about.get("path") == CLOCK_PATH, "time": time}
    if frame.kind == "create":
        journal.create(about["name"], created=about["created"], inherit_configs=about["inherits"], fork=fork, time=time)
    elif frame.kind == "lineage":
        marks = {"mark": about["mark"], "mark_time": about["mark_time"]}
        journal.lineage(about["parent"], step, **marks, inherit_configs=about["inherits"], time=time)
    elif frame.kind == "preview":
        journal.metrics({about["path"]: about["value"]}, step, completion=0.5, **options)
    elif frame.kind == "point" and about["path"] == TEXT_PATH:
        journal.strings({TEXT_PATH: about["value"]}, step, **options)
    elif frame.kind == "point":
        journal.metrics({about["path"]: about["value"]}, step, **options)
    elif frame.kind == "config":
        journal.configs({about["path"]: about["value"]}, time=time)
    elif frame.kind == "tags":
        journal.tags(about["add"], remove=[about["remove"]], time=time)
    else:
        cuts = {path: Decimal(cut) / MICRO for path, cut in about["cuts"].items()}
        journal.mark(about["name"], step, cuts=cuts, time=time)
