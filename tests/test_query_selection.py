from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import ArgumentError, RunforkWarning
from runfork.model.attributes import AttributeType
from runfork.model.filters import Attribute, Filter
from runfork.query.selection import check_selector, select
from runfork.query.source import Source
from runfork.testing.histories import HistoryWriter

if TYPE_CHECKING:
    from runfork.index.interface import Index


FLOATS = (AttributeType.FLOAT_SERIES,)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, ["r5", "r4", "r3", "r2", "r1"]),
        ("r[12]", ["r2", "r1"]),
        ("r & !1 & !2 | r1", ["r5", "r4", "r3", "r1"]),
        (["r1", "r4", "missing"], ["r4", "r1"]),
        (("r1", "r1"), ["r1"]),
        ("missing", []),
        (Filter.lt(Attribute("loss", "float_series"), 2), ["r4"]),
        (Filter.gt(Attribute("lr", "float"), 0.05), ["r2", "r1"]),
        (Filter.contains_all("sys/tags", "good"), ["r2"]),
        (Filter.parse('`lr`:string == "auto"'), ["r3"]),
        (Filter.name("gull"), ["r2", "r1"]),
        (~Filter.name(["gull"]) & ~Filter.exists("loss"), ["r5", "r3"]),
        (Filter.parse(""), ["r5", "r4", "r3", "r2", "r1"]),
    ],
)
def test_selects_runs_latest_first(five_runs: Source, selector: Any, expected: list[str]) -> None:
    assert expected == select(five_runs, "run", selector, is_listing=True).labels


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, [("tern", "r3"), ("gull", "r2")]),
        ("u", [("gull", "r2")]),
        (["tern"], [("tern", "r3")]),
        (Filter.eq(Attribute("lr", "float"), 0.1), []),
        (Filter.eq(Attribute("lr", "float"), 0.2), [("gull", "r2")]),
    ],
)
def test_selects_experiments_by_their_heads(five_runs: Source, selector: Any, expected: list[tuple[str, str]]) -> None:
    found = select(five_runs, "experiment", selector)

    assert expected == list(zip(found.labels, found.run_ids, strict=True))


@pytest.mark.parametrize(
    ("kind", "selector", "message"),
    [
        ("run", ["r1", "r10"], "project 'local/test' has no run 'r10'; did you mean 'r1'?"),
        ("run", ["gull"], "project 'local/test' has no run 'gull'; experiments= takes experiments"),
        ("run", "tern", "project 'local/test' has no run that matches 'tern'; experiments= takes experiments"),
        ("run", ["^r1"], "project 'local/test' has no run '^r1'; a list has exact names, pass a pattern as a str"),
        ("run", ["what", "ever"], "project 'local/test' has no run 'ever', 'what'"),
        ("experiment", ["tern", "gulls"], "project 'local/test' has no experiment 'gulls'; did you mean 'gull'?"),
        ("experiment", "r2", "project 'local/test' has no experiment that matches 'r2'; runs= takes runs"),
    ],
)
def test_names_that_are_not_there_are_told_with_the_closest(
    five_runs: Source, kind: Any, selector: Any, message: str
) -> None:
    with pytest.warns(RunforkWarning) as caught:
        select(five_runs, kind, selector)

    assert [message] == [str(one.message) for one in caught]
    assert __file__ == caught[0].filename


@pytest.mark.parametrize("kind", ["run", "experiment"])
def test_a_filter_that_is_passed_as_a_name_is_told_as_one(five_runs: Source, kind: Any) -> None:
    message = f"{kind}s='lr < 0.1' is a pattern of names, and none matches; as a filter it is {kind}s=Filter.parse('lr < 0.1')"
    with pytest.raises(ArgumentError, match=re.escape(message)):
        select(five_runs, kind, "lr < 0.1", is_listing=True)


def test_the_first_words_of_a_generated_id_name_the_run(index: Index) -> None:
    ids = [
        "warm-ocean-20250319124841544-y56es",
        "cold-ocean-20250319124841544-aaaaa",
        "cold-ocean-20250319124841544-bbbbb",
        "seed-10",
    ]
    for run_id in ids:
        index.apply(HistoryWriter(run_id).create().batch())
    five_runs = Source("local/test", index)

    assert [ids[0]] == select(five_runs, "run", ["warm-ocean"]).labels
    with pytest.raises(ArgumentError, match=f"'cold-ocean' names 2 runs: {ids[1]}, {ids[2]}; give more of the run id"):
        select(five_runs, "run", ["cold-ocean"])
    with pytest.warns(RunforkWarning, match="has no run 'warm-ocaen'; did you mean 'warm-ocean'?"):
        assert [] == select(five_runs, "run", ["warm-ocaen"]).labels
    with pytest.warns(RunforkWarning, match="has no run 'seed-1'; did you mean 'seed-10'?"):
        assert [] == select(five_runs, "run", ["seed-1"]).labels


def test_limit_counts_what_the_pattern_selects(five_runs: Source) -> None:
    assert ["r3", "r2"] == select(five_runs, "run", "r[123]", limit=2).labels
    assert ["r5"] == select(five_runs, "run", None, limit=1).labels


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ([], "runs must have at least one name, found an empty list"),
        (["a", 3], "runs must have strings only, found 3"),
        (3, "runs must be a name pattern, a list of exact run ids or a Filter, found 3"),
        ({"a": 1}, "found {'a': 1}"),
        ("(", "no regular expression"),
    ],
)
def test_refuses_what_selects_no_runs(selector: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        check_selector("run", selector)

    assert message in str(caught.value)
