"""docs/values.md, row by row: what becomes of each kind of value."""

from __future__ import annotations

import enum
import functools
import math
import re
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runfork.errors import ArgumentError, RunforkWarning
from runfork.journal.format import Kind
from runfork.model.conversion import datetime_to_micros, plain_value
from runfork.model.filters import Filter
from runfork.query.selection import select
from runfork.query.source import Source
from runfork.testing.histories import HistoryWriter
from runfork.testing.journals import points_of, records_of

DOCUMENT = Path(__file__).parents[1] / "docs" / "values.md"
ROW = re.compile(
    r"^\| `(?P<value>.+?)` \| (?P<config>dropped|(?P<type>\w+) `(?P<held>.+?)`) \| (?P<metric>dropped|`.+?`) \|$",
    re.MULTILINE,
)
NAMES: dict[str, Any] = {
    "np": np,
    "pd": pd,
    "torch": import_module("torch") if find_spec("torch") else None,  # core alone runs without it
    "math": math,
    "functools": functools,
    "enum": enum,
    "Path": Path,
    "datetime": datetime,
    "date": date,
    "time": time,
    "timedelta": timedelta,
    "timezone": timezone,
    "Decimal": Decimal,
    "Fraction": Fraction,
    "__name__": "__main__",
}


def rows() -> list[tuple[str, ...]]:
    """Return the rows of the table; the classes and functions before it are made."""
    text = DOCUMENT.read_text()
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], NAMES)
    table = text.partition("| You log |")[2].partition("\n\n")[0]
    found = [(one["value"], one["type"], one["held"], one["metric"].strip("`")) for one in ROW.finditer(table)]
    assert len(found) == table.count("\n") - 1
    return [row for row in found if NAMES["torch"] is not None or "torch" not in row[0]]


def meant(expression: str) -> Any:
    return eval(expression, NAMES)


@pytest.mark.parametrize(("value", "kind", "held", "metric"), rows())
def test_what_the_document_says_becomes_of_a_value(run, recwarn, value, kind, held, metric):
    run.log_configs({"config": meant(value), "beside": 1})
    run.log_metrics({"metric": meant(value), "beside-it": 1}, step=1)
    body = {path: pair for record in records_of(run.directory, Kind.CONFIGS) for path, pair in record.body.items()}
    found = body.get("config")
    told = [str(warning.message) for warning in recwarn if warning.category is RunforkWarning]

    expected = None if kind is None else [kind, meant(held)]
    if kind == "datetime":
        expected = [kind, datetime_to_micros(meant(held))]
    assert repr(found) == repr(expected)
    points = [one for _, one in points_of(run.directory, "metric")]
    assert repr(points) == repr([] if metric == "dropped" else [meant(metric)])
    assert any("config 'config' was not logged" in one for one in told) == (kind is None)
    assert any("metric 'metric' was not logged" in one for one in told) == (metric == "dropped")
    assert body["beside"] == ["int", 1]


@pytest.mark.parametrize("value", [one for one, kind, *_ in rows() if kind is not None])
def test_a_value_within_a_list_is_what_it_is_alone(value):
    alone = plain_value(meant(value))

    assert repr([alone, "x"]) == repr(plain_value([meant(value), "x"]))
    assert repr({"a": alone}) == repr(plain_value([{"a": meant(value)}])[0])


def test_the_same_objects_are_the_same_text_in_every_process():
    code = (
        "def f(): ...\nclass A: ...\nvalues = [[f], {'b', 'a', 'c'}, {f: A()}, [{A(): {f, A}}], functools.partial(f)]"
    )
    import subprocess
    import sys

    imports = "import functools\nfrom runfork.model.conversion import convert_config"
    script = f"{imports}\n{code}\nprint([convert_config(one) for one in values])"
    said = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }

    assert len(said) == 1
    assert "0x" not in said.pop()


@pytest.mark.parametrize(("value", "kind"), [(value, kind) for value, kind, *_ in rows()])
def test_a_filter_means_by_a_value_what_it_is_as_a_config(index, value, kind):
    if kind not in ("bool", "int", "float", "string", "datetime"):
        with pytest.raises(ArgumentError):
            Filter.eq("x", meant(value))
        return
    index.apply(HistoryWriter("same").create().configs({"x": meant(value)}).batch())
    index.apply(HistoryWriter("other").create().configs({"x": "other"}).batch())

    assert ["same"] == select(Source("local/test", index), "run", Filter.eq("x", meant(value))).run_ids
