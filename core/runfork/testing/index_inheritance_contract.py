"""What a fork takes over from its parent, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.attributes import AttributeType
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import SECOND, apply, points_of, value_of

if TYPE_CHECKING:
    from runfork.index.interface import Index

__all__ = ["InheritanceContract"]

LATER = EPOCH + 3600 * SECOND


def _parent() -> HistoryWriter:
    return HistoryWriter("p").create().configs({"trainer/clip": 0.5, "trainer/epochs": 3, "trainers": 1, "lr": 0.1})


class InheritanceContract:
    """What a fork takes over from its parent, and what it does not."""

    # What a description replaces

    def test_a_description_replaces_what_a_fork_inherits_below_its_namespaces(self, index: Index) -> None:
        fork = HistoryWriter("a", now=LATER).create(fork=("p", 1))
        apply(index, _parent(), fork.describe({"trainer/epochs": 9}, replaces=["trainer"]))

        found = index.values(["a"])["a"]
        assert {path: value.value for path, value in found.items() if not path.startswith("sys/")} == {
            "trainer/epochs": 9,
            "trainers": 1,
            "lr": 0.1,
        }
        assert value_of(index, "p", "trainer/clip") == 0.5

    def test_a_description_replaces_what_the_run_itself_said_before(self, index: Index) -> None:
        run = _parent().tags("t", path="trainer/plugins").files({"trainer/config": "digest"})
        apply(index, run)
        apply(index, run.describe({"trainer/epochs": 9}, replaces=["trainer"]).configs({"trainer/late": 1}))

        found = index.values(["p"])["p"]
        assert sorted(path for path in found if path.startswith("trainer/")) == ["trainer/epochs", "trainer/late"]

    def test_the_last_of_several_descriptions_stands(self, index: Index) -> None:
        run = HistoryWriter("p").create()
        for epoch, name in enumerate("xyz"):
            apply(index, run.describe({"trainer/epochs": epoch, f"trainer/{name}": True}, replaces=["trainer"]))

        found = index.values(["p"])["p"]
        assert sorted(path for path in found if path.startswith("trainer/")) == ["trainer/epochs", "trainer/z"]

    def test_a_description_leaves_series_alone(self, index: Index) -> None:
        parent = HistoryWriter("p").create().metrics({"trainer/loss": 1.0}, 1)
        apply(index, parent, HistoryWriter("a", now=LATER).create(fork=("p", 1)).describe({}, replaces=["trainer"]))

        assert points_of(index, "a", "trainer/loss") == [(1, 1.0)]
        assert index.values(["a"])["a"]["trainer/loss"].type is AttributeType.FLOAT_SERIES

    def test_a_fork_of_a_run_that_described_itself_sees_no_more_than_it_did(self, index: Index) -> None:
        middle = HistoryWriter("b", now=LATER).create(fork=("p", 1)).describe({}, replaces=["trainer"])
        last = HistoryWriter("c", now=2 * LATER).create(fork=("b", 1))
        apply(index, last, middle, _parent())

        assert value_of(index, "c", "trainer/clip") is None
        assert value_of(index, "c", "lr") == 0.1

    def test_a_description_after_the_fork_hides_nothing_from_it(self, index: Index) -> None:
        middle = HistoryWriter("b", now=LATER).create(fork=("p", 1)).configs({"trainer/own": 1})
        apply(index, _parent(), middle)
        apply(index, HistoryWriter("c", now=LATER + 60 * SECOND).create(fork=("b", 1)))
        apply(index, middle.describe({}, replaces=["trainer"], time=LATER + 90 * SECOND))

        assert value_of(index, "b", "trainer/clip") is None
        assert (value_of(index, "c", "trainer/clip"), value_of(index, "c", "trainer/own")) == (0.5, 1)
        apply(index, HistoryWriter("d", now=LATER + 95 * SECOND).create(fork=("c", 1)))
        assert value_of(index, "d", "trainer/clip") == 0.5

    def test_nobody_replaces_what_is_runforks_own(self, index: Index) -> None:
        run = HistoryWriter("p").create().tags("t").describe({}, replaces=["sys"])
        apply(index, run)

        assert value_of(index, "p", "sys/tags") == frozenset({"t"})
