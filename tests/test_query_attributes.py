from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.attributes import AttributeType
from runfork.model.filters import Attribute, Filter
from runfork.query.attributes import AttributeFilter, Choice, attribute_choices, find_definitions, tell_unknown
from runfork.query.listing import read_attributes

if TYPE_CHECKING:
    from runfork.query.source import Source

FLOATS = (AttributeType.FLOAT_SERIES,)


@pytest.mark.parametrize(
    ("selector", "types", "message"),
    [
        (
            ["lr", "los"],
            None,
            "attributes= asks for 'los', which no run of project 'local/test' has; did you mean 'loss'?",
        ),
        (
            "^depth",
            None,
            "attributes= asks for '^depth', which no run of project 'local/test' has; did you mean 'model/depth'?",
        ),
        (
            ["lo.*", "lr"],
            None,
            (
                "attributes= asks for 'lo.*', which no run of project 'local/test' has"
                "; a list has exact names, pass a pattern as a str"
            ),
        ),
        (
            ["loss", "lr"],
            FLOATS,
            "attributes= asks for float_series, but 'lr' is float, string; tables show single values",
        ),
        ("^seed$", FLOATS, "attributes= asks for float_series, but 'seed' is int; tables show single values"),
        (
            ["learning_rate"],
            None,
            ("attributes= asks for 'learning_rate', which no run of project 'local/test' has; did you mean 'lr'?"),
        ),
        (["loss"], None, None),
        (["model/depth", "loss"], None, None),
        (".*", FLOATS, None),
    ],
)
def test_attributes_that_no_run_has_are_told_with_the_closest(
    five_runs: Source, selector: Any, types: Any, message: str | None
) -> None:
    choices = attribute_choices("attributes", selector, types=types)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tell_unknown(five_runs, "attributes", choices, find_definitions(five_runs, choices, ["r1"]))

    assert ([] if message is None else [message]) == [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("lr | loss", [("loss", "float_series"), ("lr", "float"), ("lr", "string")]),
        (["lr", "loss"], [("loss", "float_series"), ("lr", "float"), ("lr", "string")]),
        (
            ["lr", Attribute("seed", "float"), Attribute("loss")],
            [("loss", "float_series"), ("lr", "float"), ("lr", "string"), ("seed", "int")],
        ),
        (Attribute("lr", "string"), [("lr", "string")]),
        ([Attribute("lr", "string"), Attribute("seed")], [("lr", "string"), ("seed", "int")]),
        (AttributeFilter("^l", type=["float", "float_series"]), [("loss", "float_series"), ("lr", "float")]),
        (AttributeFilter(["lr"]), [("lr", "float"), ("lr", "string")]),
        (AttributeFilter("^[^/]*$", type="int"), [("lr", "float"), ("seed", "int")]),
        (
            AttributeFilter("depth") | AttributeFilter("se.d") | AttributeFilter(type="float_series"),
            [("loss", "float_series"), ("model/depth", "int"), ("seed", "int")],
        ),
    ],
)
def test_selects_attributes(five_runs: Source, selector: Any, expected: list[tuple[str, str]]) -> None:
    found = find_definitions(five_runs, attribute_choices("attributes", selector), ["r1", "r2", "r3", "r4"])

    assert expected == [(path, kind.value) for path, kind in found if path != "sys/forking/depth"]


def test_only_the_selected_runs_have_attributes(five_runs: Source) -> None:
    found = read_attributes(five_runs, "run", ["r4"], (Choice(),))

    assert "loss" in found
    assert "lr" not in found


def test_inherited_attributes_are_there(five_runs: Source) -> None:
    found = read_attributes(five_runs, "experiment", "gull", attribute_choices("attributes", "^(lr|loss|seed)$"))

    expected = ["loss", "lr", "seed"]
    assert expected == found


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ([], "attributes must have at least one name, found an empty list"),
        ([3], "attributes must have strings only, found 3"),
        ([""], "must not be empty"),
        (3, "attributes must be a path pattern, a list of exact paths, an Attribute or an AttributeFilter, found 3"),
        ("*", "no regular expression"),
        (None, "found None"),
        (AttributeFilter("a", type="int"), "attributes must be of type float_series, found int"),
        ([Attribute("a", "int"), Attribute("b", "string")], "must be of type float_series, found int, string"),
    ],
)
def test_refuses_what_selects_no_attributes(selector: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        attribute_choices("attributes", selector, types=FLOATS)

    assert message in str(caught.value)


@pytest.mark.parametrize("arguments", [{"name": 3}, {"name": []}, {"type": "number"}, {"type": []}, {"name": "("}])
def test_an_attribute_filter_refuses_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        AttributeFilter(**arguments)


def test_attribute_filters_joined_by_the_words_of_python_are_refused() -> None:
    one: Any = AttributeFilter("a")
    for either in (one, one | one):
        with pytest.raises(ArgumentTypeError, match=r"combined with \|, found Attribute"):
            _ = either or one


def test_a_filter_is_no_attribute_selector() -> None:
    with pytest.raises(ArgumentTypeError):
        attribute_choices("attributes", Filter.exists("a"))
