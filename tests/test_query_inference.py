from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import ArgumentError, RunforkWarning
from runfork.filters import AnyOf, Attribute, Filter
from runfork.query.inference import SYSTEM_TYPES, resolve_filter, resolve_sort
from runfork.query.selection import select
from runfork.query.source import Source
from runfork.testing.histories import HistoryWriter

if TYPE_CHECKING:
    from runfork.index.interface import Index

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


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


def test_a_path_of_several_types_exists_with_any_of_them(filled: Index) -> None:
    expected = AnyOf((Filter.exists(Attribute("mixed", "int")), Filter.exists(Attribute("mixed", "string"))))

    assert expected == resolve_filter(Filter.exists("mixed"), filled)


def test_a_path_that_is_nowhere_is_a_string_with_a_warning(filled: Index) -> None:
    with pytest.warns(RunforkWarning, match="'nope' doesn't exist in the project"):
        found = resolve_filter(Filter.eq("nope", 1), filled)

    assert Filter.eq(Attribute("nope", "string"), "1") == found


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Filter.eq("mixed", 1), "'mixed', which has the types int, string in this project; say which: Attribute('mixed', 'int')"),
        (Filter.gt("sys/tags", "a"), "'sys/tags' is of type string_set, which cannot be compared with >; use MATCHES"),
        (Filter.matches("lr", "1"), "'lr' is of type float, which cannot be compared with MATCHES; use ==, !="),
        (Filter.eq("f", "x"), "'f' is of type file, which cannot be compared with ==; use EXISTS"),
        (Filter.eq("lr", "high"), "'lr' is of type float: a value must be a number here, found 'high'"),
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


@pytest.mark.parametrize(("path", "reason"), [("nope", "doesn't exist"), ("mixed", "has the types int, string")])
def test_sorting_by_an_unclear_path_takes_a_string_with_a_warning(filled: Index, path: str, reason: str) -> None:
    with pytest.warns(RunforkWarning, match=reason):
        found = resolve_sort(Attribute(path), filled)

    assert Attribute(path, "string") == found


def test_system_types_are_those_that_the_index_derives(filled: Index) -> None:
    filled.apply(HistoryWriter("r4").create("tern", fork=("r1", 3)).batch())
    filled.set_states({"r4": "failed"})
    derived: dict[str, Any] = {one.path: one.type for one in filled.definitions() if one.path.startswith("sys/")}

    assert {path: SYSTEM_TYPES.get(path) for path in derived} == derived
