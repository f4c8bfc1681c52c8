"""``runfork tail``: the last events of a run."""

from __future__ import annotations

import json

from tests.command_line import call


def test_tail_shows_the_last_events_and_the_state(lineage):
    lines = call("tail", "gull", "-n", "2").stdout.splitlines()

    assert lines == ["step 140  train/loss NaN", "step 90  samples  a sample", "head finished"]


def test_tail_for_machines_is_a_line_per_event(lineage):
    events = [json.loads(line) for line in call("tail", "gull", "-n", "3", "--json").stdout.splitlines()]

    assert [event["kind"] for event in events] == ["metrics", "metrics", "line", "state"]
    assert events[1]["values"] == {"train/loss": "NaN"}


def test_tail_takes_what_matches(lineage):
    lines = call("tail", "gull", "--attributes", "samples").stdout.splitlines()

    assert lines == ["step 90  samples  a sample", "head finished"]


def test_tail_shows_nothing_inherited(lineage):
    assert call("tail", "side").stdout.splitlines() == ["step 60  train/loss 0.5", "side finished"]
