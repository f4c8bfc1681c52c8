from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np
import pytest

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.filters import AllOf, AnyOf, Attribute, Comparison, Filter, Not

UNCHECKED: Any = Filter
"""The same class, for calls that a type checker refuses too."""


@pytest.mark.parametrize(
    ("method", "sign"), [("eq", "=="), ("ne", "!="), ("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")]
)
def test_comparisons_name_their_operator(method: str, sign: Any) -> None:
    assert Comparison(Attribute("lr"), sign, 0.1) == getattr(Filter, method)("lr", 0.1)


def test_a_name_is_a_pattern_and_a_list_of_names_is_exact() -> None:
    name = Attribute("sys/name", "string")

    assert Comparison(name, "MATCHES", "sea.*") == Filter.name("sea.*")
    assert Comparison(name, "==", "sea.*") == Filter.name(["sea.*"])
    assert AnyOf((Comparison(name, "==", "a"), Comparison(name, "==", "b"))) == Filter.name(["a", "b"])


def test_contents_of_several_values_must_all_hold() -> None:
    tags = Attribute("sys/tags", "string_set")

    assert AllOf((Comparison(tags, "CONTAINS", "a"), Comparison(tags, "CONTAINS", "b"))) == Filter.contains_all(
        tags, ["a", "b"]
    )
    assert Comparison(tags, "NOT CONTAINS", "a") == Filter.contains_none(tags, "a")


def test_joining_stays_flat() -> None:
    a, b, c = (Filter.exists(name) for name in "abc")

    assert AllOf((a, b, c)) == a & b & c
    assert AnyOf((a, b, c)) == a | (b | c)
    assert AnyOf((AllOf((a, b)), Not(c))) == a & b | ~c


def test_joining_a_thousand_in_a_loop_can_be_printed_and_read() -> None:
    condition = functools.reduce(operator.or_, [Filter.eq("seed", number) for number in range(1000)])

    assert condition == Filter.parse(condition.to_query())


def test_joining_with_something_else_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        _ = UNCHECKED.exists("a") & "b"


def test_numpy_scalars_are_the_numbers_inside_them() -> None:
    assert Filter.gt("lr", 3) == UNCHECKED.gt("lr", np.int64(3))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: UNCHECKED.eq("a", [1]), "compares numbers, strings, bools and datetimes, found \\[1\\]"),
        (lambda: UNCHECKED.eq("a", None), "found None"),
        (lambda: UNCHECKED.eq(3, 1), "needs an attribute path or an Attribute, found 3"),
        (lambda: UNCHECKED.eq("", 1), "must not be empty"),
        (lambda: UNCHECKED.matches("a", 3), "MATCHES compares with a string, found 3"),
        (lambda: UNCHECKED.matches("a", "("), "is no regular expression"),
        (lambda: UNCHECKED.contains_all("a", []), "at least one value, found \\[\\]"),
        (lambda: UNCHECKED.contains_none("a", ["x", 3]), "NOT CONTAINS compares with a string, found 3"),
        (lambda: UNCHECKED.name([]), "at least one name, found \\[\\]"),
        (lambda: UNCHECKED.parse(3), "reads a string, found 3"),
        (lambda: Attribute("a", "number"), "an attribute type must be one of"),
    ],
)
def test_refuses_with_what_was_found(build, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        build()


def test_numpy_floats_print_as_numbers() -> None:
    expected = "`lr` > 0.5"

    assert expected == str(Filter.gt("lr", np.float64(0.5)))


def test_a_wrong_type_is_an_argument_type_error() -> None:
    with pytest.raises(ArgumentTypeError):
        UNCHECKED.eq("a", object())
