"""What is shown of runs wherever they stand: state and steps, read once and kept until the run changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runfork.model.attributes import AttributeType, is_system_path, state_in
from runfork.model.differences import config_changes
from runfork.model.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runfork.index.interface import Index
    from runfork.model.attributes import Value
    from runfork.model.differences import Change
    from runfork.model.lineage import RunNode, StepRange

_CONFIGS = compile_pattern("!^(sys|runtime|source_code)/")


class Summary(NamedTuple):
    """What is shown of a run.

    Args:
        state: running, finished, ...; None if nobody has worked it out.
        last_step: Last micro-step of its user-defined float series, inherited ones included; None if there is none.
        own: First and last micro-step of those that it logged itself, apart from series that count something else; of a fork,
            the first may be one that it inherited. None if there is none.
    """

    state: str | None
    last_step: int | None
    own: StepRange | None


class Summaries:
    """Summaries of runs, kept until they are forgotten.

    Args:
        index: The project's index.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._kept: dict[str, Summary] = {}
        self._changes: dict[str, list[Change]] = {}

    def of(self, run_ids: Iterable[str]) -> Mapping[str, Summary]:
        """Return the summaries of runs; those that are not there are left out."""
        wanted = dict.fromkeys(run_ids)
        missing = [run_id for run_id in wanted if run_id not in self._kept]
        if missing:
            self._kept.update(self._read(missing))
        return {run_id: self._kept[run_id] for run_id in wanted if run_id in self._kept}

    def changes(self, run_ids: Iterable[str], nodes: Mapping[str, RunNode]) -> Mapping[str, list[Change]]:
        """Return the configs in which runs differ from their parents; empty for a root, and where the parent is not there."""
        wanted = [run_id for run_id in dict.fromkeys(run_ids) if run_id in nodes]
        missing = [run_id for run_id in wanted if run_id not in self._changes]
        parents = {run_id: _parent(run_id, nodes) for run_id in missing}
        pairs = {run_id: parent for run_id, parent in parents.items() if parent is not None}
        if pairs:
            values = self.index.values([*dict.fromkeys([*pairs, *pairs.values()])], pattern=_CONFIGS)
            for run_id, parent in pairs.items():
                self._changes[run_id] = config_changes(values.get(parent, {}), values.get(run_id, {}))
        self._changes.update({run_id: [] for run_id, parent in parents.items() if parent is None})
        return {run_id: self._changes[run_id] for run_id in wanted}

    def forget(self, run_ids: Iterable[str] | None) -> None:
        """Forget some runs; None is all."""
        if run_ids is None:
            self._kept.clear()
            self._changes.clear()
        else:
            for run_id in run_ids:
                self._kept.pop(run_id, None)
                self._changes.pop(run_id, None)

    def _read(self, run_ids: list[str]) -> dict[str, Summary]:
        nodes = self.index.nodes()
        other_axes = {path for node in nodes.values() if node.fork is not None for path in node.fork.cuts}
        definitions = self.index.definitions(run_ids=run_ids, types=[AttributeType.FLOAT_SERIES])
        metrics = [one.path for one in definitions if not is_system_path(one.path)]
        values = self.index.values(run_ids, paths=["sys/state", *metrics])
        return {run_id: _summary(run_id, found, other_axes) for run_id, found in values.items()}


def _parent(run_id: str, nodes: Mapping[str, RunNode]) -> str | None:
    fork = nodes[run_id].fork
    return fork.parent if fork is not None and fork.parent in nodes else None


def _summary(run_id: str, values: Mapping[str, Value], other_axes: set[str]) -> Summary:
    last: int | None = None
    own: StepRange | None = None
    for path, value in values.items():
        statistics = value.statistics
        if value.type is not AttributeType.FLOAT_SERIES or not statistics or statistics.get("last_step") is None:
            continue
        end = int(statistics["last_step"])
        last = end if last is None or end > last else last
        if value.source_run == run_id and path not in other_axes:
            begin = int(statistics["first_step"])
            own = (begin, end) if own is None else (min(own[0], begin), max(own[1], end))
    return Summary(state_in(values), last, own)
