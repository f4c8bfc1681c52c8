"""Values that are richer than a number or a string: files and histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from os import PathLike


@dataclass(frozen=True)
class File:
    """A file to log: a path on disk, or its contents.

    The contents are copied when the file is logged, so that changing or deleting the original afterwards is safe.

    Args:
        source: A path (str or PathLike), or the contents as bytes.
        mime_type: Media type; guessed from the name and the first bytes when None.
        name: File name to show and to download under; the path's name when None.
    """

    source: str | PathLike[str] | bytes
    mime_type: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Histogram:
    """Counts (or densities) of values between edges; bins are half-open ``[edge_i, edge_i+1)``, the last one closed.

    Args:
        bin_edges: Strictly increasing finite edges, 2 to 513 of them.
        counts: Whole numbers, one fewer than edges. Exactly one of `counts` and `densities` is given.
        densities: Finite floats, one fewer than edges.
    """

    bin_edges: Collection[float]
    counts: Collection[int] | None = None
    densities: Collection[float] | None = None

    @property
    def kind(self) -> str:
        """``"COUNTING"`` or ``"DENSITY"``, the words that the query API uses."""
        return "COUNTING" if self.counts is not None else "DENSITY"

    @property
    def values(self) -> Collection[Any]:
        """The counts or the densities, whichever was given."""
        if self.counts is not None:
            return self.counts
        return self.densities if self.densities is not None else ()


@dataclass(frozen=True)
class FileReference:
    """A logged file, as read back: where its contents lie and what was known of it.

    Args:
        sha256: Hex digest of the contents; they lie in ``files/<sha256>`` of the run that logged them.
        size_bytes: Length of the contents.
        mime_type: Media type.
        name: File name.
    """

    sha256: str
    size_bytes: int
    mime_type: str
    name: str
