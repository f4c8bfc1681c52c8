"""Reading the binary frames in which the server sends charts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from runfork.model.arrays import Floats


@dataclass(frozen=True)
class ReadSeries:
    """One series of a frame: what its header says, and its arrays by name; pruned tails as pairs of x and y."""

    about: dict[str, Any]
    arrays: dict[str, Floats]
    pruned: list[tuple[str, Floats, Floats]]

    def __getitem__(self, name: str) -> Any:
        return self.arrays[name] if name in self.arrays else self.about[name]


@dataclass(frozen=True)
class ReadFrame:
    """A frame.

    Args:
        x: What the header says of the axis.
        series: By run id and path.
        revision: The project's.
    """

    x: dict[str, Any]
    series: dict[tuple[str, str], ReadSeries]
    revision: int


def decode_frame(data: bytes) -> ReadFrame:
    """Return what a frame holds."""
    size = int.from_bytes(data[:4], "little")
    start = 4 + size
    assert start % 8 == 0
    header = json.loads(data[4:start])
    numbers = np.frombuffer(data, "<f8", offset=start)

    def array(offset: int, length: int) -> Floats:
        assert offset + length <= len(numbers)
        return numbers[offset : offset + length]

    found = {}
    for about in header["series"]:
        if "arrays" not in about:  # the reader has it
            found[about["run_id"], about["path"]] = ReadSeries(about, {}, [])
            continue
        arrays = {name: array(offset, about["length"]) for name, offset in about["arrays"].items()}
        tails = [
            (tail["run_id"], *(array(tail["arrays"][name], tail["length"]) for name in "xy"))
            for tail in about["pruned"]
        ]
        found[about["run_id"], about["path"]] = ReadSeries(about, arrays, tails)
    return ReadFrame(header["x"], found, header["revision"])
