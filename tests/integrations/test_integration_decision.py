"""The decision table, row by row."""

from __future__ import annotations

import pytest

from runfork.training.decision import Plan, Situation, decide


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation("none"), Plan()),
        (Situation("none", has_points=True), Plan()),
        (Situation("none", has_points=True, was_trained=True), Plan(starts_anew=True)),
        (Situation("none", has_points=True, was_trained=True, goes_on=True), Plan()),
        (Situation("marked"), Plan(origin="mark")),
        (Situation("marked", has_points=True), Plan(starts_anew=True, origin="mark")),
        (Situation("marked", has_points=True, was_trained=True), Plan(starts_anew=True, origin="mark")),
        (Situation("marked", was_trained=True, goes_on=True), Plan(starts_anew=True, origin="mark")),
        (Situation("foreign"), Plan(origin="foreign")),
        (Situation("foreign", has_points=True), Plan(origin="foreign")),
        (Situation("foreign", was_trained=True), Plan(starts_anew=True, origin="foreign")),
        (Situation("none", holds_evaluation=True), Plan(starts_anew=True)),
        (Situation("foreign", holds_evaluation=True), Plan(starts_anew=True, origin="foreign")),
        (Situation("marked", has_points=True, holds_evaluation=True), Plan(starts_anew=True, origin="mark")),
        (Situation("marked", has_origin=True, holds_evaluation=True), Plan(starts_anew=True)),
        (Situation("marked", has_origin=True), Plan()),
        (Situation("marked", has_origin=True, was_trained=True), Plan(starts_anew=True, origin="mark")),
    ],
)
def test_decision_follows_the_table(situation, expected):
    assert expected == decide(situation)
