"""Everything that can be logged, mixed by a seed: what a process logs before it is killed, and what must be found then."""

import math
import random
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runfork import File, Histogram, Run
from runfork.disk.layout import Store
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.steps import MICRO

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = ("sys/", "runtime/", "source_code/")
TAGS = [f"tag{number}" for number in range(6)]
KINDS = ["metrics"] * 6 + ["timed", "wide", "preview", "configs", "strings", "long", "histogram", "file", "file_series"]
KINDS += ["tag", "untag", "mark", "line", "error_line", "description"]


@dataclass(frozen=True)
class Call:
    """One log call."""

    kind: str
    step: int
    data: dict[str, Any] = field(default_factory=dict)
    text: str = ""

    def do(self, run: Run) -> None:
        """Make it."""
        ways: dict[str, Callable[[], Any]] = {
            "timed": lambda: run.log_metrics(self.data, step=self.step, timestamp=1.7e9 + self.step),
            "preview": lambda: run.log_metrics(self.data, step=self.step, preview=True, preview_completion=0.5),
            "configs": lambda: run.log_configs(self.data),
            "description": lambda: run.log_configs(self.data),
            "strings": lambda: run.log_string_series(self.data, step=self.step),
            "long": lambda: run.log_string_series(self.data, step=self.step),
            "histogram": lambda: run.log_histograms(self.data, step=self.step),
            "file": lambda: run.assign_files(self._files),
            "file_series": lambda: run.log_files(self._files, step=self.step),
            "tag": lambda: run.add_tags([self.text]),
            "untag": lambda: run.remove_tags([self.text]),
            "mark": lambda: run.checkpoint_mark(self.step),
            "line": lambda: print(self.text),
            "error_line": lambda: print(self.text, file=sys.stderr),
        }
        ways.get(self.kind, lambda: run.log_metrics(self.data, step=self.step))()

    @property
    def _files(self) -> dict[str, File]:
        return {path: File(contents) for path, contents in self.data.items()}


def make_call(seed: int, number: int) -> Call:
    """Return call `number` of the mixture `seed`."""
    random_ = random.Random(f"{seed} {number}")
    kind = random_.choice(KINDS)
    step = max(0, number + random_.choice([0, 0, 0, -3, -number, 5]))
    text = f"call {number} of {seed}"
    makers = {
        "metrics": lambda: {f"m/{random_.randrange(8)}": _number(random_) for _ in range(random_.randint(1, 5))},
        "timed": lambda: {f"m/{random_.randrange(8)}": _number(random_)},
        "wide": lambda: {f"wide/{name}": random_.random() for name in range(100)},
        "preview": lambda: {f"p/{random_.randrange(2)}": _number(random_)},
        "configs": lambda: _configs(random_),
        "strings": lambda: {f"s/{random_.randrange(3)}": text, "s/all": text},
        "long": lambda: {"s/long": text + "x" * random_.randrange(1_000_000)},
        "histogram": lambda: {"h/weights": Histogram((0.0, 0.5, 1.0), counts=(number, random_.randrange(9)))},
        "file": lambda: {f"f/{random_.randrange(2)}": random_.randbytes(random_.randrange(3000))},
        "file_series": lambda: {"f/all": random_.randbytes(random_.randrange(300_000))},
        "description": lambda: {"sys/description": text},
    }
    if kind in ("tag", "untag"):
        text = random_.choice(TAGS)
    return Call(kind, step, makers[kind]() if kind in makers else {}, text)


def _number(random_: random.Random) -> float:
    return random_.choice([random_.random(), random_.gauss(0, 1e6), math.nan, math.inf, -math.inf, -0.0, 1e-300])


def _configs(random_: random.Random) -> dict[str, Any]:
    values: dict[str, Any] = {
        "c/int": random_.randrange(10**12),
        "c/float": random_.random(),
        "c/bool": random_.random() < 0.5,
        "c/text": str(random_.random()),
        "c/set": random_.sample(TAGS, 2),
    }
    return {path: values[path] for path in random_.sample(list(values), random_.randint(1, 5))}


class Expected:
    """What a reader must find after some calls of a mixture."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.calls = 0
        self.points: dict[str, dict[int, Any]] = {}
        self.values: dict[str, Any] = {}
        self.lines: dict[str, list[str]] = {"runtime/stdout": [], "runtime/stderr": []}

    def add(self) -> None:
        """Take in the next call."""
        call = make_call(self.seed, self.calls)
        self.calls += 1
        if call.kind in ("tag", "untag"):
            tags = self.values.get("sys/tags", frozenset())
            self.values["sys/tags"] = tags | {call.text} if call.kind == "tag" else tags - {call.text}
        elif call.kind in ("line", "error_line"):
            self.lines["runtime/stdout" if call.kind == "line" else "runtime/stderr"].append(call.text)
        elif call.kind in ("configs", "description", "file"):
            for path, value in call.data.items():
                self.values[path] = frozenset(value) if isinstance(value, list) else value
        else:
            for path, value in call.data.items():
                self.points.setdefault(path, {})[call.step] = repr(value) if isinstance(value, float) else value

    def up_to(self, calls: int) -> "Expected":
        """Take in what is missing up to `calls`."""
        while self.calls < calls:
            self.add()
        return self

    @property
    def everything(self) -> tuple[Any, ...]:
        """All of it, comparable."""
        lines = {path: texts for path, texts in self.lines.items() if texts}
        values = {path: value for path, value in self.values.items() if not (path == "sys/tags" and not value)}
        return {path: sorted(points.items()) for path, points in self.points.items()}, values, lines


def found(index: Any, store: Store, project: str, run_id: str) -> tuple[Any, ...]:
    """Return what a reader finds of a run, in the form of `Expected.everything`; the contents of its files included."""

    def plain(value: Any) -> Any:
        if hasattr(value, "sha256"):
            return (store.run_directory(project, run_id) / "files" / value.sha256).read_bytes()
        return repr(float(value)) if isinstance(value, float) else value

    points, values, lines = {}, {}, {}
    attributes = index.values([run_id]).get(run_id, {})
    keys = [SeriesKey(run_id, path) for path, attribute in attributes.items() if attribute.type.is_series]
    for series in index.points(PointsRequest(keys, inherit="own", previews=True)):
        path = series.key.path
        if path in ("runtime/stdout", "runtime/stderr"):
            lines[path] = list(series.values)
        elif not path.startswith(OURS):
            steps = (series.steps // MICRO).tolist()
            points[path] = sorted(zip(steps, map(plain, series.values), strict=True))
    for path, attribute in attributes.items():
        if attribute.type.is_series:
            continue
        is_users = path in ("sys/tags", "sys/description") or not path.startswith(OURS)
        if is_users and attribute.value != frozenset():
            values[path] = plain(attribute.value) if hasattr(attribute.value, "sha256") else attribute.value
    return points, values, lines
