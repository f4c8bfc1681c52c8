"""A project as handlers read it, with what follows from its lineage and is asked for again and again."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from runfork.model.lineage import ancestors, children_of, heads, segments
from runfork.query.names import short_names
from runfork.reading.project import Project
from runfork_server.console.view import Consoles
from runfork_server.drawing.memory import SeriesMemory
from runfork_server.summaries import Summaries

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from runfork.index.interface import Index
    from runfork.model.lineage import RunNode

Result = TypeVar("Result")


class Facts:
    """What follows from the runs of a project and their forks, worked out when it is asked for.

    Args:
        nodes: Every run of the project.
    """

    def __init__(self, nodes: Mapping[str, RunNode]) -> None:
        self.nodes = nodes

    @cached_property
    def names(self) -> dict[str, str]:
        """What to call each run where room is scarce."""
        return short_names(self.nodes, (node.experiment_name for node in self.nodes.values() if node.experiment_name))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The place of each run among all by creation, from 0: it stays when runs are added."""
        ordered = sorted(self.nodes.values(), key=lambda node: (node.created, node.run_id))
        return {node.run_id: number for number, node in enumerate(ordered)}

    @cached_property
    def name_counts(self) -> Counter[str | None]:
        """How many runs have each experiment name."""
        return Counter(node.experiment_name for node in self.nodes.values())

    @cached_property
    def name_places(self) -> dict[str, int]:
        """The place of each run among those of its experiment name by creation, from 1; of no experiment each is the only one."""
        seen: Counter[str] = Counter()
        found = {}
        for run_id in self.numbers:
            name = self.nodes[run_id].experiment_name
            seen[name or ""] += 1
            found[run_id] = 1 if name is None else seen[name]
        return found

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Each parent's children, by creation."""
        return children_of(self.nodes.values())

    @cached_property
    def heads(self) -> dict[str, str]:
        """The head of each experiment."""
        return heads(self.nodes.values())

    def lineage(self, run_id: str) -> list[str]:
        """Return a run's ancestors, the root first, and itself."""
        return ancestors(run_id, self.nodes)[::-1]

    def cuts(self, run_id: str) -> dict[str, int]:
        """Return the last step that a run sees of each of its ancestors, the root first, and of itself."""
        return {segment.run_id: segment.high for segment in segments(run_id, self.nodes)}

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each run comes if families stay together: that of the newest run first, depth first.

        Of several children the one comes first that left last, by step: so drawn below each other, no fork crosses another.
        """
        ordered: dict[str, None] = {}
        for root in self._roots():
            waiting = [root]
            while waiting:
                run_id = waiting.pop()
                if run_id not in ordered:  # damaged data may hold a circle
                    ordered[run_id] = None
                    waiting.extend(sorted(self.children.get(run_id, ()), key=self._left_at))
        ordered.update(dict.fromkeys(self.nodes))
        return {run_id: place for place, run_id in enumerate(ordered)}

    def _left_at(self, run_id: str) -> tuple[int, int]:
        node = self.nodes[run_id]
        return (node.fork.step if node.fork is not None else 0, -node.created)

    def _roots(self) -> list[str]:
        roots = {run_id: ancestors(run_id, self.nodes)[-1] for run_id in self.nodes}
        newest: dict[str, tuple[int, str]] = {}
        for run_id, root in roots.items():
            rank = (self.nodes[run_id].created, run_id)
            newest[root] = max(newest.get(root, rank), rank)
        return sorted(newest, key=newest.__getitem__, reverse=True)


class ServedProject(Project):
    """A project that handlers read: with facts and summaries that are kept as long as they hold."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._facts: Facts | None = None
        self._summaries: Summaries | None = None
        self._series: SeriesMemory | None = None
        self._consoles: Consoles | None = None
        self._kept: tuple[Index, Hashable, Any] | None = None

    def keep_one(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Return what was made under a key, where it was the last one and nothing changed: it is asked for page by page."""
        if self._kept is None or self._kept[0] is not self.index or self._kept[1] != key:
            self._kept = (self.index, key, make())
        found: Result = self._kept[2]
        return found

    @property
    def facts(self) -> Facts:
        """What follows from the lineage, as it is now."""
        nodes = self.index.nodes()
        if self._facts is None or self._facts.nodes != nodes:
            self._facts = Facts(nodes)
        return self._facts

    @property
    def summaries(self) -> Summaries:
        """What is shown of runs wherever they stand."""
        if self._summaries is None or self._summaries.index is not self.index:
            self._summaries = Summaries(self.index)
        return self._summaries

    @property
    def series(self) -> SeriesMemory:
        """What is kept of series that were drawn."""
        if self._series is None or self._series.index is not self.index:
            self._series = SeriesMemory(self.index)
        return self._series

    @property
    def consoles(self) -> Consoles:
        """What is kept of consoles that were looked at."""
        if self._consoles is None or self._consoles.index is not self.index:
            self._consoles = Consoles(self.index)
        return self._consoles

    def forget(self, run_ids: Iterable[str] | None) -> None:
        """Forget what is kept of runs that read differently now; None is all."""
        self._kept = None
        if self._series is not None:
            self._series.forget(run_ids)
        if self._summaries is not None:
            self._summaries.forget(run_ids)
