"""What a fork changed, and where runs disagree."""

from __future__ import annotations

import math

import pytest

from runfork.model.attributes import AttributeType, Value
from runfork.model.differences import compare_values, config_changes, same_value


def value(content, kind=None, source="run"):
    kinds = {bool: AttributeType.BOOL, int: AttributeType.INT, float: AttributeType.FLOAT, str: AttributeType.STRING}
    return Value(kind or kinds[type(content)], content, source, 0)


def test_a_fork_changes_what_differs_from_the_parent():
    parent = {"lr": value(0.1), "depth": value(4), "note": value("a")}
    child = {"lr": value(0.2), "depth": value(4), "schedule": value("cosine")}

    changes = [(change.path, change.kind) for change in config_changes(parent, child)]

    assert changes == [("lr", "changed"), ("note", "removed"), ("schedule", "added")]


def test_what_runfork_fills_in_is_no_change():
    child = {"sys/name": value("a"), "runtime/details/host": value("b"), "source_code/commit": value("c")}

    assert config_changes({}, child) == []


def test_series_and_files_are_no_configs():
    child = {
        "loss": value(0.1, AttributeType.FLOAT_SERIES),
        "weights": value("reference", AttributeType.FILE),
    }

    assert config_changes({}, child) == []


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        (value(math.nan), value(math.nan), True),
        (value(1), value(1.0), True),
        (value(1), value(True), False),
        (value("1"), value(1), False),
        (value(1.0), None, False),
        (None, None, True),
        (value(frozenset("ab"), AttributeType.STRING_SET), value(frozenset("ba"), AttributeType.STRING_SET), True),
    ],
)
def test_values_are_the_same_if_they_read_the_same(left, right, is_same):
    assert same_value(left, right) is is_same


def test_a_comparison_has_every_path_of_every_run():
    rows = compare_values([{"a": value(1), "b": value(2)}, {"b": value(2), "c": value(3)}])

    assert [(row.path, row.differs) for row in rows] == [("a", True), ("b", False), ("c", True)]


def test_a_run_compared_with_itself_does_not_differ():
    values = {"a": value(math.nan), "b": value("x")}

    assert not any(row.differs for row in compare_values([values, values, values]))
