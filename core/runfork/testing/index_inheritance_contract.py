"""What a fork takes over from its parent, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.model.attributes import AttributeType
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import SECOND, apply, points_of, value_of

if TYPE_CHECKING:
    from runfork.index.interface import Index

LATER = EPOCH + 3600 * SECOND


def _parent() -> HistoryWriter:
    return HistoryWriter("p").create().configs({"trainer/clip": 0.5, "trainer/epochs": 3, "trainers": 1, "lr": 0.1})


class InheritanceContract:
    """What a fork takes over from its parent, and what it does not."""

    # By place, not by a clock

    def test_what_stood_before_the_mark_is_inherited_whatever_the_childs_clock_says(self, index: Index) -> None:
        parent = HistoryWriter("p", now=LATER).create().configs({"lr": 1}).tags("t").mark("m", 5, journals={})
        parent.configs({"lr": 2, "after": 1})
        for number, hour in enumerate((0, 100)):
            fork = HistoryWriter(f"a{number}", now=EPOCH + hour * 3600 * SECOND).create()
            apply(index, fork.lineage("p", 5, mark="m", mark_time=LATER + 4 * SECOND))
        apply(index, parent)

        for run_id in ("a0", "a1"):
            assert (value_of(index, run_id, "lr"), value_of(index, run_id, "sys/tags")) == (1, {"t"})
            assert value_of(index, run_id, "after") is None

    def test_history_that_was_written_down_later_is_inherited(self, index: Index) -> None:
        parent = HistoryWriter("p", now=LATER).create(created=EPOCH - 500).configs({"lr": 1})
        fork = HistoryWriter("a", now=LATER + 99 * SECOND).create(
            created=EPOCH, fork=("p", 1), journals={"w1": parent.size}
        )
        apply(index, parent, fork)

        assert value_of(index, "a", "lr") == 1

    def test_a_mark_says_how_far_the_other_journals_were(self, index: Index) -> None:
        writer = HistoryWriter("p", "w1").create().configs({"first": 1})
        other = HistoryWriter("p", "w2", now=LATER).configs({"before": 1})
        writer.mark("m", 5, journals={"w2": other.size})
        other.configs({"after": 1}, time=EPOCH)
        stranger = HistoryWriter("p", "w3", now=EPOCH - 900 * SECOND).configs({"unknown": 1})
        fork = HistoryWriter("a", now=2 * LATER).create().lineage("p", 5, mark="m", mark_time=EPOCH + 3 * SECOND)
        apply(index, fork, stranger, other, writer)

        found = {path for path in index.values(["a"])["a"] if not path.startswith("sys/")}
        assert found == {"first", "before"}

    def test_a_mark_of_early_versions_goes_by_its_time_in_other_journals(self, index: Index) -> None:
        writer = (
            HistoryWriter("p", "w1").create().configs({"first": 1}, time=LATER).mark("m", 5, time=EPOCH + 60 * SECOND)
        )
        other = HistoryWriter("p", "w2").configs({"before": 1}, time=EPOCH + 60 * SECOND)
        other.configs({"after": 1}, time=EPOCH + 61 * SECOND)
        fork = HistoryWriter("a", now=EPOCH - 9).create().lineage("p", 5, mark="m", mark_time=EPOCH + 60 * SECOND)
        apply(index, writer, other, fork)

        found = {path for path in index.values(["a"])["a"] if not path.startswith("sys/")}
        assert found == {"first", "before"}

    def test_a_mark_that_is_lost_is_stood_in_for_by_its_time(self, index: Index) -> None:
        parent = (
            HistoryWriter("p")
            .create()
            .configs({"x": 1}, time=EPOCH + 5 * SECOND)
            .configs({"y": 1}, time=EPOCH + 7 * SECOND)
        )
        fork = HistoryWriter("a", now=LATER).create()
        apply(index, parent, fork.lineage("p", 5, mark="m", mark_time=EPOCH + 6 * SECOND, journals={"w1": parent.size}))

        assert (value_of(index, "a", "x"), value_of(index, "a", "y")) == (1, None)

    def test_a_fork_without_a_mark_says_how_far_the_parents_journals_were(self, index: Index) -> None:
        parent = HistoryWriter("p", now=LATER).create().configs({"x": 1})
        fork = HistoryWriter("a", now=EPOCH).create(fork=("p", 1), journals={"w1": parent.size})
        other = HistoryWriter("p", "w2", now=EPOCH - 900 * SECOND).configs({"z": 1})
        apply(index, fork, parent.configs({"y": 1}), other)

        assert [value_of(index, "a", path) for path in "xyz"] == [1, None, None]

    def test_a_fork_of_a_parent_that_was_not_there_takes_all_that_arrives(self, index: Index) -> None:
        apply(index, HistoryWriter("a", now=EPOCH).create(fork=("p", 1), journals=None))
        apply(index, HistoryWriter("p", now=LATER).create().configs({"x": 1}))

        assert value_of(index, "a", "x") == 1

    def test_the_same_fork_said_again_adds_its_mark(self, index: Index) -> None:
        parent = (
            HistoryWriter("p").create().configs({"x": 1}).mark("m", 5, cuts={"val": 2}, journals={}).configs({"x": 2})
        )
        fork = (
            HistoryWriter("a", now=LATER).create(fork=("p", 5)).lineage("p", 5, mark="m", mark_time=EPOCH + 3 * SECOND)
        )
        apply(index, parent, fork)

        found = index.nodes()["a"].fork
        assert found is not None
        assert dict(found.cuts) == {"val": 2_000_000}
        assert value_of(index, "a", "x") == 1

    # Series that had no point before the mark

    def test_a_series_without_a_point_before_the_mark_gives_a_fork_nothing(self, index: Index) -> None:
        parent = HistoryWriter("p").create().metrics({"loss": 1.0}, 10).mark("m", 10, journals={})
        parent.metrics({"loss": 2.0}, 9).metrics({"val/loss": 3.0}, 1).strings({"val/text": "late"}, 1)
        fork = HistoryWriter("a", now=LATER).create().lineage("p", 10, mark="m", mark_time=EPOCH + 3 * SECOND)
        apply(index, fork, parent)

        assert points_of(index, "a", "loss") == [(9, 2.0), (10, 1.0)]
        assert (points_of(index, "a", "val/loss"), points_of(index, "a", "val/text")) == ([], [])
        assert not index.values(["a"])["a"].keys() & {"val/loss", "val/text"}

    def test_what_lies_above_a_series_that_was_missing_is_seen(self, index: Index) -> None:
        first = (
            HistoryWriter("g")
            .create()
            .metrics({"val/loss": 1.0}, 1)
            .metrics({"val/loss": 2.0}, 2)
            .mark("m", 2, journals={})
        )
        second = HistoryWriter("p", now=LATER).create().lineage("g", 2, mark="m", mark_time=EPOCH + 4 * SECOND)
        second.mark("m", 5, journals={}).metrics({"val/loss": 9.0}, 2)
        third = HistoryWriter("a", now=2 * LATER).create().lineage("p", 5, mark="m", mark_time=LATER + 3 * SECOND)
        apply(index, third, second, first)

        assert points_of(index, "p", "val/loss") == [(1, 1.0), (2, 9.0)]
        assert points_of(index, "a", "val/loss") == [(1, 1.0), (2, 2.0)]
        assert value_of(index, "a", "val/loss") == 2.0

    def test_a_point_in_another_journal_before_the_mark_is_one(self, index: Index) -> None:
        writer = HistoryWriter("p", "w2").create().metrics({"val": 1.0}, 4)
        rank = HistoryWriter("p", "w1", now=LATER).metrics({"val": 2.0}, 20)
        marked = HistoryWriter("p", "w3").mark("m", 5, journals={"w1": rank.size})
        fork = HistoryWriter("a", now=2 * LATER).create().lineage("p", 5, mark="m", mark_time=EPOCH)
        apply(index, writer, fork, marked)
        assert points_of(index, "a", "val") == []
        apply(index, rank)

        assert points_of(index, "a", "val") == [(4, 1.0)]

    def test_a_recorded_cut_stands_for_a_series_without_a_point(self, index: Index) -> None:
        parent = HistoryWriter("p").create().mark("m", 10, cuts={"val": 3}, journals={}).metrics({"val": 1.0}, 3)
        fork = HistoryWriter("a", now=LATER).create().lineage("p", 10, mark="m", mark_time=EPOCH + 2 * SECOND)
        apply(index, parent, fork)

        assert points_of(index, "a", "val") == [(3, 1.0)]

    def test_without_a_mark_steps_alone_decide(self, index: Index) -> None:
        parent = HistoryWriter("p").create()
        fork = HistoryWriter("a", now=LATER).create(fork=("p", 10), journals={"w1": parent.size})
        apply(index, parent.metrics({"val": 1.0}, 3), fork)

        assert points_of(index, "a", "val") == [(3, 1.0)]

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

    def test_a_description_may_change_the_type_of_what_it_says_anew(self, index: Index) -> None:
        run = HistoryWriter("p").create().configs({"trainer/precision": 32}).mark("m", 1, journals={})
        fork = HistoryWriter("a", now=LATER).create().lineage("p", 1, mark="m", mark_time=EPOCH + 3 * SECOND)
        apply(index, run, fork)
        apply(index, run.describe({"trainer/precision": "16-mixed"}, replaces=["trainer"]))
        apply(index, HistoryWriter("b", now=2 * LATER).create(fork=("p", 1), journals={"w1": run.size}))

        assert [value_of(index, one, "trainer/precision") for one in "pab"] == ["16-mixed", 32, "16-mixed"]
        assert value_of(index, "p", "sys/diagnostics/type_conflicts") is None

    def test_a_description_ends_a_conflict_of_what_it_replaces(self, index: Index) -> None:
        run = HistoryWriter("p").create().configs({"trainer/a": 1}).configs({"trainer/a": "text"})
        apply(index, run)
        assert value_of(index, "p", "sys/diagnostics/type_conflicts") == 1
        apply(index, run.describe({}, replaces=["trainer"]))

        assert value_of(index, "p", "sys/diagnostics/type_conflicts") is None

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

    def test_a_description_behind_the_mark_hides_nothing_from_a_fork(self, index: Index) -> None:
        parent = _parent().mark("m", 1, journals={}).describe({"trainer/epochs": 4}, replaces=["trainer"])
        fork = HistoryWriter("a", now=LATER).create().lineage("p", 1, mark="m", mark_time=EPOCH + 3 * SECOND)
        apply(index, fork, parent)

        assert (value_of(index, "a", "trainer/clip"), value_of(index, "a", "trainer/epochs")) == (0.5, 3)
        assert value_of(index, "p", "trainer/clip") is None

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
