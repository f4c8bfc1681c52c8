"""Tables: a row for each run or experiment, a column for each attribute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.index.interface import Sort
from runfork.model.attributes import AttributeType
from runfork.model.filters import Attribute
from runfork.model.patterns import Pattern
from runfork.query.arguments import check_choice, check_count, check_flag
from runfork.query.attributes import USERS_OWN, Choice, attribute_choices, find_definitions, tell_unknown
from runfork.query.columns import read_columns
from runfork.query.files import logged_file
from runfork.query.frames import as_column, import_pandas, label_index, times_column
from runfork.query.inference import resolve_sort
from runfork.query.names import headings
from runfork.query.selection import check_selector, select
from runfork.query.source import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    import pandas as pd

    from runfork.model.attributes import Value
    from runfork.query.attributes import AttributeSelector
    from runfork.query.columns import AttributeColumn
    from runfork.query.selection import RowKind, Selection, Selector
    from runfork.query.source import Source

_SHOWN = frozenset({"sys/name", "sys/state", "sys/creation_time", "sys/forking/parent", "sys/forking/step", "sys/tags"})
_LATEST_FIRST = Attribute("sys/creation_time", "datetime")
_UNSORTABLE = ("file", "file_series", "histogram_series")
_NULLABLE = {AttributeType.INT: ("int64", "Int64"), AttributeType.BOOL: ("bool", "boolean")}
_FILES = (AttributeType.FILE, AttributeType.FILE_SERIES)


@dataclass(frozen=True)
class TableQuery:
    """What a table shows.

    Args:
        kind: Whether rows are runs or experiments.
        selector: Which.
        choices: Which attributes are columns; none gives rows only.
        sort_by: What rows are ordered by.
        descending: Whether the greatest comes first.
        limit: At most so many rows.
        with_type: Whether the type stands after the attribute's name.
        is_default: Whether nobody asked for these attributes.
    """

    kind: RowKind
    selector: Selector
    choices: tuple[Choice, ...]
    sort_by: Attribute = _LATEST_FIRST
    descending: bool = True
    limit: int | None = None
    with_type: bool = False
    is_default: bool = False


def fetch_runs_table(
    *,
    project: str | None = None,
    directory: str | PathLike[str] | None = None,
    runs: Selector = None,
    attributes: AttributeSelector | None = None,
    sort_by: str | Attribute = _LATEST_FIRST,
    sort_direction: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
    type_suffix_in_column_names: bool = False,
) -> pd.DataFrame:
    """Return a table of runs.

    Columns hold float (also the last value of float series), int, bool, str, UTC times, lists and sets of str, `LoggedFile` and
    `Histogram`; a column in which runs have values of several kinds holds them as objects. A missing value is NaN, NaT, NA
    (int and bool columns) or None, and so is None that was logged.

    Args:
        project: As in `runfork.list_runs`.
        directory: As in `runfork.list_runs`.
        runs: Which: a pattern, exact ids, a `Filter`, or None for all.
        attributes: Which are columns: a pattern, exact paths, an `Attribute`, an `AttributeFilter`. None is what runs logged
            themselves, and name, state, creation time, parent, fork step and tags; an empty list gives rows without columns.
            Attributes that no run has are left out, and told with a `RunforkWarning`.
        sort_by: Path or `Attribute`; of series the last value counts. Runs without a value come last.
        sort_direction: ``"asc"`` or ``"desc"``.
        limit: At most so many rows.
        type_suffix_in_column_names: Whether columns are named ``path:type``.

    Returns:
        A frame with index ``run`` in the order asked for, and columns sorted by name.

    Raises:
        ArgumentError: An argument cannot be used.
        NotFoundError: There is no such project.
    """
    query = _table_query("run", runs, attributes, sort_by, sort_direction, limit, type_suffix_in_column_names)
    with opened(project, directory) as source:
        return read_table(source, query)


def fetch_experiments_table(
    *,
    project: str | None = None,
    directory: str | PathLike[str] | None = None,
    experiments: Selector = None,
    attributes: AttributeSelector | None = None,
    sort_by: str | Attribute = _LATEST_FIRST,
    sort_direction: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
    type_suffix_in_column_names: bool = False,
) -> pd.DataFrame:
    """Return a table of experiments: each row is the head of one.

    Args:
        project: As in `runfork.list_runs`.
        directory: As in `runfork.list_runs`.
        experiments: Which: a pattern, exact names, a `Filter` on their heads, or None for all.
        attributes: As in `fetch_runs_table`.
        sort_by: As in `fetch_runs_table`.
        sort_direction: As in `fetch_runs_table`.
        limit: As in `fetch_runs_table`.
        type_suffix_in_column_names: As in `fetch_runs_table`.

    Returns:
        A frame with index ``experiment``, otherwise as from `fetch_runs_table`.

    Raises:
        ArgumentError: As in `fetch_runs_table`.
        NotFoundError: There is no such project.
    """
    query = _table_query(
        "experiment", experiments, attributes, sort_by, sort_direction, limit, type_suffix_in_column_names
    )
    with opened(project, directory) as source:
        return read_table(source, query)


def _table_query(
    kind: RowKind,
    selector: object,
    attributes: object,
    sort_by: object,
    sort_direction: object,
    limit: object,
    with_type: object,
) -> TableQuery:
    import_pandas()
    return TableQuery(
        kind,
        check_selector(kind, selector),
        _table_choices(attributes),
        _sort_attribute(sort_by),
        check_choice("sort_direction", sort_direction, ("asc", "desc")) == "desc",
        check_count("limit", limit),
        check_flag("type_suffix_in_column_names", with_type),
        attributes is None,
    )


def _table_choices(attributes: object) -> tuple[Choice, ...]:
    if attributes is None:
        return (USERS_OWN, Choice(Pattern(names=_SHOWN)))
    if isinstance(attributes, (list, tuple)) and not attributes:
        return ()
    return attribute_choices("attributes", attributes)


def _sort_attribute(sort_by: object) -> Attribute:
    attribute = Attribute(sort_by) if isinstance(sort_by, str) else sort_by
    if not isinstance(attribute, Attribute):
        raise ArgumentTypeError(f"sort_by must be an attribute path or an Attribute, found {sort_by!r}")
    return attribute


def read_table(source: Source, query: TableQuery) -> pd.DataFrame:
    """Return what `query` asks for."""
    selection = select(source, query.kind, query.selector, sort=_sort(source, query), limit=query.limit)
    words, choices = _without_words(source, query.choices)
    definitions = find_definitions(source, choices, selection.run_ids)
    if selection.run_ids and not query.is_default:
        tell_unknown(source, "attributes", choices, definitions)
    shown = [(path, path, kind) for path, kind in definitions]
    shown += [
        (word, *found) for word, choice in words for found in find_definitions(source, [choice], selection.run_ids)
    ]
    columns = read_columns(source, selection.run_ids, shown, with_type=query.with_type)
    return _table_frame(selection, [(column.title, _array(source, selection, column)) for column in columns])


def _without_words(source: Source, choices: Sequence[Choice]) -> tuple[list[tuple[str, Choice]], list[Choice]]:
    """Take out the words of our tables that stand for attributes; return each with what is meant, and the other choices."""
    words: list[tuple[str, Choice]] = []
    others = []
    for choice in choices:
        names = choice.pattern.names if choice.pattern is not None else None
        meant = headings(names or (), source.index)
        words += [(word, Choice(Pattern(names=frozenset([path])), choice.types)) for word, path in meant.items()]
        if names is None or names - meant.keys():
            others.append(Choice(Pattern(names=names - meant.keys()), choice.types) if names and meant else choice)
    return words, others


def _sort(source: Source, query: TableQuery) -> Sort | None:
    attribute = resolve_sort(query.sort_by, source.index)
    if attribute.type in _UNSORTABLE:
        raise ArgumentError(
            f"sort_by must name a number, a text, a time or a set, found {attribute.name!r} of type {attribute.type}"
        )
    if attribute == _LATEST_FIRST and query.descending:
        return None
    return Sort(attribute, descending=query.descending)


def _table_frame(selection: Selection, columns: Sequence[tuple[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    index = label_index(selection.labels, selection.kind)
    frame: pd.DataFrame = pd.DataFrame(
        {number: column for number, (_, column) in enumerate(columns)}, index=index, copy=False
    )
    frame.columns = label_index([name for name, _ in columns], "attribute")
    return frame


def _array(source: Source, selection: Selection, column: AttributeColumn) -> Any:
    """Return the values of one attribute as an array of the dtype that suits their types; several kinds stand as objects."""
    import pandas as pd

    values: list[Any] = [None if cell is None else cell.value for cell in column.cells]
    if column.type is AttributeType.FLOAT:
        return np.array([math.nan if value is None else value for value in values], dtype=float)
    if column.type is not None and column.type in _NULLABLE:
        plain, nullable = _NULLABLE[column.type]
        dtype: Any = nullable if None in values else plain
        return pd.array(values, dtype=dtype)
    if column.type is AttributeType.DATETIME:
        no_time = np.iinfo(np.int64).min
        return times_column(np.array([no_time if value is None else value for value in values], dtype=np.int64))
    return _object_array(column.cells, _converter(source, selection, column.path))


def _object_array(cells: Sequence[Value | None], convert: Callable[[int, Value], object]) -> Any:
    column = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        column[row] = None if cell is None else convert(row, cell)
    return as_column(column)


def _converter(source: Source, selection: Selection, path: str) -> Callable[[int, Value], object]:
    def convert(row: int, cell: Value) -> object:
        if cell.type is AttributeType.STRING_SET:
            return set(cell.value) if cell.members is None else list(cell.members)
        if cell.type is AttributeType.DATETIME:
            return times_column(np.array([cell.value], dtype=np.int64))[0]
        if cell.type not in _FILES:
            return cell.value
        return logged_file(
            source,
            selection,
            selection.run_ids[row],
            path,
            cell.value,
            source_run=cell.source_run,
            micro_step=(cell.statistics or {}).get("last_step") if cell.type is AttributeType.FILE_SERIES else None,
        )

    return convert
