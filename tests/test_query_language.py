from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS, examples

from runfork.errors import ArgumentError
from runfork.model import query_language
from runfork.model.filters import AllOf, AnyOf, Attribute, Comparison, Filter, Not
from runfork.model.query_language import MAX_DEPTH

if TYPE_CHECKING:
    from tests.trials import Tried

PATHS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
INTEGERS = st.integers(-(10**30), 10**30)
NUMBERS = INTEGERS | st.floats(allow_nan=False)
OFFSETS = st.integers(-86399, 86399).map(lambda seconds: timezone(timedelta(seconds=seconds)))
DATETIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS)  # noqa: DTZ001
TEXTS = st.text(CHARACTERS, max_size=30)
ORDER = ["==", "!=", ">", ">=", "<", "<="]


def any_comparison() -> st.SearchStrategy[Filter]:
    def of(kinds: list[str | None], operators: list[str], values: st.SearchStrategy) -> st.SearchStrategy[Filter]:
        attributes = st.builds(Attribute, PATHS, st.sampled_from(kinds))
        return st.builds(Comparison, attributes, st.sampled_from(operators), values)

    kinds = [None, "float", "int", "bool", "string", "datetime", "string_set", "file", "float_series", "file_series"]
    return st.one_of(
        of([None, "float", "int", "float_series"], ORDER, NUMBERS),
        of([None, "bool", "float"], ["==", "!="], st.booleans()),
        of([None, "datetime"], ORDER, DATETIMES),
        of([None, "string", "string_series"], ORDER, TEXTS),
        of([None, "string", "string_set"], ["MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS"], TEXTS),
        of(kinds, ["EXISTS"], st.none()),
    )


COMPARISONS = any_comparison()
KINDS = st.sampled_from([None, AllOf, AnyOf, Not])
COUNTS = st.sampled_from([2, 3, 0])


@st.composite
def around(draw: st.DrawFn, inner: st.SearchStrategy[Filter]) -> Filter:
    """Return a comparison, or what holds some inner filters."""
    kind = draw(KINDS)
    if kind is None:
        return draw(COMPARISONS)
    if kind is Not:
        return Not(draw(inner))
    parts = tuple(draw(inner) for _ in range(draw(COUNTS)))
    return AllOf(parts) if kind is AllOf else AnyOf(parts)


FILTERS = around(around(around(COMPARISONS)))


@given(FILTERS)
def test_what_was_printed_parses_to_the_same_filter(condition: Filter) -> None:
    once = str(condition)
    parsed = Filter.parse(once)

    assert condition == parsed
    assert once == str(parsed)


WORDS = [
    *("AND OR NOT TRUE FALSE EXISTS MATCHES CONTAINS NOT ( ) : == = != > >= < <= ! last( max( lAsT".split()),
    *('a `a` `` ` a/b \\ " "" "x" "\\" int float bool string datetime string_set floatSeries number fileRef'.split()),
    *(
        '1 -1 1e999 0x1 nan inf 1_000 \u0661 +5 .5 5. true "true" 2026-01-31 2026-01-31T12:00:00Z 2026-02-30T00:00:00'.split()
    ),
    *('9999-12-31T23:59:59-23:59 0001-01-01T00:00:00+23:59 "0001-01-01" 2026-01-31T12:00:00+99:99'.split()),
    '"2026-01-31T12:00:00.1234567890Z"',
    "9" * 500,
    "\0",
    "\ud800",
    "\u2028",
]
ANY_TEXT = st.text(st.sampled_from('`"\\() :=<>!aN.1-') | st.characters(), max_size=40)
SOUP = st.lists(st.sampled_from(WORDS) | ANY_TEXT, max_size=12).flatmap(
    lambda words: st.sampled_from([" ", ""]).map(lambda between: between.join(words))
)
DAMAGED = st.tuples(FILTERS.map(str), st.floats(0, 1), st.integers(0, 4), st.sampled_from(["", *WORDS]))


@pytest.mark.timeout(3600)
def test_any_text_is_read_or_refused_in_one_sentence(tried: Tried) -> None:
    outcomes = {"read": 0, "refused": 0}

    @examples(150)
    @given(ANY_TEXT | SOUP | DAMAGED.map(damaged))
    @example("a:string < 0")
    def holds(text: str) -> None:
        try:
            condition = Filter.parse(text)
        except ArgumentError as error:
            outcomes["refused"] += 1
            place = re.search(r"at character (\d+): ", str(error))
            assert place is not None
            assert 1 <= int(place[1]) <= len(text) + 1
        else:
            outcomes["read"] += 1
            assert repr(condition) == repr(Filter.parse(str(condition)))

    holds()
    tried(
        "any text, soup of words and damaged filters, read as filters",
        times=sum(outcomes.values()),
        outcome=f"{outcomes['read']:,} read, {outcomes['refused']:,} refused with the place",
    )


def damaged(parts: tuple[str, float, int, str]) -> str:
    """Cut a few characters out of a text, and put others there."""
    text, share, count, other = parts
    place = int(share * len(text))
    return text[:place] + other + text[place + count :]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_survive(value: float) -> None:
    for kind in (None, "float"):
        parsed = Filter.parse(str(Filter.ge(Attribute("loss", kind), value)))

        assert repr(Filter.ge(Attribute("loss", kind), value)) == repr(parsed)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("a > 1", Filter.gt("a", 1)),
        ('`train/loss`:floatSeries <= "0.5"', Filter.le(Attribute("train/loss", "float_series"), 0.5)),
        ('last(`train/loss`:floatSeries) <= "0.5"', Filter.le(Attribute("train/loss", "float_series"), 0.5)),
        ('sys/owner:string = "ann"', Filter.eq(Attribute("sys/owner", "string"), "ann")),
        ("`a`:fileRef EXISTS", Filter.exists(Attribute("a", "file"))),
        ("`a`:int NOT EXISTS", ~Filter.exists(Attribute("a", "int"))),
        ('`sys/state`:experimentState == "idle"', Filter.eq(Attribute("sys/state", "string"), "idle")),
        ('`sys/tags`:stringSet CONTAINS "x"', Filter.contains_all(Attribute("sys/tags", "string_set"), "x")),
        ('`sys/tags`:stringSet NOT CONTAINS "x"', Filter.contains_none(Attribute("sys/tags", "string_set"), "x")),
        (r'a MATCHES "\d+\\s \""', Filter.matches("a", '\\d+\\s "')),
        ('a NOT MATCHES "x"', Comparison(Attribute("a"), "NOT MATCHES", "x")),
        ("`a``b` == true", Filter.eq("a`b", True)),
        ("a == 1 or b == 2 and not c == 3", Filter.eq("a", 1) | (Filter.eq("b", 2) & ~Filter.eq("c", 3))),
        ("(a == 1 OR b == 2) AND c == 3", (Filter.eq("a", 1) | Filter.eq("b", 2)) & Filter.eq("c", 3)),
        ('a:bool == "True"', Filter.eq(Attribute("a", "bool"), True)),
        ("", AllOf(())),
        ("  TRUE ", AllOf(())),
        ("false", AnyOf(())),
    ],
)
def test_reads(text: str, condition: Filter) -> None:
    assert condition == Filter.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:30:00Z",
        "2026-01-31 12:30:00.000+00:00",
        "2026-01-31T14:30+0200",
        "2026-01-31T12:30:00.0000004Z",
    ],
)
def test_reads_datetimes_of_every_iso_form(text: str) -> None:
    expected = datetime(2026, 1, 31, 12, 30, tzinfo=timezone.utc)

    assert Filter.lt(Attribute("t", "datetime"), expected) == Filter.parse(f'`t`:datetime < "{text}"')


def test_reads_a_date_as_the_local_midnight_that_begins_it() -> None:
    expected = datetime(2026, 1, 31).astimezone()

    assert Filter.lt(Attribute("t", "datetime"), expected) == Filter.parse('t:datetime < "2026-01-31"')


def test_prints_as_the_grammar_says() -> None:
    condition = Filter.lt(Attribute("train/loss", "float_series"), 0.3) & ~Filter.contains_all("sys/tags", 'de"bug\\')

    expected = '`train/loss`:float_series < "0.3" AND NOT `sys/tags` CONTAINS "de\\"bug\\\\"'
    assert expected == str(condition)


def test_a_path_cannot_smuggle_in_a_condition() -> None:
    condition = Filter.eq("a` EXISTS OR `b", 1)

    assert condition == Filter.parse(str(condition))


@pytest.mark.parametrize(
    ("text", "character", "problem"),
    [
        ("a", 2, "expected an operator"),
        ("a >", 4, "expected a value, found the end"),
        ("a > b", 5, "found 'b'; strings stand in double quotes"),
        ("a > 1 b > 2", 7, "expected AND, OR or the end, found 'b'"),
        ("(a > 1", 7, "closing parenthesis"),
        ("a > 1)", 6, "expected AND, OR or the end"),
        ("`a > 1", 1, "no closing `"),
        ('a == "b', 6, 'no closing "'),
        ("a ! b", 3, "'!' means nothing here"),
        ("a:number > 1", 3, "expected one of the types float, int"),
        ('a:int > "x"', 9, "must be a number"),
        ('a:bool == "1"', 11, 'must be "true" or "false"'),
        ('a:datetime > "2026-13-01"', 14, "must be ISO 8601"),
        ('a:datetime > "yesterday"', 14, "must be ISO 8601"),
        ("a NOT > 1", 7, "EXISTS, MATCHES or CONTAINS after NOT"),
        ("a MATCHES 1", 11, "expected a quoted string"),
        ("`` > 1", 1, "must not be empty"),
        ("max(a) > 1", 1, "not its max"),
        ("AND", 1, "expected an attribute path"),
        ("a > 1 AND", 10, "expected an attribute path"),
    ],
)
def test_says_where_and_why_it_cannot_read(text: str, character: int, problem: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Filter.parse(text)

    assert f"at character {character}:" in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize("opening", ["(", "NOT "])
def test_refuses_text_that_is_nested_too_deep(opening: str) -> None:
    with pytest.raises(ArgumentError, match="within each other"):
        Filter.parse(opening * (MAX_DEPTH + 1) * 50 + "a > 1")


def test_reads_a_thousand_conditions_side_by_side() -> None:
    parsed = Filter.parse(" OR ".join(f"a == {number}" for number in range(1000)))

    assert AnyOf(tuple(Filter.eq("a", number) for number in range(1000))) == parsed


def test_the_documents_have_the_grammar_of_the_module() -> None:
    document = (Path(__file__).parent.parent / "docs" / "query.md").read_text(encoding="utf-8")
    grammar = [line.strip() for line in (query_language.__doc__ or "").splitlines() if line.startswith("    ")]

    expected = "\n".join(grammar)
    assert f"```\n{expected}\n```" in document
