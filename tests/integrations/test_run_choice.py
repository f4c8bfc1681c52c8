"""The decision table, row by row."""

from __future__ import annotations

import pytest

from runfork.training.run_choice import RunChoice, Situation, choose_run


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation("none"), RunChoice()),
        (Situation("none", has_points=True), RunChoice()),
        (Situation("none", has_points=True, was_trained=True), RunChoice(starts_anew=True)),
        (Situation("none", has_points=True, was_trained=True, goes_on=True), RunChoice()),
        (Situation("marked"), RunChoice(origin="mark")),
        (Situation("marked", has_points=True), RunChoice(starts_anew=True, origin="mark")),
        (Situation("marked", has_points=True, was_trained=True), RunChoice(starts_anew=True, origin="mark")),
        (Situation("marked", was_trained=True, goes_on=True), RunChoice(starts_anew=True, origin="mark")),
        (Situation("foreign"), RunChoice(origin="foreign")),
        (Situation("foreign", has_points=True), RunChoice(origin="foreign")),
        (Situation("foreign", was_trained=True), RunChoice(starts_anew=True, origin="foreign")),
        (Situation("none", holds_evaluation=True), RunChoice(starts_anew=True)),
        (Situation("foreign", holds_evaluation=True), RunChoice(starts_anew=True, origin="foreign")),
        (Situation("marked", has_points=True, holds_evaluation=True), RunChoice(starts_anew=True, origin="mark")),
        (Situation("marked", has_origin=True, holds_evaluation=True), RunChoice(starts_anew=True)),
        (Situation("marked", has_origin=True), RunChoice()),
        (Situation("marked", has_origin=True, was_trained=True), RunChoice(starts_anew=True, origin="mark")),
    ],
)
def test_decision_follows_the_table(situation, expected):
    assert expected == choose_run(situation)
