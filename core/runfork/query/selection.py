"""Which runs or experiments a query is about, and how much of their lineage is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from runfork.errors import ArgumentError, warn_caller
from runfork.index.interface import RunsQuery
from runfork.model.filters import Filter
from runfork.model.identifiers import generated_prefix
from runfork.model.patterns import Pattern, compile_pattern
from runfork.query.arguments import check_flag, check_names
from runfork.query.inference import resolve_filter
from runfork.query.names import full_name, listed, refuse_filter, suggestion

if TYPE_CHECKING:
    from runfork.index.interface import RunRow, Sort
    from runfork.query.source import Source

Selector = str | Sequence[str] | Filter | None
"""Runs or experiments: an extended regular expression (`runfork.model.patterns`), exact names, a `Filter`, or None for all."""


RowKind = Literal["run", "experiment"]
"""By what a result is labelled: run ids, or names of experiments, each of which stands for its head."""

Inherit = Literal["lineage", "experiment", "own"]


@dataclass(frozen=True)
class Selection:
    """The runs that a query is about, in order.

    Args:
        kind: Whether they stand for themselves or for experiments.
        labels: For each its run id or its experiment's name.
        run_ids: For each its run id.
    """

    kind: RowKind
    labels: list[str]
    run_ids: list[str]

    @cached_property
    def label_of(self) -> dict[str, str]:
        """The label of each run id."""
        return dict(zip(self.run_ids, self.labels, strict=True))


def choose(runs: Selector, experiments: Selector, *, is_required: bool = True) -> tuple[RowKind, Selector]:
    """Return which of `runs` and `experiments` was passed, and what.

    Raises:
        ArgumentError: Both were, or neither and `is_required`.
    """
    if runs is not None and experiments is not None:
        raise ArgumentError(
            "pass either runs= or experiments=, found both; experiments are their head runs with a name"
        )
    if runs is None and experiments is None and is_required:
        raise ArgumentError('pass runs= or experiments=, found neither; runs=".*" selects every run')
    return ("run", runs) if experiments is None else ("experiment", experiments)


def inheritance(kind: RowKind, to_the_root: object) -> Inherit:
    """Return what ``lineage_to_the_root`` means: False cuts an experiment where its name begins, and a run to itself."""
    if check_flag("lineage_to_the_root", to_the_root):
        return "lineage"
    return "experiment" if kind == "experiment" else "own"


def check_selector(kind: RowKind, selector: object) -> Selector:
    """Return `selector` as a str, a list of str, a `Filter` or None.

    Raises:
        ArgumentError: It is none of these, an empty list, or no regular expression.
    """
    if selector is None or isinstance(selector, Filter):
        return selector
    if isinstance(selector, str):
        compile_pattern(selector)
        return selector
    return check_names(f"{kind}s", selector, f"a name pattern, a list of exact {_LABELS[kind]} or a Filter")


_LABELS = {"run": "run ids", "experiment": "names"}


def select(
    source: Source,
    kind: RowKind,
    selector: Selector,
    *,
    sort: Sort | None = None,
    limit: int | None = None,
    is_listing: bool = False,
) -> Selection:
    """Return the runs that `selector` selects, in the order of `sort`; of experiments their heads.

    Names that do not exist are left out, and told with a `RunforkWarning`, unless `is_listing`: then the answer tells.

    Raises:
        ArgumentError: A short name means several runs, or a pattern that matches nothing reads as a filter.
    """
    condition = resolve_filter(selector, source.index) if isinstance(selector, Filter) else None
    if kind == "run" and isinstance(selector, Sequence) and not isinstance(selector, str):
        selector = [full_name(name, source.index) for name in selector]
    pattern = _label_pattern(selector)
    ids = list(pattern.names) if kind == "run" and pattern and pattern.names is not None else None
    query = RunsQuery(
        filter=condition,
        heads_only=kind == "experiment",
        run_ids=ids,
        sort=sort,
        limit=None if pattern else limit,
    )
    rows = [row for row in source.index.runs(query).rows if pattern is None or pattern.matches(_label(kind, row))]
    if pattern is not None:
        _tell_missing(source, kind, pattern, {_label(kind, row) for row in rows}, is_listing=is_listing)
    rows = rows[:limit]
    return Selection(kind, [_label(kind, row) for row in rows], [row.node.run_id for row in rows])


def _tell_missing(source: Source, kind: RowKind, pattern: Pattern, found: set[str], *, is_listing: bool) -> None:
    """Tell of names that are not there, or of a pattern that matches none."""
    if pattern.names is None and not found:
        refuse_filter(f"{kind}s", pattern.text)
    missing = [] if found and pattern.names is None else sorted((pattern.names or {pattern.text}) - found)
    if not missing or is_listing:
        return
    nodes = source.index.nodes()
    names = {node.experiment_name for node in nodes.values() if node.experiment_name is not None}
    ids = {generated_prefix(run_id) or run_id for run_id in nodes}
    there, others = (ids, names) if kind == "run" else (names, set(nodes))
    other = "experiment" if kind == "run" else "run"
    hint = (
        f"; {other}s= takes {other}s"
        if others.issuperset(missing)
        else suggestion(missing, there, are_exact=pattern.names is not None)
    )
    what = f"has no {kind}" if pattern.names is not None else f"has no {kind} that matches"
    warn_caller(f"project {source.project!r} {what} {listed(missing)}{hint}")


def _label_pattern(selector: Selector) -> Pattern | None:
    if selector is None or isinstance(selector, Filter):
        return None
    return compile_pattern(selector) if isinstance(selector, str) else Pattern(names=frozenset(selector))


def _label(kind: RowKind, row: RunRow) -> str:
    return row.node.run_id if kind == "run" else row.node.experiment_name or ""
