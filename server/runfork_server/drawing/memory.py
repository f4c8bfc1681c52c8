"""What is kept of series between one question and the next, as long as their runs have not changed."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from runfork.index.interface import Index

Key = TypeVar("Key", bound="Hashable")

MOST_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 400
"""About what an entry takes beside its arrays."""


class SeriesMemory:
    """Answers about series of one project, by what was asked; those used last are kept, up to `MOST_BYTES`.

    For one thread, which is told what changed before it asks again.

    Args:
        index: The project's index, which is asked.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._entries: OrderedDict[Hashable, tuple[str, int, Any]] = OrderedDict()
        self._of_runs: dict[str, set[Hashable]] = {}
        self.bytes_kept = 0

    def forget(self, run_ids: Iterable[str] | None) -> None:
        """Forget what is kept of runs that read differently now; None is all."""
        for run_id in [*self._of_runs] if run_ids is None else run_ids:
            for key in self._of_runs.pop(run_id, ()):
                self.bytes_kept -= self._entries.pop(key)[1]

    def read(
        self,
        kind: Hashable,
        keys: Sequence[Key],
        ask: Callable[[list[Key]], Mapping[Key, Any]],
        *,
        run_of: Callable[[Key], str],
        size_of: Callable[[Any], int] = lambda _: 0,
    ) -> dict[Key, Any]:
        """Return the answer for each key: as it is kept, or as `ask` gives it, which is called once at most.

        Args:
            kind: What is asked.
            keys: About what.
            ask: Given the keys of which nothing is kept; what it leaves out has no answer, and is asked for again next time.
            run_of: The run that an answer belongs to: it is forgotten when that run changes.
            size_of: How many bytes of arrays an answer takes.
        """
        found, unknown = {}, []
        for key in keys:
            entry = self._entries.get((kind, key))
            if entry is None:
                unknown.append(key)
            else:
                self._entries.move_to_end((kind, key))
                found[key] = entry[2]
        if unknown:
            for key, value in ask(unknown).items():
                self._keep((kind, key), run_of(key), value, size_of(value) + _ENTRY_BYTES)
                found[key] = value
        return found

    def _keep(self, key: Hashable, run_id: str, value: Any, size: int) -> None:
        if size > MOST_BYTES:
            return
        self._entries[key] = (run_id, size, value)
        self._of_runs.setdefault(run_id, set()).add(key)
        self.bytes_kept += size
        while self.bytes_kept > MOST_BYTES:
            oldest, (owner, freed, _) = self._entries.popitem(last=False)
            self.bytes_kept -= freed
            self._of_runs[owner].discard(oldest)
            if not self._of_runs[owner]:
                del self._of_runs[owner]
