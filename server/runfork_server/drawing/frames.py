"""The binary frame in which charts travel: a JSON header, and arrays of float64 behind it.

::

    u32 little-endian   length of the header
    header              JSON in UTF-8, padded with spaces so that the arrays begin at a multiple of 8
    float64[...]        little-endian; the header says where each array begins, in numbers from the first one

Steps are steps, times are seconds. Each series has a tag, which is another one whenever something of it is otherwise: who has a
series says its tag, and is told the tag alone while it is the same.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from runfork.model.steps import MICRO, from_micro_steps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from runfork.model.arrays import Floats
    from runfork_server.drawing.line_reader import Line
    from runfork_server.drawing.lines import Drawing

MEDIA_TYPE = "application/vnd.runfork.frames"
_ALIGNMENT = 8
_LENGTH_BYTES = 4


class _Arrays:
    """Arrays one behind the other; one that is there already is not put there again."""

    def __init__(self) -> None:
        self.parts: list[Floats] = []
        self._size = 0
        self._known: dict[int, int] = {}

    def add(self, arrays: Mapping[str, Floats]) -> dict[str, int]:
        """Add arrays, and return where each begins."""
        return {name: self._add(array) for name, array in arrays.items()}

    def _add(self, array: Floats) -> int:
        known = self._known.get(id(array))
        if known is not None:
            return known
        start = self._known[id(array)] = self._size
        self.parts.append(array)
        self._size += len(array)
        return start


def encode_frame(drawing: Drawing, revision: int, known: Collection[str] = ()) -> bytes:
    """Return a chart as bytes.

    Args:
        drawing: The chart.
        revision: The project's.
        known: Tags of series that the reader has: what is the same still is named alone.
    """
    arrays = _Arrays()
    tails: dict[int, dict[str, Floats]] = {}
    header = {
        "revision": revision,
        "x": {
            "kind": drawing.kind,
            "low": from_micro_steps(drawing.low),
            "high": from_micro_steps(drawing.high),
            "count": drawing.count,
            "extent": [from_micro_steps(end) for end in drawing.extent],
        },
        "series": [_series(line, arrays, tails, known) for line in drawing.lines],
    }
    text = _json(header)
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNMENT)
    numbers = [array.astype("<f8", copy=False).tobytes() for array in arrays.parts]
    return b"".join([len(text).to_bytes(_LENGTH_BYTES, "little"), text, *numbers])


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def _series(
    line: Line, arrays: _Arrays, all_tails: dict[int, dict[str, Floats]], known: Collection[str]
) -> dict[str, Any]:
    about, columns = _about(line), _columns(line)
    tails = [all_tails.setdefault(id(tail.y), {"x": tail.x / MICRO, "y": tail.y}) for tail in line.tails]
    tag = _tag(about, [*columns.values(), *(array for tail in tails for array in tail.values())])
    if tag in known:
        return {"run_id": line.key.run_id, "path": line.key.path, "tag": tag}
    return {
        **about,
        "tag": tag,
        "arrays": arrays.add(columns),
        "pruned": [
            {"run_id": tail.run_id, "length": len(tail.x), "arrays": arrays.add(numbers)}
            for tail, numbers in zip(line.tails, tails, strict=True)
        ],
    }


def _tag(about: dict[str, Any], arrays: Iterable[Floats]) -> str:
    """Return what tells a series from all others, and from itself when it was otherwise."""
    digest = xxhash.xxh3_128(_json(about))
    for array in arrays:
        digest.update(array.tobytes())
        digest.update(b"|")
    return digest.hexdigest()


def _columns(line: Line) -> dict[str, Floats]:
    entries = line.entries
    columns = {"x": entries.x / MICRO, "y": entries.y, "raw": entries.raw, "count": entries.counts}
    if not line.is_raw or entries.raw is not None or not np.isfinite(entries.y).all():
        columns.update(min=entries.minimum, max=entries.maximum, mean=entries.mean)
    return {name: array for name, array in columns.items() if array is not None}


def _about(line: Line) -> dict[str, Any]:
    totals = {kind: sum(one.points for one in line.nonfinite if one.kind == kind) for kind in ("nan", "inf", "-inf")}
    ends = line.ends
    return {
        "run_id": line.key.run_id,
        "path": line.key.path,
        "is_clock_axis": line.clock_axis,
        "points": line.points,
        "is_raw": line.is_raw,
        "length": len(line.entries),
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
        "whiskers": list(line.outliers),
        "nonfinite": [{"x": one.x / MICRO, "kind": one.kind, "count": one.points} for one in line.nonfinite],
        "nan": totals["nan"],
        "inf": totals["inf"],
        "ninf": totals["-inf"],
        "first": None if ends is None else _point(ends.first_x, ends.first),
        "last": None if ends is None else _point(ends.last_x, ends.last),
    }


def _point(x: int, y: float) -> dict[str, Any]:
    return {"x": x / MICRO, "y": y if math.isfinite(y) else None}
