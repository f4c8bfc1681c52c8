from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import ArgumentError, RunforkWarning
from runfork.index.interface import RunsQuery
from runfork.model.filters import AnyOf, Attribute, Filter
from runfork.query.inference import SYSTEM_TYPES, resolve_filter, resolve_sort
from runfork.query.selection import select
from runfork.query.source import Source
from runfork.testing.histories import HistoryWriter

if TYPE_CHECKING:
    from runfork.index.interface import Index

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
START = datetime(2026, 1, 30, tzinfo=timezone.utc)


@pytest.fixture
def filled(index: Index) -> Index:
    index.apply(HistoryWriter("r1").create().configs({"lr": 0.1, "mixed": 1, "flag": True, "name": "x"}).batch())
    index.apply(HistoryWriter("r2").create().configs({"mixed": "one", "when": NOON}).metrics({"loss": 1}, 0).batch())
    index.apply(HistoryWriter("r3").create().metrics({"loss": math.nan}, 0).tags("good").files({"f": "ab"}).batch())
    return index


@pytest.mark.parametrize(
    ("untyped", "typed"),
    [
        (Filter.gt("lr", 1), Filter.gt(Attribute("lr", "float"), 1)),
        (Filter.gt("loss", 0.5), Filter.gt(Attribute("loss", "float_series"), 0.5)),
        (Filter.contains_all("sys/tags", "a"), Filter.contains_all(Attribute("sys/tags", "string_set"), "a")),
        (Filter.eq("sys/name", "a"), Filter.eq(Attribute("sys/name", "string"), "a")),
        (Filter.exists("f"), Filter.exists(Attribute("f", "file"))),
        (Filter.eq("lr", "0.5"), Filter.eq(Attribute("lr", "float"), 0.5)),
        (Filter.eq("flag", 1), Filter.eq(Attribute("flag", "bool"), True)),
        (Filter.eq("flag", "false"), Filter.eq(Attribute("flag", "bool"), False)),
        (Filter.eq("name", 5), Filter.eq(Attribute("name", "string"), "5")),
        (Filter.lt("when", NOON), Filter.lt(Attribute("when", "datetime"), NOON)),
        (Filter.lt("when", "2026-01-31T12:00Z"), Filter.lt(Attribute("when", "datetime"), NOON)),
        (Filter.lt("lr", 10**400), Filter.lt(Attribute("lr", "float"), math.inf)),
        (Filter.lt("lr", -(2**64)), Filter.lt(Attribute("lr", "float"), -float(2**64))),
        (~Filter.gt("lr", 1) | Filter.eq("name", "x") & Filter.eq("lr", 2),
         ~Filter.gt(Attribute("lr", "float"), 1)
         | Filter.eq(Attribute("name", "string"), "x") & Filter.eq(Attribute("lr", "float"), 2)),
    ],
)  # fmt: skip
def test_finds_types_and_fits_values(filled: Index, untyped: Filter, typed: Filter) -> None:
    assert typed == resolve_filter(untyped, filled)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Filter.lt("mixed", 5), ["r1", "r4"]),
        (Filter.gt("mixed", 0.75), ["r1"]),
        (Filter.eq("mixed", "one"), ["r2"]),
        (Filter.ne("mixed", 1), ["r2", "r4", "r5"]),
        (Filter.ne("mixed", "one"), ["r1", "r4", "r5"]),
        (Filter.eq("mixed", True), ["r5"]),
        (Filter.matches("mixed", "n"), ["r2"]),
        (Filter.contains_none("mixed", "x"), ["r2"]),
        (Filter.eq("mixed", math.nan), []),
        (Filter.ne("mixed", math.nan), ["r1", "r2", "r4", "r5"]),
        (~Filter.exists("mixed"), ["r3", "r6"]),
        (Filter.parse("mixed >= 0.5 and mixed < 2"), ["r1", "r4"]),
        (Filter.parse('mixed = "one"'), ["r2"]),
        (Filter.lt(Attribute("mixed", "int"), 5), ["r1", "r4"]),
        (Filter.lt(Attribute("mixed", "float"), 5), ["r1", "r4"]),
    ],
)
def test_a_path_of_several_types_is_compared_by_those_that_the_value_belongs_to(
    filled: Index, condition: Filter, expected: list[str]
) -> None:
    for run_id, value in (("r4", 0.5), ("r5", True), ("r6", None)):
        filled.apply(HistoryWriter(run_id).create().configs({"mixed": value}).batch())

    assert expected == sorted(select(Source("local/test", filled), "run", condition).labels)


def test_a_value_that_belongs_to_none_of_several_types_is_read_as_one_of_them(index: Index) -> None:
    index.apply(HistoryWriter("r1").create().configs({"x": 1}).batch())
    index.apply(HistoryWriter("r2").create().configs({"x": True}).batch())
    source = Source("local/test", index)

    assert ["r1"] == select(source, "run", Filter.gt("x", "0.5")).labels
    with pytest.raises(ArgumentError, match="'x' is of type bool, which cannot be compared with CONTAINS"):
        select(source, "run", Filter.contains_all("x", "0.5"))


def test_int_and_float_are_one_type(index: Index) -> None:
    index.apply(HistoryWriter("r1").create().configs({"lr": 1}).batch())
    index.apply(HistoryWriter("r2").create().configs({"lr": 0.5}).batch())

    assert Filter.gt(Attribute("lr", "float"), 0) == resolve_filter(Filter.gt("lr", 0), index)
    assert Attribute("lr", "float") == resolve_sort(Attribute("lr"), index)


def test_a_path_that_is_none_everywhere_finds_nothing_without_a_warning(index: Index) -> None:
    index.apply(HistoryWriter("r1").create().configs({"best": None}).batch())

    for condition in (Filter.gt("best", 0), Filter.exists("best"), Filter.ne("best", "x")):
        assert [] == select(Source("local/test", index), "run", condition).labels


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Filter.eq("state", "failed"), ["r4"]),
        (Filter.eq("experiment", "tern"), ["r4"]),
        (Filter.eq("parent", "r1"), ["r4"]),
        (Filter.contains_all("tags", "good"), ["r3"]),
        (Filter.lt("created", NOON) & Filter.exists("parent"), ["r4"]),
        (Filter.eq(Attribute("state", "string"), "failed"), ["r4"]),
        (Filter.eq("owner", "me"), ["r5"]),
    ],
)
def test_the_words_of_tables_are_attributes(filled: Index, condition: Filter, expected: list[str]) -> None:
    filled.apply(
        HistoryWriter("r4")
        .create("tern", fork=("r1", 3))
        .configs({"sys/name": "tern", "sys/creation_time": START})
        .batch()
    )
    filled.apply(HistoryWriter("r5").create().configs({"owner": "me", "sys/owner": "you"}).batch())
    filled.set_states({"r4": "failed"})

    assert expected == select(Source("local/test", filled), "run", condition).labels
    assert Attribute("sys/creation_time", "datetime") == resolve_sort(Attribute("created"), filled)


def test_a_path_of_several_types_exists_with_any_of_them(filled: Index) -> None:
    expected = AnyOf((Filter.exists(Attribute("mixed", "int")), Filter.exists(Attribute("mixed", "string"))))

    assert expected == resolve_filter(Filter.exists("mixed"), filled)


def test_paths_that_are_nowhere_are_told_in_one_warning_with_the_closest(filled: Index) -> None:
    condition = Filter.eq("nope", 1) | Filter.lt("loss_", 1) | Filter.lt(Attribute("flags", "int"), 1)
    with pytest.warns(RunforkWarning) as caught:
        found = resolve_filter(condition, filled)

    expected = (
        "the filter names 'flags', 'loss_', 'nope', which don't exist in the project; did you mean 'flag', 'loss'"
    )
    assert [expected] == [str(one.message)[: len(expected)] for one in caught]
    assert __file__ == caught[0].filename
    assert 0 == filled.runs(RunsQuery(filter=found)).total


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Filter.gt("sys/tags", "a"), "'sys/tags' is of type string_set, which cannot be compared with >; use MATCHES"),
        (Filter.matches("lr", "1"), "'lr' is of type float, which cannot be compared with MATCHES; use ==, !="),
        (Filter.eq("f", "x"), "'f' is of type file, which cannot be compared with ==; use EXISTS"),
        (Filter.eq("lr", "high"), "'lr' is of type float: a value must be a number here, found 'high'"),
        (Filter.lt("name", 2), "'name' is of type string, found the number 2 to compare it with"),
        (Filter.eq("flag", 2), "'flag' is of type bool, found 2 to compare it with"),
        (Filter.eq("when", 2), "'when' is of type datetime, found 2 to compare it with"),
        (Filter.eq("lr", NOON), "'lr' is of type float, found datetime"),
        (Filter(), "must be built from runfork.Filter"),
    ],
)  # fmt: skip
def test_refuses_what_has_no_meaning(filled: Index, condition: Filter, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        resolve_filter(condition, filled)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Filter.eq("loss", math.nan), ["r3"]),
        (Filter.ne("loss", math.nan), ["r2"]),
        (Filter.gt("loss", math.nan), []),
        (~Filter.eq("loss", math.nan), ["r1", "r2"]),
    ],
)
def test_nan_can_be_filtered_for(filled: Index, condition: Filter, expected: list[str]) -> None:
    assert expected == sorted(select(Source("local/test", filled), "run", condition).labels)


def test_sorting_by_a_path_of_one_type_takes_it(filled: Index) -> None:
    assert Attribute("loss", "float_series") == resolve_sort(Attribute("loss"), filled)


def test_sorting_by_a_path_of_several_types_takes_them_all(filled: Index) -> None:
    assert Attribute("mixed") == resolve_sort(Attribute("mixed"), filled)


def test_sorting_by_an_unknown_path_is_told_with_the_closest(filled: Index) -> None:
    with pytest.warns(
        RunforkWarning, match="sort_by names 'los', which doesn't exist in the project; did you mean 'loss'?"
    ):
        assert Attribute("los") == resolve_sort(Attribute("los"), filled)


def test_system_types_are_those_that_the_index_derives(filled: Index) -> None:
    filled.apply(HistoryWriter("r4").create("tern", fork=("r1", 3)).batch())
    filled.set_states({"r4": "failed"})
    derived: dict[str, Any] = {one.path: one.type for one in filled.definitions() if one.path.startswith("sys/")}

    assert {path: SYSTEM_TYPES.get(path) for path in derived} == derived
