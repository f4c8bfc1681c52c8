from __future__ import annotations

import functools
from collections import OrderedDict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from runfork.capture.unknown_values import convert_value
from runfork.model.attributes import AttributeType
from runfork.model.conversion import convert_config
from runfork.plugins import load_plugins
from runfork.writing import BUILT_IN


class Anything:
    def method(self) -> None: ...


def kind_of(value: object) -> str:
    """Name a parameter alike in every process."""
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1, 2, 3]), "[1, 2, 3]"),
        (np.array([[1.5, 2.5]]), "[[1.5, 2.5]]"),
        (np.array([]), "[]"),
        (np.zeros((512, 512), dtype=np.float32), "ndarray(float32, [512, 512])"),
        (np.dtype("int64"), "int64"),
        (np.float32, "numpy.float32"),
        (Path("/data/set"), "/data/set"),
        (b"raw \xff", "raw \\xff"),
        (date(2026, 3, 5), "2026-03-05"),
        (OrderedDict, "collections.OrderedDict"),
        (len, "len"),
        (complex(1, 2), "(1+2j)"),
    ],
    ids=kind_of,
)
def test_value_becomes_text(value: object, expected: str) -> None:
    assert (AttributeType.STRING, expected) == convert_config(value, fallback=convert_value)


@pytest.mark.parametrize(("value", "expected"), [(Decimal("0.5"), 0.5), (timedelta(minutes=1), 60.0)])
def test_value_becomes_a_number(value: object, expected: float) -> None:
    assert (AttributeType.FLOAT, expected) == convert_config(value, fallback=convert_value)


def test_array_of_strings_becomes_a_string_set() -> None:
    assert (AttributeType.STRING_SET, ["a", "b"]) == convert_config(np.array(["a", "b"]), fallback=convert_value)


@pytest.mark.parametrize(
    "value", [Anything(), Anything().method, lambda: None, functools.partial(Anything.method)], ids=kind_of
)
def test_text_is_the_same_in_every_process(value: object) -> None:
    assert "0x" not in str(convert_value(value))


def test_hook_convert_value() -> None:
    assert "collections.OrderedDict" == load_plugins([], built_in=BUILT_IN).convert_value(OrderedDict)
