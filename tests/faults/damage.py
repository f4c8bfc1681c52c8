"""Journals to damage, and what must still be read of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork import Run
from runfork.disk.layout import journals_of
from runfork.errors import FormatError
from runfork.journal.format import FRAME_HEADER, Kind
from runfork.journal.header import read_identity
from runfork.journal.reader import JournalReader

if TYPE_CHECKING:
    from runfork.journal.records import Damage

RELEASED = Path(__file__).parents[1] / "formats" / "v1-every-kind.journal"


@dataclass
class Reading:
    """What a reader made of a journal: records and rows by offset, what it skipped, and where it stopped."""

    items: dict[int, Any] = field(default_factory=dict)
    damage: list[Damage] = field(default_factory=list)
    end: int = 0

    def covers(self, start: int, end: int) -> bool:
        """Whether damage was told of all bytes from `start` to `end`, or they lie after the last record."""
        return start >= self.end or any(one.offset <= start and end <= one.offset + one.length for one in self.damage)


@dataclass(frozen=True)
class Frame:
    """A frame of a sound journal."""

    start: int
    end: int
    kind: int
    schema: int


class Specimen:
    """A sound journal, and what a reader must make of it once it is damaged."""

    def __init__(self, path: Path, name: str = "a") -> None:
        self.path = path
        self.name = name
        self.data = path.read_bytes()
        header = read_identity(path)
        assert header is not None
        self.identity, self.first_frame = header
        self.frames = list(_frames(self.data, self.first_frame))
        self.items = read(path).items
        self.contents = {repr(item) for item in self.items.values()}

    def expected(self, data: bytes, *, shift: int = 0) -> dict[int, Any]:
        """Return what must be read of a copy in which some bytes are others, by offset (`shift` bytes on)."""
        sound = [
            one for one in self.frames if data[one.start + shift : one.end + shift] == self.data[one.start : one.end]
        ]
        named = {one.schema for one in sound if one.kind == Kind.SCHEMA}
        return {
            one.start + shift: self.items[one.start]
            for one in sound
            if one.start in self.items and (one.kind not in (Kind.METRICS, Kind.PREVIEW) or one.schema in named)
        }

    def check(self, path: Path, data: bytes, *, limit: int = 2**26) -> Reading:
        """Read a damaged copy: all that is sound must be there, and nothing else; what is skipped must be told."""
        path.write_bytes(data)
        expected = self.expected(data)
        try:
            found = read(path, limit=limit)
        except FormatError:  # neither a header nor a frame is left
            found = Reading()

        assert expected == found.items
        for one in self.frames:
            if data[one.start : one.end] != self.data[one.start : one.end]:
                assert found.covers(one.start, one.end), (one, found.damage, found.end)
        return found


def _frames(data: bytes, position: int) -> Any:
    while position < len(data):
        length, _, kind, _, _, schema, _, _ = FRAME_HEADER.unpack_from(data, position)
        end = position + FRAME_HEADER.size + length
        yield Frame(position, end, kind, schema)
        position = end


def read(path: Path, *, limit: int = 2**26, start: int = 0, carry: Any = None) -> Reading:
    """Read a journal to its end."""
    found, reader = Reading(), JournalReader(path, carry)
    while (batch := reader.read(start, limit=limit)) is not None and batch.end > start:
        start = found.end = batch.end
        found.damage += batch.damage
        for record in batch.records:
            assert record.offset not in found.items
            body = json.dumps(record.body)
            found.items[record.offset] = (record.kind.name, record.step, record.time, record.clock_axis, body)
        for rows in batch.rows:
            values = rows.values.tolist()
            completion = [None] * len(values) if rows.completion is None else rows.completion.tolist()
            for at, offset in enumerate(rows.sequences.tolist()):
                assert offset not in found.items
                row = repr(values[at])  # NaN equals itself
                step, time = int(rows.steps[at]), int(rows.times[at])
                found.items[offset] = (rows.paths, step, time, completion[at], rows.clock_axis, row)
    return found


def write_run(run_id: str, *, steps: int, wide: int = 3) -> Path:
    """Log a run with records of all kinds, and return its journal."""
    run = Run("damage", run_id=run_id)
    run.log_configs({"lr": 0.1, "layers": ["a", "b"], "note": "x" * 300})
    run.add_tags(["fast"])
    run.assign_files({"notes": b"what was kept"})
    names = [f"train/metric_{number}" for number in range(wide)]
    for step in range(steps):
        run.log_metrics(dict.fromkeys(names, step / 7), step=step)
        if step % 5 == 0:
            run.log_metrics({"val/loss": float("nan")}, step=step)
        if step % 8 == 0:
            run.log_string_series({"thoughts": f"step {step}"}, step=step)
        if step == steps // 2:
            run.checkpoint_mark(step)
    run.log_metrics({"preview": 1.0}, step=steps, preview=True, preview_completion=0.5)
    run.close()
    (path,) = journals_of(run.directory)
    return path
