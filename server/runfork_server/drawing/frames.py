"""The binary frame in which charts travel: a JSON header, and arrays of float64 behind it.

::

    u32 little-endian   length of the header
    header              JSON in UTF-8, padded with spaces so that the arrays begin at a multiple of 8
    float64[...]        little-endian; the header says where each array begins, in numbers from the first one

Steps are steps, times are seconds.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from runfork.model.steps import MICRO, from_micro_steps

if TYPE_CHECKING:
    from runfork.model.arrays import Floats
    from runfork_server.drawing.forks import Tail
    from runfork_server.drawing.lines import Drawing, Line

MEDIA_TYPE = "application/vnd.runfork.frames"
_ALIGNMENT = 8
_LENGTH_BYTES = 4


class _Arrays:
    """Arrays one behind the other; one that is there already is not put there again."""

    def __init__(self) -> None:
        self.parts: list[Floats] = []
        self._size = 0
        self._known: dict[int, int] = {}

    def add(self, array: Floats) -> int:
        """Add an array, and return where it begins."""
        known = self._known.get(id(array))
        if known is not None:
            return known
        start = self._known[id(array)] = self._size
        self.parts.append(array)
        self._size += len(array)
        return start


def encode_frame(drawing: Drawing, revision: int) -> bytes:
    """Return a chart as bytes."""
    arrays = _Arrays()
    tails: dict[int, dict[str, Any]] = {}
    header = {
        "revision": revision,
        "x": {
            "kind": drawing.kind,
            "low": from_micro_steps(drawing.low),
            "high": from_micro_steps(drawing.high),
            "count": drawing.count,
            "extent": [from_micro_steps(end) for end in drawing.extent],
        },
        "series": [_series(line, arrays, tails) for line in drawing.lines],
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNMENT)
    numbers = [array.astype("<f8", copy=False).tobytes() for array in arrays.parts]
    return b"".join([len(text).to_bytes(_LENGTH_BYTES, "little"), text, *numbers])


def _series(line: Line, arrays: _Arrays, tails: dict[int, dict[str, Any]]) -> dict[str, Any]:
    entries = line.entries
    columns = {"x": entries.x / MICRO, "y": entries.y, "raw": entries.raw, "count": entries.counts}
    if not line.is_raw or entries.raw is not None or not np.isfinite(entries.y).all():
        columns.update(min=entries.minimum, max=entries.maximum, mean=entries.mean)
    totals = {kind: sum(one.points for one in line.nonfinite if one.kind == kind) for kind in ("nan", "inf", "-inf")}
    ends = line.ends
    for tail in line.tails:
        if id(tail.y) not in tails:
            tails[id(tail.y)] = _tail(tail, arrays)
    return {
        "run_id": line.key.run_id,
        "path": line.key.path,
        "is_clock_axis": line.clock_axis,
        "points": line.points,
        "is_raw": line.is_raw,
        "length": len(entries),
        "arrays": {name: arrays.add(array) for name, array in columns.items() if array is not None},
        "roles": [
            {
                "run_id": part.run_id,
                "from_x": part.start / MICRO,
                "to_x": part.end / MICRO,
                "role": "own" if part.is_own else "inherited",
            }
            for part in line.parts
        ],
        "forks": [
            {
                "parent": fork.parent,
                "child": fork.child,
                "step": from_micro_steps(fork.step),
                "x": fork.x / MICRO,
                "y": fork.y if math.isfinite(fork.y) else None,
            }
            for fork in line.forks
        ],
        "pruned": [tails[id(tail.y)] for tail in line.tails],
        "whiskers": list(line.outliers),
        "nonfinite": [{"x": one.x / MICRO, "kind": one.kind, "count": one.points} for one in line.nonfinite],
        "nan": totals["nan"],
        "inf": totals["inf"],
        "ninf": totals["-inf"],
        "first": None if ends is None else _point(ends.first_x, ends.first),
        "last": None if ends is None else _point(ends.last_x, ends.last),
    }


def _tail(tail: Tail, arrays: _Arrays) -> dict[str, Any]:
    offsets = {"x": arrays.add(tail.x / MICRO), "y": arrays.add(tail.y)}
    return {"run_id": tail.run_id, "length": len(tail.x), "arrays": offsets}


def _point(x: int, y: float) -> dict[str, Any]:
    return {"x": x / MICRO, "y": y if math.isfinite(y) else None}
