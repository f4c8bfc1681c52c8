"""The decision table, row by row."""

from __future__ import annotations

import pytest

from runfork.training.run_choice import RunChoice, choose_run


@pytest.mark.parametrize(
    ("checkpoint", "facts", "expected"),
    [
        ("none", "", RunChoice()),
        ("none", "has_points", RunChoice()),
        ("none", "has_points was_trained", RunChoice(starts_anew=True)),
        ("none", "has_points was_trained goes_on", RunChoice()),
        ("marked", "", RunChoice(origin="mark")),
        ("marked", "has_points", RunChoice(starts_anew=True, origin="mark")),
        ("marked", "has_points was_trained", RunChoice(starts_anew=True, origin="mark")),
        ("marked", "was_trained goes_on", RunChoice(starts_anew=True, origin="mark")),
        ("foreign", "", RunChoice(origin="foreign")),
        ("foreign", "has_points", RunChoice(origin="foreign")),
        ("foreign", "was_trained", RunChoice(starts_anew=True, origin="foreign")),
        ("none", "holds_evaluation", RunChoice(starts_anew=True)),
        ("foreign", "holds_evaluation", RunChoice(starts_anew=True, origin="foreign")),
        ("marked", "has_points holds_evaluation", RunChoice(starts_anew=True, origin="mark")),
        ("marked", "has_origin holds_evaluation", RunChoice(starts_anew=True)),
        ("marked", "has_origin", RunChoice()),
        ("marked", "has_origin was_trained", RunChoice(starts_anew=True, origin="mark")),
    ],
)
def test_decision_follows_the_table(checkpoint, facts, expected):
    assert expected == choose_run(checkpoint, **dict.fromkeys(facts.split(), True))
