"""What is there: ids of runs, names of experiments, paths of attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.query.attributes import Choice, attribute_choices, find_definitions
from runfork.query.selection import check_selector, choose, select
from runfork.query.source import opened

if TYPE_CHECKING:
    from os import PathLike

    from runfork.query.attributes import AttributeSelector
    from runfork.query.selection import RowKind, Selector
    from runfork.query.source import Source


def list_runs(
    *, project: str | None = None, directory: str | PathLike[str] | None = None, runs: Selector = None
) -> list[str]:
    """Return run ids, latest first.

    Args:
        project: ``workspace/project``; None is ``RUNFORK_PROJECT``, else what `runfork.Run` would take.
        directory: The data directory; None looks for it as `runfork.Run` does.
        runs: Which: a pattern, exact ids, a `Filter`, or None for all.

    Raises:
        ArgumentError: An argument cannot be used.
        NotFoundError: There is no such project.
    """
    selector = check_selector("run", runs)
    with opened(project, directory) as source:
        return select(source, "run", selector, is_listing=True).labels


def list_experiments(
    *, project: str | None = None, directory: str | PathLike[str] | None = None, experiments: Selector = None
) -> list[str]:
    """Return names of experiments, the one with the latest head first.

    Args:
        project: As in `list_runs`.
        directory: As in `list_runs`.
        experiments: Which: a pattern, exact names, a `Filter` on their heads, or None for all.

    Raises:
        ArgumentError: An argument cannot be used.
        NotFoundError: There is no such project.
    """
    selector = check_selector("experiment", experiments)
    with opened(project, directory) as source:
        return select(source, "experiment", selector, is_listing=True).labels


def list_attributes(
    *,
    project: str | None = None,
    directory: str | PathLike[str] | None = None,
    runs: Selector = None,
    experiments: Selector = None,
    attributes: AttributeSelector | None = None,
) -> list[str]:
    """Return the distinct paths that runs or experiments have, inherited ones included, sorted.

    Args:
        project: As in `list_runs`.
        directory: As in `list_runs`.
        runs: Which runs; all if neither this nor `experiments` is given.
        experiments: Which experiments, instead of `runs`.
        attributes: Which paths: a pattern, exact paths, an `Attribute`, an `AttributeFilter`, or None for all.

    Raises:
        ArgumentError: An argument cannot be used, or both `runs` and `experiments` are given.
        NotFoundError: There is no such project.
    """
    kind, selector = choose(runs, experiments, is_required=False)
    selector = check_selector(kind, selector)
    choices = (Choice(),) if attributes is None else attribute_choices("attributes", attributes)
    with opened(project, directory) as source:
        return read_attributes(source, kind, selector, choices)


def read_attributes(source: Source, kind: RowKind, selector: Selector, choices: tuple[Choice, ...]) -> list[str]:
    """Return the distinct paths that `choices` name among those that the selected runs have, sorted."""
    is_everything = kind == "run" and selector is None
    run_ids = None if is_everything else select(source, kind, selector).run_ids
    return sorted({path for path, _ in find_definitions(source, choices, run_ids)})
