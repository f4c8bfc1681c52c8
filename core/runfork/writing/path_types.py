"""Which types of values, and which axis, the paths of a run have: the first that each had stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.writing.problems import Problems


class PathTypes:
    """What one process knows of the paths of its run. Every method may be called from any thread.

    Args:
        problems: Where values that do not fit are counted.
    """

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._types: dict[str, AttributeType] = {}
        self._axes: dict[str, bool] = {}

    def learn(self, names: Mapping[str, str]) -> None:
        """Learn which types paths have in the run already, as other processes logged them; of later versions' types nothing."""
        known = {kind.value: kind for kind in AttributeType}
        for path, name in names.items():
            if name in known:
                self._types.setdefault(path, known[name])

    def claim(self, path: str, kind: AttributeType, *, clock_axis: bool = False) -> bool:
        """Return whether `path` may hold `kind` in this run; the first family, and the first axis, that it had here stand."""
        known = self._types.setdefault(path, kind)
        if known is not kind:
            if known is not AttributeType.NONE and not known.takes(kind):
                self._problems.drop(
                    f"type {path!r}",
                    f"{path!r} holds {known.value} in this run, found {kind.value}: not logged; choose another path for it",
                )
                return False
            if known is AttributeType.NONE:
                self._types[path] = kind
        return not kind.is_series or self._claim_axis(path, clock_axis=clock_axis)

    def release(self, namespaces: Iterable[str]) -> None:
        """Let single values below namespaces be of any type again: they are said anew."""
        spaces = tuple(namespaces)
        for path, kind in list(self._types.items()):
            if path.startswith(spaces) and not kind.is_series:
                self._types.pop(path, None)

    def _claim_axis(self, path: str, *, clock_axis: bool) -> bool:
        if self._axes.setdefault(path, clock_axis) == clock_axis:
            return True
        if clock_axis:
            self._problems.tell(
                f"axis {path!r}", f"{path!r} is logged on steps by the program: runfork's own values of it are left out"
            )
        else:
            self._problems.drop(
                f"axis {path!r}",
                f"{path!r} is runfork's own, and has Unix time as its step: not logged; choose another path for it",
            )
        return False
