"""The decision table, row by row."""

from __future__ import annotations

import pytest

from runfork_lightning.decision import Plan, Situation, decide


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation("fit", "none"), Plan()),
        (Situation("fit", "none", has_points=True), Plan()),
        (Situation("fit", "none", has_points=True, was_trained=True), Plan(starts_anew=True)),
        (Situation("fit", "none", has_points=True, was_trained=True, goes_on=True), Plan()),
        (Situation("fit", "marked"), Plan(origin="mark")),
        (Situation("fit", "marked", has_points=True), Plan(starts_anew=True, origin="mark")),
        (Situation("fit", "marked", has_points=True, was_trained=True), Plan(starts_anew=True, origin="mark")),
        (Situation("fit", "marked", was_trained=True, goes_on=True), Plan(starts_anew=True, origin="mark")),
        (Situation("fit", "own"), Plan()),
        (Situation("fit", "own", has_points=True), Plan()),
        (Situation("fit", "own", has_points=True, was_trained=True), Plan(starts_anew=True, origin="mark")),
        (Situation("fit", "foreign"), Plan(origin="foreign")),
        (Situation("fit", "foreign", has_points=True), Plan(origin="foreign")),
        (Situation("fit", "foreign", was_trained=True), Plan(starts_anew=True, origin="foreign")),
        (Situation("fit", "tuner"), Plan()),
        (Situation("fit", "tuner", has_points=True, was_trained=True), Plan()),
        (Situation("test", "none"), Plan()),
        (Situation("test", "none", was_trained=True), Plan()),
        (Situation("test", "foreign"), Plan()),
        (Situation("test", "marked"), Plan(origin="evaluation")),
        (Situation("validate", "marked", was_trained=True), Plan(origin="evaluation")),
        (Situation("predict", "own", was_trained=True), Plan(origin="evaluation")),
        (Situation("test", "marked", attaches_evaluations=False), Plan()),
    ],
)
def test_decision_follows_the_table(situation, expected):
    assert expected == decide(situation)
