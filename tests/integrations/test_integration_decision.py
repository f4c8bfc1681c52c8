"""The decision table, row by row."""

from __future__ import annotations

import pytest

from runfork.integration.decision import Plan, Situation, decide


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
        (Situation("fit", "marked", has_origin=True), Plan()),
        (Situation("fit", "marked", has_origin=True, was_trained=True), Plan(starts_anew=True, origin="mark")),
        (Situation("evaluate", "none"), Plan()),
        (Situation("evaluate", "none", was_trained=True), Plan()),
        (Situation("evaluate", "foreign"), Plan()),
        (Situation("evaluate", "marked"), Plan(origin="evaluation")),
        (Situation("evaluate", "marked", was_trained=True), Plan(origin="evaluation")),
        (Situation("evaluate", "own", was_trained=True), Plan(origin="evaluation")),
        (Situation("evaluate", "marked", attaches_evaluations=False), Plan()),
    ],
)
def test_decision_follows_the_table(situation, expected):
    assert expected == decide(situation)
