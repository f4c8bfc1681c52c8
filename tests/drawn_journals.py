"""Journals drawn straight, for projects of many runs: ten thousand in seconds, by the code that describes their bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from runfork.disk.layout import JOURNAL_SUFFIX, Store
from runfork.disk.liveness import boot_id, host_name
from runfork.journal.format import FLAGS_TIMES, Kind, encode_file_header, encode_frame, encode_json
from runfork.model.conversion import convert_config
from runfork.model.steps import NO_STEP, to_micro_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

EPOCH = 1_780_000_000_000_000
"""When drawn runs begin, in microseconds since 1970."""

TAG = 7
WRITER = "20260528T202640.000000-drawn-1-abcdef"
NOBODY = 4_194_305
"""The number of a process that there never is: above the highest of Linux."""


class Rows(NamedTuple):
    """Rows of metrics that are logged at the same steps."""

    steps: Sequence[float]
    metrics: Mapping[str, Sequence[float]]


class Lines(NamedTuple):
    """A string series: a text a step, from step 0."""

    path: str
    texts: Sequence[str]


def draw_run(
    directory: Path,
    run_id: str,
    *,
    project: str,
    experiment: str | None = None,
    created: int = EPOCH,
    fork: tuple[str, float] | None = None,
    configs: Mapping[str, Any] | None = None,
    tags: Iterable[str] = (),
    rows: Iterable[Rows] = (),
    lines: Iterable[Lines] = (),
    seconds: float = 60.0,
    state: str = "finished",
) -> None:
    """Write the journal of a run.

    Args:
        directory: The data directory.
        run_id: The run.
        project: ``workspace/project``.
        experiment: The name of the experiment.
        created: When it began, microseconds since 1970.
        fork: (parent, step).
        configs: Single values by path.
        tags: Its tags.
        rows: Metrics.
        lines: String series.
        seconds: How long it took; what it logged is spread over them.
        state: "finished", "failed", "aborted", "preempted", or "lost": then its process is gone, and did not say why.
    """
    end = created + round(seconds * 1e6)
    frames = [*_beginning(run_id, project, experiment, created, fork)]
    if configs:
        converted = ((path, convert_config(value)) for path, value in configs.items())
        typed = {path: [kind.value, value] for path, (kind, value) in converted}
        frames.append(_json(Kind.CONFIGS, typed, created + 1))
    if tags:
        frames.append(_json(Kind.TAGS, {"sys/tags": {"add": sorted(tags), "remove": []}}, created + 2))
    for schema, block in enumerate(rows, TAG + 1):
        frames += _rows(block, schema, created, end)
    for series in lines:
        frames += _texts(series, created, end)
    if state != "lost":
        exception = {"exception": "ValueError: the loss is NaN"} if state == "failed" else {}
        frames += [_json(Kind.STATUS, {"state": state, **exception}, end), _json(Kind.CLOSE, {"state": state}, end)]
    folder = Store(directory).run_directory(project, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    header = encode_file_header(_identity(run_id, project, created))
    (folder / f"{WRITER}{JOURNAL_SUFFIX}").write_bytes(header + b"".join(frames))


def _identity(run_id: str, project: str, created: int) -> dict[str, Any]:
    return {
        "project": project,
        "run_id": run_id,
        "writer": WRITER,
        "created": created,
        "tag": TAG,
        "host": host_name(),
        "pid": NOBODY,
        "boot_id": boot_id(),
        "process_start": created / 1e6,
        "rank": 0,
        FLAGS_TIMES: True,
    }


def _beginning(
    run_id: str,
    project: str,
    experiment: str | None,
    created: int,
    fork: tuple[str, float] | None,
) -> Iterator[bytes]:
    creation = {
        "run_id": run_id,
        "project": project,
        "experiment_name": experiment,
        "creation_time": created,
        "inherit_configs": True,
        "fork": None if fork is None else {"parent": fork[0], "step": to_micro_steps(fork[1])},
    }
    named: dict[str, Any] = {
        "sys/custom_run_id": ["string", run_id],
        "sys/creation_time": ["datetime", created],
    }
    if experiment is not None:
        named |= {path: ["string", experiment] for path in ("sys/name", "sys/experiment/name")}
    yield _json(Kind.CREATE, creation, created)
    yield _json(Kind.CONFIGS, named, created)


def _texts(series: Lines, created: int, end: int) -> Iterator[bytes]:
    for number, (text, time) in enumerate(zip(series.texts, _times(len(series.texts), created, end), strict=True)):
        yield _json(Kind.STRINGS, {series.path: text}, time, step=number * 1_000_000)


def _json(kind: Kind, body: dict[str, Any], time: int, *, step: int = NO_STEP) -> bytes:
    return encode_frame(kind, encode_json(body), time=time, step=step, schema=TAG)


def _rows(block: Rows, schema: int, created: int, end: int) -> list[bytes]:
    names = "\0".join(block.metrics).encode("utf-8", "surrogatepass")
    pack = struct.Struct(f"<{len(block.metrics)}d").pack
    values = zip(*block.metrics.values(), strict=True)
    return [
        encode_frame(Kind.SCHEMA, names, time=created, step=NO_STEP, schema=schema),
        *(
            encode_frame(Kind.METRICS, pack(*row), time=time, step=to_micro_steps(step), schema=schema)
            for step, row, time in zip(block.steps, values, _times(len(block.steps), created, end), strict=True)
        ),
    ]


def _times(count: int, created: int, end: int) -> list[int]:
    return [created + (end - created) * (number + 1) // (count + 1) for number in range(count)]
