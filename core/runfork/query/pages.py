"""What ``runfork ls`` lists: runs or experiments with the values of chosen columns."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from runfork.errors import ArgumentError
from runfork.index.interface import Aggregate, RunsQuery, Sort
from runfork.model.attributes import AttributeType, is_system_path, state_in
from runfork.model.filters import Attribute
from runfork.model.patterns import Pattern
from runfork.query.inference import resolve_sort
from runfork.query.names import attribute_suggestion, headings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runfork.index.interface import Definition, Index, RunRow
    from runfork.model.attributes import Value
    from runfork.model.filters import Filter

_AGGREGATED = re.compile(rf"({'|'.join(get_args(Aggregate))})\((.+)\)")
_INTERESTING = ("loss", "acc", "reward", "score", "f1", "auc", "perplexity", "bleu", "error")
_VALIDATION = ("val", "valid", "validation", "eval", "test")
_ASIDE = frozenset(("bytes", "checkpoints", "epoch", "flos", "runtime", "second", "seconds", "throughput", "time"))
"""Words in names of what is counted beside a training: how long, how fast, how large."""
_SETTINGS = ("lr", "learning_rate", "batch_size", "weight_decay", "optimizer", "model")
"""Last words of the paths of configs that most trainings differ in, by how much one wants to see them."""
_CONFIG_TYPES = frozenset(("float", "int", "string"))
_FEW = 4
"""A column that fewer than one in so many runs fill, of those that the fullest one has, is not chosen for anybody."""


@dataclass(frozen=True)
class ColumnChoice:
    """A column: an attribute, and which statistic of it if it is a float series.

    Args:
        path: The attribute.
        aggregate: The statistic; None is the last value.
        word: What was asked for, where that is a word of our tables rather than the attribute's path.
    """

    path: str
    aggregate: Aggregate | None = None
    word: str | None = None

    @property
    def title(self) -> str:
        """The column as it is written on the command line."""
        name = self.word or self.path
        return name if self.aggregate is None else f"{self.aggregate}({name})"

    def content(self, value: Value | None) -> Any:
        """Return what the column shows of an attribute."""
        if value is None or self.aggregate in (None, "last") or value.statistics is None:
            return None if value is None else value.content
        return value.statistics.get(cast("str", self.aggregate))


@dataclass(frozen=True)
class Order:
    """What runs are sorted by.

    Args:
        column: The values.
        is_descending: The greatest first.
    """

    column: ColumnChoice
    is_descending: bool = False


@dataclass(frozen=True)
class Item:
    """One run of a listing.

    Args:
        row: The run.
        values: The values of the chosen columns, of the user's metrics and of ``sys/state``, by path.
        last_step: Last micro-step of its user-defined float series, inherited ones included; None if there is none.
        run_count: How many runs have its experiment's name; 1 for a run without one.
    """

    row: RunRow
    values: Mapping[str, Value]
    last_step: int | None
    run_count: int

    @property
    def state(self) -> str | None:
        """running, finished, ...; None if nobody has worked it out."""
        return state_in(self.values)


@dataclass(frozen=True)
class Listing:
    """One page of runs or experiments.

    Args:
        items: Those on the page.
        columns: What was chosen, or what suits the items.
        total: How many there are in all.
        nameless_count: Runs of the project without an experiment name.
    """

    items: list[Item]
    columns: list[ColumnChoice]
    total: int
    nameless_count: int


def parse_column(text: str) -> ColumnChoice:
    """Read a column from text: a path, or an aggregate such as ``min(val/loss)``."""
    found = _AGGREGATED.fullmatch(text.strip())
    return ColumnChoice(text.strip()) if found is None else ColumnChoice(found[2], cast("Aggregate", found[1]))


def read_listing(
    index: Index,
    *,
    heads_only: bool,
    condition: Filter | None = None,
    order: Sequence[Order] = (),
    columns: Sequence[ColumnChoice] | None = None,
    limit: int | None = None,
    include_archived: bool = False,
) -> Listing:
    """Read one page.

    Args:
        index: The project's index, up to date.
        heads_only: Experiments rather than runs.
        condition: Which; its types are resolved.
        order: By what, that which counts most first; nothing is the newest first.
        columns: What to read; None chooses the metrics that most of the items have.
        limit: At most so many; None is all.
        include_archived: Whether archived runs are among them.
    """
    sorts = resolve_order(index, order)
    asked = None if columns is None else resolve_columns(index, columns)
    page = index.runs(
        RunsQuery(condition, heads_only=heads_only, sort=sorts, limit=limit, include_archived=include_archived)
    )
    definitions = index.definitions(run_ids=[row.node.run_id for row in page.rows], types=[AttributeType.FLOAT_SERIES])
    chosen = choose_metrics(definitions) if asked is None else asked
    names = Counter(node.experiment_name for node in index.nodes().values())
    items = read_items(index, page.rows, chosen, names)
    return Listing(items, chosen, page.total, names[None])


def read_items(
    index: Index, rows: Sequence[RunRow], columns: Sequence[ColumnChoice], names: Mapping[str | None, int]
) -> list[Item]:
    """Read what is shown of runs.

    Args:
        index: The project's index.
        rows: The runs.
        columns: What to read.
        names: How many runs of the project have each experiment name.
    """
    run_ids = [row.node.run_id for row in rows]
    definitions = index.definitions(run_ids=run_ids, types=[AttributeType.FLOAT_SERIES])
    metrics = [one.path for one in definitions if not is_system_path(one.path)]
    paths = dict.fromkeys(["sys/state", *(column.path for column in columns), *metrics])
    values = index.values(run_ids, paths=[*paths])
    return [
        Item(
            row,
            values.get(row.node.run_id, {}),
            _last_step_of_metrics(values.get(row.node.run_id, {})),
            names[row.node.experiment_name] if row.node.experiment_name is not None else 1,
        )
        for row in rows
    ]


def _last_step_of_metrics(values: Mapping[str, Value]) -> int | None:
    steps = (
        value.statistics.get("last_step")
        for path, value in values.items()
        if value.type is AttributeType.FLOAT_SERIES and value.statistics and not is_system_path(path)
    )
    return max((int(step) for step in steps if step is not None), default=None)


def resolve_order(index: Index, order: Sequence[Order]) -> list[Sort]:
    """Return the sorts that are meant.

    Raises:
        ArgumentError: No run has what is to be sorted by; the message names the closest.
    """
    return [_resolve_sort(index, one) for one in order]


def _resolve_sort(index: Index, order: Order) -> Sort:
    (column,) = resolve_columns(index, [order.column])
    if not index.definitions(pattern=Pattern(names=frozenset([column.path]))):
        asked = order.column.path
        hint = attribute_suggestion([asked], index)
        raise ArgumentError(
            f"cannot sort by {asked!r}: no run has such an attribute{hint or '; runfork show RUN lists what a run has'}"
        )
    attribute = resolve_sort(Attribute(column.path), index)
    return Sort(attribute, descending=order.is_descending, aggregate=column.aggregate or "last")


def resolve_columns(index: Index, columns: Sequence[ColumnChoice]) -> list[ColumnChoice]:
    """Return columns with the attributes that are meant: a word of our tables stands for one, unless a run has it itself."""
    meant = headings([column.path for column in columns], index)
    return [
        ColumnChoice(meant[column.path], column.aggregate, column.path) if column.path in meant else column
        for column in columns
    ]


def choose_metrics(definitions: Sequence[Definition], *, most: int = 4) -> list[ColumnChoice]:
    """Return the metrics to show where none were asked for, in the order of `by_interest`; none that few runs have."""
    users = by_interest(definitions)
    least = max((one.run_count for one in users), default=0) / _FEW
    chosen = [one for one in users if one.run_count >= least][:most]
    trained_on = min(
        filter(_is_trained_on, users), key=lambda one: (-one.run_count, _path_words(one.path)), default=None
    )
    if trained_on is not None and not any(map(_is_trained_on, chosen)):
        chosen[most - 1 :] = [trained_on]  # the loss that training goes by is never left out
    return [ColumnChoice(one.path) for one in chosen]


def choose_settings(definitions: Sequence[Definition], *, most: int = 2) -> list[ColumnChoice]:
    """Return the configs to show beside metrics where none were asked for: well-known ones that most runs have.

    Args:
        definitions: All attributes of the runs.
        most: At most so many.
    """
    least = max((one.run_count for one in definitions), default=0) / 2
    found: dict[str, str] = {}
    for one in sorted(definitions, key=lambda one: (-one.run_count, one.path.count("/"), one.path)):
        name = one.path.rpartition("/")[2].lower()
        if name in _SETTINGS and one.type in _CONFIG_TYPES and one.run_count > least and not is_system_path(one.path):
            found.setdefault(name, one.path)
    return [ColumnChoice(found[name]) for name in _SETTINGS if name in found][:most]


def by_interest(definitions: Sequence[Definition]) -> list[Definition]:
    """Return the user's own metrics: those of most runs, validation and losses first, durations last."""
    return sorted((one for one in definitions if not is_system_path(one.path)), key=_interest)


def _is_trained_on(definition: Definition) -> bool:
    words = _path_words(definition.path)
    return "loss" in words and not set(_VALIDATION).intersection(words)


def _path_words(path: str) -> list[str]:
    return re.split(r"[/_.-]", path.lower())


def _interest(definition: Definition) -> tuple[bool, int, bool, bool, int, str]:
    path = definition.path.lower()
    words = _path_words(path)
    is_interesting = any(word in path for word in _INTERESTING)
    is_validation = any(word in _VALIDATION for word in words)
    is_aside = not _ASIDE.isdisjoint(words)
    return is_aside, -definition.run_count, not is_interesting, not is_validation, path.count("/"), definition.path
