# pyright: reportArgumentType=false, reportOptionalMemberAccess=false
import argparse
import collections
import dataclasses
import enum
import json
import math
import types
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS, examples

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.attributes import AttributeType, check_path, check_series_path
from runfork.model.conversion import convert_config, convert_metric
from runfork.model.flattening import flatten
from runfork.model.histograms import convert_histogram
from runfork.types import Histogram


class Colour(enum.Enum):
    RED = "r"


class Level(enum.IntEnum):
    LOW = 3


class Word(str, enum.Enum):
    ADAM = "adam"


class Hostile:
    """A value whose every way to be read raises."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __float__ = __int__ = __str__

    @property
    def item(self):
        raise RuntimeError("no item")


# Paths


@pytest.mark.parametrize("path", ["a", "a/b", "/a", "a/", "ä/β", "x y", "a\nb", "x" * 1024, "ü" * 512, "`a`", "%2F"])
def test_any_text_up_to_1024_bytes_is_a_path(path):
    assert path == check_path(path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "must not be empty"),
        ("x" * 1025, "found 1025 in 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'...; shorten it"),
        ("ü" * 513, "may have 1024 bytes, found 1026"),
        ("a\0b", "without NUL"),
        ("a\ud800", "must be text"),
    ],
)
def test_text_that_cannot_be_a_path_is_refused(path, said):
    with pytest.raises(ArgumentError, match=said.replace(".", r"\.")):
        check_path(path)


@pytest.mark.parametrize("path", [None, 1, b"a", ("a",)])
def test_a_path_that_is_no_string_is_a_type_error(path):
    with pytest.raises(ArgumentTypeError, match="an attribute path must be a string, found "):
        check_path(path)


@pytest.mark.parametrize("path", ["sys/tags", "sys/custom_run_id", "sys"])
def test_series_stay_out_of_the_system_namespace(path):
    with pytest.raises(ArgumentError, match="choose a path outside sys/"):
        check_series_path(path)


def test_series_may_be_anywhere_else():
    assert check_series_path("system/cpu") == "system/cpu"


# Flattening


@dataclasses.dataclass
class Optimizer:
    name: str
    betas: tuple[float, float] = (0.9, 0.999)


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024


def test_nested_parts_become_paths():
    flat = flatten(
        {
            "optimizer": Optimizer("adam"),
            "data": {"size": 3, 4: {"deep": True}},
            "arguments": argparse.Namespace(lr=1e-3, more=types.SimpleNamespace(a=1)),
            "point": Point(1, 2),
            "list": [{"kept": "whole"}],
            "empty": {},
        }
    )

    assert flat == {
        "optimizer/name": "adam",
        "optimizer/betas": (0.9, 0.999),
        "data/size": 3,
        "data/4/deep": True,
        "arguments/lr": 1e-3,
        "arguments/more/a": 1,
        "point/x": 1,
        "point/y": 2,
        "list": [{"kept": "whole"}],
    }


def test_a_mapping_that_contains_itself_is_flattened_once():
    loop: dict[str, Any] = {"a": 1}
    loop["self"] = {"inner": loop}

    assert flatten(loop) == {"a": 1, "self/inner": "<recursion: dict>"}


def test_a_mapping_nested_beyond_all_reason_is_cut_off():
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    deep["b"] = 1

    assert flatten(deep)["b"] == 1


@pytest.mark.parametrize("data", [None, 3, "text", [1], [("a", 1)], Optimizer])
def test_something_without_named_parts_cannot_be_flattened(data):
    with pytest.raises(ArgumentTypeError, match="configs must be a mapping or a dataclass, found "):
        flatten(data)


def test_a_prefix_stands_in_front():
    assert flatten({"a": 1}, prefix="p") == {"p/a": 1}


class OmegaConfLike:
    def __init__(self, **parts):
        self._parts = parts

    def keys(self):
        return self._parts.keys()

    def __getitem__(self, key):
        return self._parts[key]


def test_an_object_with_keys_is_a_mapping():
    assert flatten(OmegaConfLike(model=OmegaConfLike(width=3))) == {"model/width": 3}


KEYS = st.text(st.characters(exclude_characters="/"), max_size=4)
LEAVES = st.integers() | st.text(CHARACTERS, max_size=3) | st.none() | st.lists(st.integers(), max_size=2)
LIKE_A_MAPPING = [dict, collections.OrderedDict, types.MappingProxyType, lambda parts: OmegaConfLike(**parts)]
NESTED = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS.filter(bool), inner, max_size=3), max_leaves=12)


def test_flat_paths_lead_to_the_leaves_that_they_name(tried):
    seen: list[int] = []

    def wrapped(value, wraps):
        """Return the same tree with some of its mappings in other forms."""
        if not isinstance(value, dict):
            return value
        wrap = wraps[len(seen) % len(wraps)]
        return wrap({key: wrapped(part, wraps) for key, part in value.items()})

    @examples(100)
    @given(
        st.dictionaries(KEYS.filter(bool), NESTED, max_size=4), st.lists(st.sampled_from(LIKE_A_MAPPING), min_size=1)
    )
    def holds(data, wraps):
        flat = flatten(wrapped(data, wraps))
        for path, leaf in flat.items():
            found: Any = data
            for key in path.split("/"):
                found = found[key]
            assert found == leaf
        assert len(flat) == leaves_of(data)
        seen.append(len(flat))

    holds()
    tried(
        "nested mappings of many forms, flattened", times=len(seen), outcome="every leaf under its path, and no other"
    )


def leaves_of(value):
    return sum(map(leaves_of, value.values())) if isinstance(value, dict) else 1


@dataclasses.dataclass
class Holder:
    value: Any


def test_any_value_becomes_a_config_or_is_refused(tried):
    outcomes: collections.Counter[str] = collections.Counter()

    @examples(200)
    @given(ANY_VALUE)
    def holds(value):
        try:
            kind, held = convert_config(value)
        except ArgumentError:
            outcomes["refused"] += 1
            return
        outcomes[kind.value] += 1
        assert {"string": "str", "datetime": "int", "string_set": "list", "none": "NoneType"}.get(
            kind.value, kind.value
        ) == type(held).__name__
        assert repr(json.loads(json.dumps(held))) == repr(held)
        assert kind is not AttributeType.INT or -(2**63) <= held < 2**63

    holds()
    tried(
        "any Python value as a config",
        times=sum(outcomes.values()),
        outcome=f"{outcomes['refused']:,} refused, the others held as one of seven types; nothing raised through",
    )


ANY_VALUE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(2**62, 2**70),
        st.floats(),
        st.complex_numbers(),
        st.text(CHARACTERS),
        st.binary(),
        st.datetimes(),
        st.datetimes(timezones=st.timezones()),
        st.timedeltas(),
        st.decimals(),
        st.fractions(),
        st.sampled_from([Colour.RED, Level.LOW, Word.ADAM, int, print, np.float32(0.1), np.array([1, 2])]),
        st.builds(Hostile),
        st.sampled_from([np.int64(-3), np.array(2.5), np.datetime64("NaT", "us"), np.bool_(True), range(3)]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(CHARACTERS, max_size=2), inner, max_size=2)
        | st.builds(Holder, inner)
    ),
    max_leaves=5,
)


# Configs


@pytest.mark.parametrize(
    ("value", "kind", "held"),
    [
        (True, AttributeType.BOOL, True),
        (np.True_, AttributeType.BOOL, True),
        (3, AttributeType.INT, 3),
        (np.int64(3), AttributeType.INT, 3),
        (np.array(3), AttributeType.INT, 3),
        (Level.LOW, AttributeType.INT, 3),
        (2**63 - 1, AttributeType.INT, 2**63 - 1),
        (-(2**63), AttributeType.INT, -(2**63)),
        (2**63, AttributeType.STRING, str(2**63)),
        (0.5, AttributeType.FLOAT, 0.5),
        (np.float32(0.5), AttributeType.FLOAT, 0.5),
        (np.float64(0.5), AttributeType.FLOAT, 0.5),
        (np.array([0.5]), AttributeType.FLOAT, 0.5),
        (Fraction(1, 2), AttributeType.FLOAT, 0.5),
        (Decimal("0.1"), AttributeType.FLOAT, 0.1),
        ("adam", AttributeType.STRING, "adam"),
        (np.str_("adam"), AttributeType.STRING, "adam"),
        (Word.ADAM, AttributeType.STRING, "adam"),
        (Colour.RED, AttributeType.STRING, "RED"),
        (None, AttributeType.NONE, None),
        (Path("a/b"), AttributeType.STRING, "a/b"),
        (b"raw", AttributeType.STRING, "raw"),
        (1j, AttributeType.STRING, "1j"),
        (date(2026, 1, 2), AttributeType.STRING, "2026-01-02"),
        (["b", "a", "b"], AttributeType.STRING_SET, ["b", "a", "b"]),
        (("a",), AttributeType.STRING_SET, ["a"]),
        ({"a"}, AttributeType.STRING_SET, ["a"]),
        (frozenset(), AttributeType.STRING, "[]"),
        ([], AttributeType.STRING, "[]"),
        ([1, 2.5, None, "x"], AttributeType.STRING, '[1, 2.5, null, "x"]'),
        ([np.float32(0.5), np.int64(1)], AttributeType.STRING, "[0.5, 1]"),
        ([{"a": {1}}], AttributeType.STRING, '[{"a": [1]}]'),
        ([Optimizer], AttributeType.STRING_SET, [f"{__name__}.Optimizer"]),
        ({1, 2}, AttributeType.STRING, "[1, 2]"),
        (range(3), AttributeType.STRING, "[0, 1, 2]"),
        ([{(1, 2): 3}], AttributeType.STRING, '[{"[1, 2]": 3}]'),
        (np.array([1, 2]), AttributeType.STRING, "[1, 2]"),
    ],
)
def test_config_values_keep_their_type_where_there_is_one(value, kind, held):
    assert (kind, held) == convert_config(value)


def test_nan_and_infinity_are_floats():
    kind, held = convert_config(math.nan)

    assert kind is AttributeType.FLOAT
    assert math.isnan(held)


def test_tensors_are_numbers():
    torch = pytest.importorskip("torch")

    assert convert_config(torch.tensor(3)) == (AttributeType.INT, 3)
    assert convert_config(torch.tensor([0.5], requires_grad=True)) == (AttributeType.FLOAT, 0.5)
    assert convert_config(torch.tensor(True)) == (AttributeType.BOOL, True)
    assert convert_config(torch.bfloat16) == (AttributeType.STRING, "torch.bfloat16")


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        (datetime(1970, 1, 1, tzinfo=timezone.utc), 0),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc), 1_767_323_045_678_901),
        (datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc), -1),
    ],
)
def test_datetimes_are_microseconds_since_1970(value, micros):
    assert (AttributeType.DATETIME, micros) == convert_config(value)


def test_a_naive_datetime_is_local_time():
    moment = datetime(2026, 7, 1, 12)  # noqa: DTZ001

    assert convert_config(moment) == convert_config(moment.astimezone())


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])  # noqa: DTZ901
def test_datetimes_that_local_time_cannot_reach_are_held_all_the_same(moment):
    assert convert_config(moment)[0] is AttributeType.DATETIME


def test_a_string_of_one_mebibyte_is_the_longest():
    assert convert_config("x" * 2**20)[0] is AttributeType.STRING

    with pytest.raises(
        ArgumentError, match="a string may have 1 MiB of UTF-8, found 1048577 bytes; log it with assign_"
    ):
        convert_config("x" * (2**20 + 1))


def test_a_string_set_has_one_mebibyte_in_all():
    with pytest.raises(ArgumentError, match="a collection may have 1 MiB in all"):
        convert_config([f"{number:03}" * 1000 for number in range(400)])


def test_lone_surrogates_are_kept():
    assert convert_config("a\ud800") == (AttributeType.STRING, "a\ud800")


def test_unknown_objects_are_offered_to_the_fallback_first():
    class Known:
        pass

    assert convert_config(Known(), fallback=lambda _: 3) == (AttributeType.INT, 3)
    assert convert_config(Path("p"), fallback=lambda _: None) == (AttributeType.STRING, "p")


@pytest.mark.parametrize("value", [Hostile(), [Hostile()], Fraction(10**400), {1: Hostile()}.values()])
def test_a_value_that_cannot_be_read_is_refused_and_not_raised_through(value):
    with pytest.raises(ArgumentError, match="could not be read"):
        convert_config(value)


def test_a_list_that_contains_itself_is_text():
    loop: list[Any] = [1]
    loop.append(loop)

    assert convert_config(loop) == (AttributeType.STRING, '[1, "<recursion: list>"]')


def test_missing_times_are_none():
    pandas = pytest.importorskip("pandas")

    assert convert_config(pandas.NaT) == (AttributeType.NONE, None)


# Metrics


@pytest.mark.parametrize(
    "value", [1, True, 1.0, "1.0", np.float16(1), np.array(1.0), np.array([[1.0]]), Decimal(1), Fraction(1)]
)
def test_numbers_are_metric_values(value):
    assert convert_metric(value) == 1.0


@pytest.mark.parametrize("value", [None, "high", [], [1.0], {}, np.array([1, 2]), 1j, object(), 10**400, Hostile()])
def test_what_is_no_number_is_no_metric_value(value):
    with pytest.raises(ArgumentError, match="a metric value must be (a|one) number, found "):
        convert_metric(value)


# Histograms


untyped: Any = Histogram
"""For arguments that no type checker would let pass."""


def test_histograms_are_lists_of_numbers():
    held = convert_histogram(Histogram(np.array([0.0, 1.0, 2.0]), counts=np.array([3, 4])))

    assert held == {"edges": [0.0, 1.0, 2.0], "counts": [3, 4]}


def test_densities_are_floats():
    assert convert_histogram(Histogram([0, 1], densities=[0.5])) == {"edges": [0.0, 1.0], "densities": [0.5]}


@pytest.mark.parametrize(
    ("histogram", "said"),
    [
        (Histogram([0, 1]), "exactly one"),
        (Histogram([0, 1], counts=[1], densities=[1.0]), "exactly one"),
        (Histogram([0], counts=[]), "2 to 513 strictly increasing finite edges"),
        (Histogram([1, 0], counts=[1]), "strictly increasing"),
        (Histogram([0, 0], counts=[1]), "strictly increasing"),
        (Histogram([0, math.nan], counts=[1]), "strictly increasing|finite"),
        (Histogram([0, math.inf], counts=[1]), "finite"),
        (Histogram(range(514), counts=[1] * 513), "2 to 513"),
        (Histogram([0, 1], counts=[1, 2]), "with 2 edges needs 1 counts, found 2"),
        (untyped([0, 1], counts=[1.5]), "whole numbers >= 0"),
        (Histogram([0, 1], counts=[-1]), "whole numbers >= 0"),
        (untyped([0, 1], counts=[math.inf]), "whole numbers >= 0"),
        (Histogram([0, 1], densities=[math.nan]), "finite"),
        (untyped(3, counts=[1]), "must be sequences of numbers"),
        (untyped([0, 1], counts=4), "must be sequences of numbers"),
        (untyped(["a", "b"], counts=[1]), "one number"),
    ],
)
def test_a_histogram_that_breaks_a_rule_is_refused(histogram, said):
    with pytest.raises(ArgumentError, match=said):
        convert_histogram(histogram)


def test_a_histogram_is_a_histogram():
    with pytest.raises(ArgumentTypeError, match=r"a histogram must be a runfork\.Histogram, found list"):
        convert_histogram([1, 2])
