"""The decision table, row by row."""

from __future__ import annotations

import pytest
from runfork_lightning.decision import Plan, Situation, decide


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation("fit", "none"), Plan()),
        (Situation("fit", "none", is_used=True), Plan(starts_anew=True)),
        (Situation("fit", "none", is_used=True, goes_on=True), Plan()),
        (Situation("fit", "marked"), Plan(origin="mark")),
        (Situation("fit", "marked", is_used=True), Plan(starts_anew=True, origin="mark")),
        (Situation("fit", "marked", is_used=True, goes_on=True), Plan(starts_anew=True, origin="mark")),
        (Situation("fit", "own"), Plan()),
        (Situation("fit", "own", is_used=True), Plan(starts_anew=True, origin="mark")),
        (Situation("fit", "foreign"), Plan(origin="foreign")),
        (Situation("fit", "foreign", is_used=True), Plan(starts_anew=True, origin="foreign")),
        (Situation("fit", "tuner"), Plan()),
        (Situation("fit", "tuner", is_used=True), Plan()),
        (Situation("test", "none"), Plan()),
        (Situation("test", "none", is_used=True), Plan()),
        (Situation("test", "foreign"), Plan()),
        (Situation("test", "marked"), Plan(origin="evaluation")),
        (Situation("validate", "marked", is_used=True), Plan(origin="evaluation")),
        (Situation("predict", "own", is_used=True), Plan(origin="evaluation")),
        (Situation("test", "marked", attaches_evaluations=False), Plan()),
    ],
)
def test_decision_follows_the_table(situation, expected):
    assert expected == decide(situation)
