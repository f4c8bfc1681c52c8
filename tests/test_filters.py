from __future__ import annotations

import enum
import functools
import math
import operator
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answers import both_indexes
from tests.strategies import FLOATS, MOMENTS, examples

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.index.interface import RunsQuery
from runfork.model.filters import AllOf, AnyOf, Attribute, Comparison, Filter, Not
from runfork.query.selection import select
from runfork.query.source import Source
from runfork.testing.histories import HistoryWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.trials import Tried

    from runfork.index.interface import Index
    from runfork.journal.records import Batch

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


def test_filters_joined_by_the_words_of_python_are_refused() -> None:
    with pytest.raises(
        ArgumentTypeError, match="combined with & | ~, found the filter `val/loss` < 0.3 with and, or, not, or if"
    ):
        _ = UNCHECKED.lt("val/loss", 0.3) and UNCHECKED.eq("lr", 1)
    for use in (lambda one: one or one, lambda one: not one, lambda one: one or None):
        for one in (Filter.exists("a"), Filter.exists("a") & Filter.exists("b"), AllOf(())):
            with pytest.raises(ArgumentTypeError, match="combined with"):
                use(one)


def test_a_filter_made_of_text_says_how_text_is_read() -> None:
    with pytest.raises(ArgumentTypeError, match=r"Filter\.parse, .*found Filter\('lr < 1'\)"):
        UNCHECKED("lr < 1")


def test_numpy_scalars_are_the_numbers_inside_them() -> None:
    assert Filter.gt("lr", 3) == UNCHECKED.gt("lr", np.int64(3))


class Level(enum.IntEnum):
    LOW = 3


class Word(str, enum.Enum):
    ADAM = "adam"


@pytest.mark.timeout(20)
def test_members_of_enumerations_are_compared_at_once() -> None:
    assert Filter.gt("lr", 3) == UNCHECKED.gt("lr", Level.LOW)
    assert Filter.contains_all("a", ["adam", "b"]) == UNCHECKED.contains_all("a", (Word.ADAM, "b"))
    assert Filter.contains_all("a", "adam") == UNCHECKED.contains_all("a", Word.ADAM)
    assert Filter.name(["adam"]) == UNCHECKED.name([Word.ADAM])
    with both_indexes() as indexes:
        for index in indexes:
            index.apply(HistoryWriter("r").create().configs({"lr": 4}).batch())
            unchecked = Comparison(Attribute("lr"), ">", Level.LOW)
            assert ["r"] == select(Source("local/test", index), "run", unchecked).run_ids


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: UNCHECKED.eq("a", ["t"]),
            "compares numbers, strings, bools and datetimes, found \\['t'\\]; Filter.contains_all",
        ),
        (lambda: UNCHECKED.eq("a", None), "found None; Filter.exists asks whether a value is there"),
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
        UNCHECKED.eq("a", ["t"])


# Any filter, on runs with any values, against a naive evaluator

KINDS = "float float float_series float_series int bool string datetime string_set file string_series none".split()
WORDS = st.sampled_from(["", "t", "u", "tu", "é", "a b", "t\0u", "%", "_", "日本", '"`\\', "AND"])
INT64 = st.integers(-3, 3) | st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, -(2**63)])
MANY_FLOATS = st.booleans().flatmap(lambda few: st.sampled_from([math.nan, 0.0, 1.0, math.inf]) if few else FLOATS)
HELD = {
    "float": MANY_FLOATS,
    "int": INT64,
    "bool": st.booleans(),
    "string": WORDS,
    "none": st.none(),
    "datetime": MOMENTS,
    "string_set": st.frozensets(WORDS, max_size=3),
    "file": st.just("digest"),
    "float_series": st.lists(MANY_FLOATS, min_size=1, max_size=4),
    "string_series": st.lists(WORDS, min_size=1, max_size=4),
}
NAMES = ["p", "q", "a `quoted` path"]
HOLDINGS = st.dictionaries(
    st.sampled_from(NAMES),
    st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), HELD[kind])),
    min_size=1,
    max_size=3,
)
RUNS_HELD = st.lists(HOLDINGS, min_size=2, max_size=5)
NUMBERS_ASKED = MANY_FLOATS | INT64 | st.sampled_from([2**63, -(2**70), 10**30])
ASKED = {
    **dict.fromkeys(["float", "int", "float_series"], NUMBERS_ASKED),
    **dict.fromkeys(["string", "string_series"], WORDS),
    "bool": st.booleans(),
    "datetime": MOMENTS,
}
ORDER = ["==", "!=", "<", "<=", ">", ">="]
PATTERNS = st.sampled_from(["t", "^t", "u$", "t.?u", "", "[é日]"])
OF_TEXT = {"MATCHES": PATTERNS, "NOT MATCHES": PATTERNS, "CONTAINS": WORDS, "NOT CONTAINS": WORDS}
KINDS_OF_TEXT = ("string", "string_series", "string_set")


@st.composite
def fitting(draw: st.DrawFn, runs: list[dict[str, tuple[str, Any]]]) -> Comparison:
    """Return a comparison that suits a type, mostly one that some run has there, often with the value that it has."""
    held = [(name, *holding) for run in runs for name, holding in run.items()]
    name, kind, value = draw(st.sampled_from(NAMES)), draw(st.sampled_from(KINDS)), None
    if held and draw(st.sampled_from([True, True, True, False])):
        name, kind, value = draw(st.sampled_from(held))
    attribute = Attribute(name, kind)
    signs: list[Any] = ["EXISTS", *(ORDER if kind in ASKED else []), *(OF_TEXT if kind in KINDS_OF_TEXT else [])]
    sign = draw(st.sampled_from(signs))
    if sign not in ORDER:
        return Comparison(attribute, sign, draw(OF_TEXT.get(sign, st.none())))
    values = value if isinstance(value, (list, frozenset)) else [value]
    is_known = value is not None and values and draw(st.booleans())
    return Comparison(attribute, sign, draw(st.sampled_from(sorted(values, key=repr)) if is_known else ASKED[kind]))


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
    def larger(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        parts = st.lists(inner, max_size=3).map(tuple)
        return st.builds(AllOf, parts) | st.builds(AnyOf, parts) | st.builds(Not, inner)

    return st.recursive(leaves, larger, max_leaves=8)


UNFIT = st.builds(
    Comparison,
    st.builds(Attribute, st.sampled_from([*NAMES, "nobody/has/it"]), st.none() | st.sampled_from(KINDS)),
    st.sampled_from(ORDER),
    NUMBERS_ASKED | WORDS | st.booleans() | MOMENTS,
)


@st.composite
def questions(draw: st.DrawFn, *, has_unfit: bool) -> tuple[list[Any], dict[str, Any], list[Filter]]:
    """Return what runs hold, what comes later, and filters."""
    runs = draw(RUNS_HELD)
    leaves = fitting(runs) | UNFIT if has_unfit else fitting(runs)
    return runs, draw(HOLDINGS), draw(st.lists(leaves | trees(leaves), min_size=5, max_size=12))


def family(kind: str) -> str:
    return "number" if kind in ("int", "float") else kind


def naively_holds(condition: Filter, run: Mapping[str, tuple[str, Any]], *, finds_nan: bool) -> bool:
    """Say whether a run satisfies a condition, straight from the rules; `finds_nan`: ``== NaN`` finds NaN, as for users."""
    if isinstance(condition, AllOf):
        return all(naively_holds(part, run, finds_nan=finds_nan) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(naively_holds(part, run, finds_nan=finds_nan) for part in condition.parts)
    if isinstance(condition, Not):
        return not naively_holds(condition.part, run, finds_nan=finds_nan)
    assert isinstance(condition, Comparison)
    kind, value = run.get(condition.attribute.name, ("", None))
    if kind in ("", "none") or (
        condition.attribute.type is not None and family(condition.attribute.type) != family(kind)
    ):
        return False
    if condition.operator == "EXISTS":
        return True
    return naively_compares(kind, value[-1] if kind.endswith("_series") else value, condition, finds_nan=finds_nan)


def naively_compares(kind: str, value: Any, condition: Comparison, *, finds_nan: bool) -> bool:
    asked: Any = condition.value
    word = condition.operator.removeprefix("NOT ")
    if word in ("MATCHES", "CONTAINS"):
        if kind not in ("string", "string_series", "string_set"):
            return False
        texts = value if kind == "string_set" else [value]
        found = asked in value if word == "CONTAINS" else any(re.search(asked, text) for text in texts)
        return found is (word == condition.operator)
    numbers, texts = ("float", "int", "float_series"), ("string", "string_series")
    is_alike = (
        (kind == "bool" and isinstance(asked, bool))
        or (kind in numbers and isinstance(asked, (int, float)) and not isinstance(asked, bool))
        or (kind in texts and isinstance(asked, str))
        or (kind == "datetime" and isinstance(asked, datetime))
    )
    if not is_alike:
        return condition.operator == "!="
    if finds_nan and isinstance(asked, float) and math.isnan(asked):
        is_nan = isinstance(value, float) and math.isnan(value)
        return {"==": is_nan, "!=": not is_nan}.get(condition.operator, False)
    signs = dict(zip(ORDER, "eq ne lt le gt ge".split(), strict=True))
    return bool(getattr(operator, signs[condition.operator])(value, asked))


def write_holdings(runs: list[dict[str, tuple[str, Any]]], others: dict[str, tuple[str, Any]]) -> list[Batch]:
    """Return the journals of runs; of each path, `others` come later and are of another family: they do not count."""
    batches = []
    for number, run in enumerate(runs):
        journal = HistoryWriter(f"r{number}").create()
        for path, (kind, value) in [*run.items(), *others.items()]:
            if (kind, value) != run.get(path) and (
                path not in run or "none" in (kind, run[path][0]) or family(run[path][0]) == family(kind)
            ):
                continue
            write_value(journal, path, kind, value)
        batches.append(journal.batch())
    return batches


def write_value(journal: HistoryWriter, path: str, kind: str, value: Any) -> None:
    if kind == "string_set":
        journal.string_set(path, value)
    elif kind == "file":
        journal.files({path: value})
    elif kind in ("float_series", "string_series"):
        for step, one in enumerate(value):
            journal.metrics({path: one}, step) if kind == "float_series" else journal.strings({path: one}, step)
    else:
        journal.configs({path: value})


def indexes_of(runs: list[Any], others: dict[str, Any]) -> Iterator[Index]:
    """Yield an index of each of our kinds that has taken in some runs."""
    with both_indexes() as indexes:
        for index in indexes:
            for batch in write_holdings(runs, others):
                index.apply(batch)
            yield index


def naively_found(condition: Filter, runs: list[Any], *, finds_nan: bool) -> list[str]:
    return [f"r{at}" for at, run in enumerate(runs) if naively_holds(condition, run, finds_nan=finds_nan)]


@pytest.mark.timeout(3600)
def test_any_filter_finds_what_a_naive_evaluator_finds(tried: Tried) -> None:
    seen = []

    @examples(75)
    @given(questions(has_unfit=True))
    def holds(question: tuple[list[Any], dict[str, Any], list[Filter]]) -> None:
        runs, others, conditions = question
        for index in indexes_of(runs, others):
            for condition in conditions:
                expected = naively_found(condition, runs, finds_nan=False)
                found = index.runs(RunsQuery(filter=condition))
                assert expected == sorted(row.node.run_id for row in found.rows)
                assert len(expected) == found.total
        seen.append(len(conditions))

    holds()
    tried(
        "any filter on runs with values of every type, in both indexes, against a naive evaluator",
        times=len(seen),
        outcome=f"{sum(seen):,} filters find the same runs",
    )


@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:the filter names:runfork.RunforkWarning")  # of paths that no run happens to have
def test_any_filter_that_fits_finds_the_same_as_text(tried: Tried) -> None:
    seen = []

    @examples(50)
    @given(questions(has_unfit=False))
    def holds(question: tuple[list[Any], dict[str, Any], list[Filter]]) -> None:
        runs, others, conditions = question
        for index in indexes_of(runs, others):
            source = Source("local/test", index)
            for condition in conditions:
                expected = naively_found(condition, runs, finds_nan=True)
                for one in (condition, Filter.parse(condition.to_query())):
                    assert expected == sorted(select(source, "run", one).run_ids)
        seen.append(len(conditions))

    holds()
    tried(
        "filters whose values fit their types, as objects and as text, through the query API",
        times=len(seen),
        outcome=f"{sum(seen):,} filters find the same runs as a naive evaluator",
    )
