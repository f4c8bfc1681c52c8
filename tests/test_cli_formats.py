"""Values as people and machines read them."""

from __future__ import annotations

import json
import math

import pytest

from runfork.cli.formats import (
    NOTHING,
    format_age,
    format_duration,
    format_number,
    format_range,
    format_size,
    format_value,
    one_line,
)
from runfork.model.attributes import AttributeType, Value
from runfork.model.messages import plural
from runfork.query.documents import json_number, json_time, json_value
from runfork.types import FileReference, Histogram


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, NOTHING),
        (3, "3"),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (1234567.0, "1234567"),
        (1e-8, "1e-08"),
        (math.nan, "NaN"),
        (-math.inf, "-inf"),
        (2**60, str(2**60)),
    ],
)
def test_numbers_are_short(number, text):
    assert format_number(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (45, "45 s"), (200, "3 min 20 s"), (5 * 3600 + 125, "5 h 02 min"), (183600, "2 d 03 h")],
)
def test_durations_have_two_units(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "just now"), (300, "5 min ago"), (7300, "2 h ago"), (90000, "1 d ago")]
)
def test_ages_are_in_words(seconds, text):
    assert format_age(1_700_000_000_000_000, now=1_700_000_000 + seconds) == text


def test_old_moments_are_dates():
    assert format_age(1_700_000_000_000_000, now=1_800_000_000).startswith("2023-11-1")


def test_ranges_are_exact():
    assert format_range(0, 300_000) == "0\u20130.3"


def test_sizes_are_in_units_of_a_thousand():
    assert [format_size(0), format_size(999), format_size(1500), format_size(2e9)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.0 GB",
    ]


def test_one_of_something_is_singular():
    assert [plural(1, "run"), plural(0, "run")] == ["1 run", "0 runs"]


def test_control_characters_become_pictures():
    assert one_line("a\nb\x1b[31m\x7f\x9b") == "a\u240ab\u241b[31m\u2421\ufffd"


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        (AttributeType.BOOL, True, "true"),
        (AttributeType.STRING_SET, frozenset({"b", "a"}), "a, b"),
        (AttributeType.STRING_SET, frozenset(), NOTHING),
        (AttributeType.FILE, FileReference("00", 1500, "text/plain", "a.txt"), "a.txt (1.5 kB)"),
        (AttributeType.HISTOGRAM_SERIES, Histogram([0.0, 1.0, 2.0], [1, 2]), "2 bins from 0 to 2"),
        (AttributeType.FLOAT_SERIES, None, NOTHING),
    ],
)
def test_values_stand_on_one_line(kind, content, text):
    assert format_value(Value(kind, content, "run", 0)) == text


@pytest.mark.parametrize(
    ("number", "expected"),
    [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (1.5, 1.5), (None, None)],
)
def test_json_has_strings_for_numbers_that_it_does_not_know(number, expected):
    assert json_number(number) == expected


def test_json_times_are_utc_with_microseconds():
    assert json_time(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"


def test_json_times_beyond_the_calendar_stay_microseconds():
    assert json_time(10**18) == 10**18


def test_json_values_carry_exact_steps():
    value = Value(AttributeType.FLOAT_SERIES, math.nan, "run", 0, {"last_step": 300_000, "first_step": 0, "min": None})

    document = json.loads(json.dumps(json_value(value)))

    assert document["value"] == "NaN"
    assert document["statistics"] == {"last_step": 0.3, "first_step": 0, "min": None}
