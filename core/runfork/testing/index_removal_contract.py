"""What an index says when runs were removed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import ArgumentError
from runfork.index.interface import Definition
from runfork.model.filters import Filter
from runfork.model.lineage import is_pending
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import SECOND, apply, child, found, line, points_of, run_ids, value_of

if TYPE_CHECKING:
    from runfork.index.interface import Index


class RemovalContract:
    """What an index says when runs were removed from it."""

    def test_what_a_reader_saw_is_kept_until_something_is_applied_or_removed(self, index: Index) -> None:
        looks = [index.last_look()]
        history = line("a", 1.0)
        for is_removal in (False, True):
            index.keep_look({"folders": [["a", None, []]]})
            index.set_states({})
            looks.append(index.last_look())
            index.remove(["a"]) if is_removal else apply(index, history)
            looks.append(index.last_look())

        assert looks == [None, {"folders": [["a", None, []]]}, None, {"folders": [["a", None, []]]}, None]

    def test_nothing_is_left_of_a_run_that_was_removed(self, index: Index) -> None:
        apply(index, line("a", 1.0, 2.0).configs({"only/a": 1}).tags("t").strings({"text": "x"}, 0), line("b", 1.0))
        index.set_states({"a": "finished"})
        index.remove(["a", "nobody"])

        assert set(index.nodes()) == {"b"}
        assert {key.run_id for key in index.writers()} == {"b"}
        assert index.states() == {}
        assert run_ids(index) == ["b"]
        assert found(index, Filter.exists("only/a")) == []
        assert [one for one in index.definitions() if one.path in ("only/a", "text", "loss")] == [
            Definition("loss", "float_series", 1)
        ]
        assert points_of(index, "a", "loss") == []
        assert index.values(["a", "b"], paths=["loss"]).keys() == {"b"}

    def test_a_run_that_was_removed_is_applied_anew_from_its_beginning(self, index: Index) -> None:
        apply(index, line("a", 1.0, 2.0, 3.0).configs({"lr": 1, "old": 1}))
        index.remove(["a"])
        late = line("a", 1.0)
        late.batch()
        with pytest.raises(ArgumentError, match="must begin at byte 0"):
            apply(index, late.metrics({"loss": 1.0}, 9))
        apply(index, line("a", 7.0, writer="w2").configs({"lr": 2}))

        assert points_of(index, "a", "loss") == [(0, 7.0)]
        assert (value_of(index, "a", "lr"), value_of(index, "a", "old")) == (2, None)

    def test_children_of_a_run_that_was_removed_are_pending_and_see_only_their_own(self, index: Index) -> None:
        parent = line("p", 1.0, 2.0, 3.0).configs({"lr": 1}).tags("t")
        apply(index, parent, child("a", "p", 1, 5.0), child("b", "a", 2, 6.0, now=EPOCH + 7200 * SECOND))
        index.remove(["p"])

        assert [points_of(index, run_id, "loss") for run_id in "ab"] == [[(2, 5.0)], [(2, 5.0), (3, 6.0)]]
        assert value_of(index, "b", "lr") is None
        assert is_pending("a", index.nodes())
        assert value_of(index, "a", "sys/forking/is_pending")
        assert value_of(index, "a", "sys/tags") == frozenset()
        assert value_of(index, "b", "sys/forking/depth") == 2
        apply(index, line("p", 1.0, 9.0).configs({"lr": 3}))

        assert points_of(index, "b", "loss") == [(0, 1.0), (1, 9.0), (2, 5.0), (3, 6.0)]
        assert value_of(index, "b", "lr") == 3
        assert value_of(index, "a", "sys/forking/is_pending") is None

    def test_the_head_that_was_removed_gives_way_to_the_run_before_it(self, index: Index) -> None:
        for number, run_id in enumerate("abc"):
            writer = HistoryWriter(run_id, now=EPOCH + number * SECOND).create("birds").metrics({"loss": 1.0}, 0)
            apply(index, writer)
        heads = []
        for gone in ("c", "a", "b"):
            heads += run_ids(index, heads_only=True)
            index.remove([gone])

        assert heads == ["c", "b", "b"]
        assert run_ids(index, heads_only=True) == []

    def test_runs_are_removed_and_applied_together(self, index: Index) -> None:
        apply(index, line("a", 1.0), line("b", 2.0), child("c", "b", 0, 3.0))
        with index.together():
            apply(index, line("d", 4.0))
            index.remove(["a", "b"])
            apply(index, line("a", 5.0, writer="w2"))

        seen: dict[str, Any] = {run_id: points_of(index, run_id, "loss") for run_id in index.nodes()}
        assert seen == {"a": [(0, 5.0)], "c": [(1, 3.0)], "d": [(0, 4.0)]}
