"""Kept and pruned steps, against a naive reading of the lineage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runfork.model.lineage import Fork, RunNode, lineage_extents


def chain(*steps):
    """Return runs r0, r1, ... where each forks from the one before at the given steps."""
    runs = {"r0": RunNode("r0", 0)}
    for at, step in enumerate(steps, start=1):
        runs[f"r{at}"] = RunNode(f"r{at}", at, fork=Fork(f"r{at - 1}", step))
    return runs


def test_an_ancestor_keeps_its_steps_up_to_the_fork():
    extents = lineage_extents("r1", chain(800), {"r0": (0, 1000), "r1": (801, 1200)})

    assert extents["r0"].kept == (0, 800)
    assert extents["r0"].pruned == (800, 1000)


def test_the_head_keeps_everything():
    extents = lineage_extents("r1", chain(800), {"r0": (0, 1000), "r1": (801, 1200)})

    assert extents["r1"].kept == (801, 1200)
    assert extents["r1"].pruned is None


def test_from_a_side_branch_nothing_was_taken():
    runs = {**chain(800), "side": RunNode("side", 5, fork=Fork("r0", 500))}

    side = lineage_extents("r1", runs, {"side": (501, 600)})["side"]

    assert (side.own, side.kept, side.pruned) == ((501, 600), None, None)
    assert not side.is_in_lineage


def test_a_run_beside_the_lineage_that_has_no_points_is_there():
    runs = {**chain(800), "side": RunNode("side", 5, fork=Fork("r0", 500))}

    assert lineage_extents("r1", runs, {"side": None})["side"].own is None


def test_an_ancestor_forked_before_its_first_own_step_keeps_nothing():
    extents = lineage_extents("r2", chain(800, 700), {"r1": (801, 900)})

    assert extents["r1"].kept is None
    assert extents["r1"].pruned == (801, 900)
    assert extents["r1"].is_in_lineage


def test_a_run_without_points_has_no_extent():
    extents = lineage_extents("r1", chain(800), {"r0": (0, 1000)})

    assert extents["r1"].own is None
    assert extents["r1"].is_in_lineage


@given(
    steps=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    lengths=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), min_size=6, max_size=6),
)
def test_kept_steps_are_those_below_every_fork_on_the_way(steps, lengths):
    runs = chain(*steps)
    own = {run_id: (low, low + more) for run_id, (low, more) in zip(runs, lengths, strict=False)}
    head = f"r{len(steps)}"

    extents = lineage_extents(head, runs, own)

    for at, run_id in enumerate(runs):
        low, high = own[run_id]
        kept = [step for step in range(low, high + 1) if all(step <= cut for cut in steps[at:])]
        found = extents[run_id].kept
        assert kept == ([] if found is None else list(range(found[0], found[1] + 1)))
        assert (extents[run_id].pruned is not None) == (len(kept) < high - low + 1)
