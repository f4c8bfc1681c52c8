from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS, examples

from runfork.errors import ArgumentError
from runfork.model.patterns import Pattern, compile_pattern

if TYPE_CHECKING:
    from tests.trials import Tried

NAMES = ["train/loss", "val/loss", "val/acc", "my metric", "!important"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss", {"train/loss", "val/loss"}),
        ("^val/", {"val/loss", "val/acc"}),
        ("", set(NAMES)),
        ("train | acc", {"train/loss", "val/acc"}),
        ("val & loss", {"val/loss"}),
        ("!val", {"train/loss", "my metric", "!important"}),
        ("loss & !train", {"val/loss"}),
        ("loss & !train | important", {"val/loss", "!important"}),
        ("! loss & !metric", {"val/acc", "!important"}),
        ("my\\x20metric", {"my metric"}),
        ("my metric", {"my metric"}),
        ("\\x21", {"!important"}),
        ("train|acc", {"train/loss", "val/acc"}),
        ("train\n| acc", {"train/loss", "val/acc"}),
        ("\n  train |\n  acc\n", {"train/loss", "val/acc"}),
        ("loss\n\t& !train\r\n|\timportant", {"val/loss", "!important"}),
    ],
)
def test_selects(text: str, expected: set[str]) -> None:
    pattern = compile_pattern(text)

    assert expected == {name for name in NAMES if pattern.matches(name)}


def test_exact_names_match_themselves_only() -> None:
    pattern = Pattern(names=frozenset({"val/acc", "a.c"}))

    assert {"val/acc"} == {name for name in ["val/acc", "val/accuracy", "abc"] if pattern.matches(name)}


@given(st.text(CHARACTERS, max_size=20))
def test_an_escaped_name_matches_itself(name: str) -> None:
    escaped = re.escape(name).replace("\\ ", "\\x20").replace("!", "\\x21")

    assert compile_pattern(f"^{escaped}$").matches(name)


@pytest.mark.parametrize("text", ["(", "a | *", "a & [", "!("])
def test_what_is_no_regular_expression_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="is no regular expression"):
        compile_pattern(text)


BLANKS = st.text(" \n\t", min_size=1, max_size=3)
PARTS = st.tuples(st.booleans(), st.text("ab/", max_size=2))


def test_any_alternatives_of_parts_select_what_a_plain_reading_selects(tried: Tried) -> None:
    seen = []

    @examples(200)
    @given(
        st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=1, max_size=3),
        st.text("ab/", max_size=5),
        BLANKS,
        BLANKS,
    )
    def holds(alternatives: list[list[tuple[bool, str]]], name: str, before: str, after: str) -> None:
        text = f"{before}|{after}".join(
            f"{after}&{before}".join(("!" if negated else "") + word for negated, word in parts)
            for parts in alternatives
        )
        expected = any(all((word in name) is not negated for negated, word in parts) for parts in alternatives)

        assert expected == compile_pattern(text).matches(name)
        seen.append(1)

    holds()
    tried("patterns of alternatives, parts and negations", times=len(seen), outcome="as a plain reading")


@given(st.text(st.sampled_from("ab|&!()[]{}*+?^$\\ -") | st.characters(), max_size=20))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        compile_pattern(text).matches("a name")
    except ArgumentError as error:
        assert "is no regular expression" in str(error)  # noqa: PT017


@given(
    st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3),
    st.sets(st.text("abc", max_size=3), max_size=3),
)
def test_a_set_of_texts_is_asked_part_by_part(words: list[str], texts: set[str]) -> None:
    has = {word: any(word in text for text in texts) for word in words}

    assert all(has.values()) is compile_pattern(" & ".join(words)).matches_together(texts)
    assert any(has.values()) is compile_pattern(" | ".join(words)).matches_together(texts)
    assert any(has.values()) is not compile_pattern(" & ".join(f"!{word}" for word in words)).matches_together(texts)


@pytest.mark.parametrize("text", [r"a\ ", r"\ a\ ", r" a\  ", r"b | a\ ", r"!b & a\ "])
def test_an_escaped_space_at_the_end_belongs_to_the_pattern(text):
    assert compile_pattern(text).matches(" a ")
    assert not compile_pattern(text).matches("a")
