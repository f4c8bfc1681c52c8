"""Which attributes runs have, their own and inherited."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import NotFoundError
from runfork.index.interface import Definition, PointsRequest, SeriesKey
from runfork.model.attributes import AttributeType
from runfork.model.filters import Attribute, Filter
from runfork.model.patterns import Pattern, compile_pattern
from runfork.model.steps import MICRO
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import (
    NAN,
    SECOND,
    apply,
    child,
    found,
    line,
    points_of,
    statistics_of,
    type_of,
    value_of,
)

if TYPE_CHECKING:
    from runfork.index.interface import Index


class ValuesContract:
    """Which attributes runs have, their own and inherited."""

    def test_statistics_leave_out_what_is_not_finite(self, index: Index) -> None:
        apply(index, line("a", 1.0, NAN, 4.0, math.inf, -math.inf, NAN, 1.0))

        assert statistics_of(index, "a", "loss") == pytest.approx(
            {
                "first_step": 0,
                "last_step": 6 * MICRO,
                "count": 7,
                "min": 1.0,
                "max": 4.0,
                "average": 2.0,
                "variance": 2.0,
                "nan": 2,
                "positive_infinity": 1,
                "negative_infinity": 1,
            }
        )

    def test_statistics_of_the_largest_floats_do_not_overflow(self, index: Index) -> None:
        largest = 1.7976931348623157e308
        apply(index, line("a", largest, largest, largest), line("b", largest, -largest))

        assert statistics_of(index, "a", "loss")["average"] == pytest.approx(largest)
        assert statistics_of(index, "a", "loss")["variance"] == pytest.approx(0.0)
        assert statistics_of(index, "b", "loss")["average"] == pytest.approx(0.0)

    def test_statistics_of_nothing_finite_are_none(self, index: Index) -> None:
        apply(index, line("a", NAN, math.inf))
        statistics = statistics_of(index, "a", "loss")

        assert [statistics[name] for name in ("min", "max", "average", "variance")] == [None] * 4

    def test_the_value_of_a_series_is_its_last_point(self, index: Index) -> None:
        parent = line("p", 1.0, 2.0, 3.0)
        apply(index, parent, child("a", "p", 1))
        found = index.values(["a"], paths=["loss"])["a"]["loss"]

        assert (found.type, found.value, found.source_run) == (AttributeType.FLOAT_SERIES, 2.0, "p")
        assert found.time == EPOCH + 3 * SECOND

    def test_statistics_include_inherited_points(self, index: Index) -> None:
        apply(index, line("p", 1.0, 2.0, 30.0), child("a", "p", 1, 6.0))
        statistics = statistics_of(index, "a", "loss")

        assert (statistics["count"], statistics["average"], statistics["max"]) == (3, 3.0, 6.0)

    def test_every_type_of_config_comes_back(self, index: Index) -> None:
        moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
        data = {"f": 0.1, "i": 2**62 + 1, "b": True, "s": "text", "d": moment, "t": ["x", "y"], "n": NAN, "e": math.inf}
        apply(index, HistoryWriter("a").create().configs(data))
        values = index.values(["a"])["a"]

        assert [values[path].type.value for path in "fibsdt"] == [
            "float",
            "int",
            "bool",
            "string",
            "datetime",
            "string_set",
        ]
        assert (values["f"].value, values["i"].value, values["b"].value) == (0.1, 2**62 + 1, True)
        assert type(values["b"].value) is bool
        assert values["d"].value == int(moment.timestamp()) * SECOND + 6
        assert values["t"].value == frozenset({"x", "y"})
        assert math.isnan(values["n"].value)
        assert values["e"].value == math.inf

    def test_strings_of_any_characters_come_back(self, index: Index) -> None:
        texts = {"nul": "a\0b", "lone": "\udcff x", "long": "é" * 100_000, "empty": ""}
        apply(index, HistoryWriter("a").create().configs(texts))

        assert {path: value_of(index, "a", path) for path in texts} == texts

    def test_the_later_of_two_configs_wins_by_time_then_writer(self, index: Index) -> None:
        late = (
            HistoryWriter("a", "w2").configs({"x": "w2 at 10", "y": "w2 at 10"}, time=10).configs({"z": "w2"}, time=20)
        )
        early = (
            HistoryWriter("a", "w1").create(time=1).configs({"x": "w1 at 10"}, time=10).configs({"y": "w1"}, time=11)
        )
        apply(index, late, early)

        assert [value_of(index, "a", path) for path in "xyz"] == ["w2 at 10", "w1", "w2"]

    def test_values_are_chosen_by_path_or_pattern(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().configs({"x/1": 1, "x/2": 2, "y": 3}))

        assert list(index.values(["a"], paths=["y", "x/1", "no"])["a"]) == ["x/1", "y"]
        assert list(index.values(["a"], pattern=compile_pattern("^x/ & !2"))["a"]) == ["x/1"]
        assert list(index.values(["a"], pattern=Pattern(names=frozenset({"x/2"})))["a"]) == ["x/2"]
        assert list(index.values(["gone", "a"], paths=[])) == ["a"]

    def test_tags_are_added_and_removed_in_order(self, index: Index) -> None:
        writer = HistoryWriter("a").create().tags("x", "y").tags(remove=["x"]).tags("z")
        apply(index, writer)
        assert value_of(index, "a", "sys/tags") == {"y", "z"}
        apply(index, writer.string_set("sys/tags", ["new"]).tags("more"))

        assert value_of(index, "a", "sys/tags") == {"new", "more"}

    def test_every_run_has_tags_and_an_archived_flag(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create())

        assert value_of(index, "a", "sys/tags") == frozenset()
        assert value_of(index, "a", "sys/group_tags") == frozenset()
        assert value_of(index, "a", "sys/archived") is False

    def test_derived_attributes(self, index: Index) -> None:
        apply(
            index, HistoryWriter("a").create().heartbeat(), child("b", "a", 1.5), HistoryWriter("a", "w2").heartbeat()
        )
        apply(index, HistoryWriter("c").create().lineage("b", 2, mark="m"))

        assert value_of(index, "a", "sys/running_time_seconds") == 2.0
        assert value_of(index, "a", "sys/modification_time") == EPOCH + 2 * SECOND
        assert value_of(index, "b", "sys/forking/step") == 1.5
        assert (value_of(index, "b", "sys/forking/depth"), value_of(index, "c", "sys/forking/depth")) == (1, 2)
        assert value_of(index, "c", "sys/forking/mark") == "m"
        assert value_of(index, "a", "sys/forking/parent") is None

    def test_state_is_what_was_set(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create())
        assert value_of(index, "a", "sys/state") is None
        assert index.states() == {}
        index.set_states({"a": "failed"})
        assert (value_of(index, "a", "sys/state"), value_of(index, "a", "sys/failed")) == ("failed", True)
        index.set_states({"a": "running"})

        assert (value_of(index, "a", "sys/state"), value_of(index, "a", "sys/failed")) == ("running", False)
        assert found(index, Filter.eq(Attribute("sys/state", "string"), "running")) == ["a"]
        assert index.states() == {"a": "running"}

    def test_the_state_of_an_unknown_run_cannot_be_set(self, index: Index) -> None:
        with pytest.raises(NotFoundError, match="'gone'"):
            index.set_states({"gone": "failed"})

    def test_values_of_another_type_than_the_first_are_left_out(self, index: Index) -> None:
        late = HistoryWriter("a", "w2", EPOCH + 50 * SECOND).configs({"x": "text"}).metrics({"x": 3}, 1)
        apply(index, late)
        assert value_of(index, "a", "x") == "text"
        apply(index, HistoryWriter("a", "w1").create().metrics({"x": 7}, 5))

        assert value_of(index, "a", "x") == 7.0
        assert points_of(index, "a", "x") == [(1, 3.0), (5, 7.0)]
        assert value_of(index, "a", "sys/diagnostics/type_conflicts") == 1

    def test_int_and_float_are_one_family_of_numbers(self, index: Index) -> None:
        writer = HistoryWriter("a").create().configs({"lr": 1})
        apply(index, writer)
        assert (type_of(index, "a", "lr"), value_of(index, "a", "lr")) == ("int", 1)
        apply(index, writer.configs({"lr": 0.5}), child("b", "a", 1), child("c", "a", 1).configs({"lr": 2}))

        assert (type_of(index, "a", "lr"), value_of(index, "a", "lr")) == ("float", 0.5)
        assert (type_of(index, "b", "lr"), type_of(index, "c", "lr")) == ("float", "int")
        assert value_of(index, "a", "sys/diagnostics/type_conflicts") is None

    def test_a_late_first_value_of_the_same_family_does_not_replace_a_later_one(self, index: Index) -> None:
        apply(index, HistoryWriter("a", "w2", EPOCH + 50 * SECOND).configs({"x": 1}))
        apply(index, HistoryWriter("a", "w1").create().configs({"x": 0.5, "y": 3}))

        assert (type_of(index, "a", "x"), value_of(index, "a", "x")) == ("int", 1)

    @pytest.mark.parametrize(
        ("value", "other"), [(True, 1), (1, True), ("1", 1), (0.5, "0.5"), (["t"], "t"), (1, ["t"])]
    )
    def test_values_of_another_family_are_left_out(self, index: Index, value: Any, other: Any) -> None:
        apply(index, HistoryWriter("a").create().configs({"x": value}).configs({"x": other}).configs({"x": other}))

        assert value_of(index, "a", "x") == (frozenset(value) if isinstance(value, list) else value)
        assert value_of(index, "a", "sys/diagnostics/type_conflicts") == 1

    @pytest.mark.parametrize("value", [1, 0.5, True, "text", datetime(2026, 1, 2, tzinfo=timezone.utc), ["t", "u"]])
    def test_none_replaces_any_value_and_is_replaced_by_any(self, index: Index, value: Any) -> None:
        writer = HistoryWriter("a").create().configs({"x": None, "y": value, "z": value})
        apply(index, writer.configs({"x": value, "y": None}), child("b", "a", 1).configs({"z": None}))
        found = index.values(["a", "b"], pattern=compile_pattern("^.$"))

        assert {path: one.type.value == "none" for path, one in found["a"].items()} == {"x": 0, "y": 1, "z": 0}
        assert {path: one.type.value == "none" for path, one in found["b"].items()} == {"x": 0, "y": 1, "z": 1}
        assert (found["a"]["y"].value, found["b"]["z"].value, found["b"]["z"].source_run) == (None, None, "b")
        assert value_of(index, "a", "sys/diagnostics/type_conflicts") is None

    def test_none_empties_a_string_set(self, index: Index) -> None:
        writer = HistoryWriter("a").create().tags("x").configs({"sys/tags": None})
        apply(index, writer, child("b", "a", 1).tags("z"), child("c", "a", 1))
        assert [value_of(index, run_id, "sys/tags") for run_id in "abc"] == [None, {"z"}, None]
        apply(index, writer.tags("y", time=EPOCH + 60 * SECOND))

        assert [value_of(index, run_id, "sys/tags") for run_id in "abc"] == [{"y"}, {"y", "z"}, {"y"}]

    def test_a_list_of_strings_keeps_its_order_and_repetitions(self, index: Index) -> None:
        layers = ("conv", "relu", "conv")
        writer = HistoryWriter("a").create().string_list("layers", layers).string_list("sys/tags", ["z", "y"])
        apply(index, writer, child("b", "a", 1), child("c", "a", 1).tags("x"), child("d", "a", 1).tags("t", path="new"))
        found = index.values(["a", "b", "c", "d"])

        assert [found[run_id]["layers"].members for run_id in "abc"] == [layers] * 3
        assert found["a"]["layers"].value == {"conv", "relu"}
        assert [found[run_id]["sys/tags"].members for run_id in "abc"] == [("z", "y"), ("z", "y"), None]
        assert [found[run_id]["sys/tags"].content for run_id in "abc"] == [["z", "y"], ["z", "y"], ["x", "y", "z"]]
        assert (found["d"]["new"].members, found["d"]["new"].content) == (None, ["t"])

    def test_none_gives_way_to_a_series_and_is_none_of_its_points(self, index: Index) -> None:
        writer = HistoryWriter("a").create().configs({"best": None})
        apply(index, writer)
        assert type_of(index, "a", "best") == "none"
        apply(index, writer.metrics({"best": 0.5}, 0).configs({"best": None}))

        assert (type_of(index, "a", "best"), value_of(index, "a", "best")) == ("float_series", 0.5)
        assert points_of(index, "a", "best") == [(0, 0.5)]
        assert value_of(index, "a", "sys/diagnostics/type_conflicts") is None

    def test_none_in_a_parent_hides_what_lies_above_it(self, index: Index) -> None:
        apply(index, HistoryWriter("p").create().configs({"lr": 1, "f": 1}).files({"g": "digest"}))
        apply(index, child("a", "p", 1).configs({"lr": None, "g": None}))
        apply(index, child("b", "a", 1, now=EPOCH + 7200 * SECOND))
        apply(index, child("c", "a", 1, inherit_configs=False, now=EPOCH + 7200 * SECOND))

        assert (type_of(index, "b", "lr"), type_of(index, "b", "g"), value_of(index, "b", "f")) == ("none", "none", 1)
        assert (type_of(index, "c", "lr"), type_of(index, "c", "g")) == (None, "file")

    def test_configs_are_inherited_as_they_were_at_the_childs_creation(self, index: Index) -> None:
        parent = HistoryWriter("p").create().configs({"lr": 1, "seed": 5})
        apply(index, parent, child("a", "p", 1).configs({"seed": 6}))
        apply(index, parent.configs({"lr": 2, "new": 1}, time=EPOCH + 7200 * SECOND))
        inherited = index.values(["a"], paths=["lr"])["a"]["lr"]

        assert (inherited.value, inherited.source_run) == (1, "p")
        assert value_of(index, "a", "seed") == 6
        assert value_of(index, "a", "new") is None
        assert value_of(index, "p", "lr") == 2

    def test_inheritance_does_not_depend_on_the_order_of_arrival(self, index: Index) -> None:
        parent = HistoryWriter("p").create().configs({"lr": 1}).configs({"lr": 2}, time=EPOCH + 7200 * SECOND)
        apply(index, child("a", "p", 1), parent)

        assert value_of(index, "a", "lr") == 1

    def test_late_configs_of_the_parent_reach_all_descendants(self, index: Index) -> None:
        parent = HistoryWriter("p").create()
        apply(index, parent, child("b", "p", 1), child("c", "b", 1, now=EPOCH + 7200 * SECOND))
        apply(index, parent.configs({"lr": 1}))

        assert value_of(index, "c", "lr") == 1

    def test_configs_are_not_inherited_without_inherit_configs(self, index: Index) -> None:
        parent = HistoryWriter("p").create().configs({"lr": 1, "sys/description": "why"}).tags("t").files({"f": "abc"})
        apply(index, parent, child("b", "p", 1, inherit_configs=False), child("c", "b", 1, now=EPOCH + 7200 * SECOND))

        for run_id in ("b", "c"):
            assert value_of(index, run_id, "lr") is None
            assert value_of(index, run_id, "sys/description") == "why"
            assert value_of(index, run_id, "sys/tags") == {"t"}
            assert value_of(index, run_id, "f").sha256 == "abc"

    def test_a_late_bound_lineage_says_whether_configs_are_inherited(self, index: Index) -> None:
        apply(index, HistoryWriter("p").create().configs({"lr": 1}))
        apply(index, HistoryWriter("a", now=EPOCH + 50 * SECOND).create().lineage("p", 1, inherit_configs=False))

        assert value_of(index, "a", "lr") is None

    def test_identity_is_not_inherited(self, index: Index) -> None:
        data = {"sys/owner": "me", "runtime/details/host": "h", "source_code/branch": "main", "sysx/y": 1}
        apply(index, HistoryWriter("p").create().configs(data), child("a", "p", 1))

        assert {path for path in index.values(["a"])["a"] if path in data} == {"sysx/y"}

    def test_a_childs_tag_changes_build_on_the_inherited_set(self, index: Index) -> None:
        parent = HistoryWriter("p").create().tags("x", "y")
        apply(index, parent, child("a", "p", 1).tags("z", remove=["x"]))
        apply(index, parent.tags("late", time=EPOCH + 9000 * SECOND))

        assert value_of(index, "a", "sys/tags") == {"y", "z"}
        assert value_of(index, "p", "sys/tags") == {"x", "y", "late"}

    def test_a_childs_own_type_hides_the_parents_series(self, index: Index) -> None:
        apply(index, line("p", 1.0, 2.0), child("a", "p", 1).configs({"loss": "none"}))

        assert value_of(index, "a", "loss") == "none"
        assert index.points(PointsRequest([SeriesKey("a", "loss")])) == []

    def test_definitions_count_runs_with_inherited_attributes(self, index: Index) -> None:
        apply(
            index,
            line("p", 1.0).configs({"lr": 1}),
            child("a", "p", 1),
            HistoryWriter("b").create().configs({"lr": "x"}),
        )

        expected = [Definition("loss", "float_series", 2), Definition("lr", "int", 2), Definition("lr", "string", 1)]
        assert index.definitions(pattern=compile_pattern("^l")) == expected

    def test_definitions_are_restricted_by_runs_and_types(self, index: Index) -> None:
        apply(index, line("p", 1.0).configs({"lr": 1}), HistoryWriter("b").create().configs({"lr": "x"}))
        pattern = compile_pattern("^l")

        assert index.definitions(run_ids=["b", "gone"], pattern=pattern) == [Definition("lr", "string", 1)]
        assert index.definitions(types=[AttributeType.INT], pattern=pattern) == [Definition("lr", "int", 1)]
        assert index.definitions(run_ids=[]) == []

    def test_a_definition_whose_last_value_changed_its_type_is_gone(self, index: Index) -> None:
        apply(index, HistoryWriter("a", "w2", EPOCH + 50 * SECOND).configs({"x": "text"}))
        apply(index, HistoryWriter("a", "w1").configs({"x": 1}))

        assert index.definitions(pattern=compile_pattern("^x")) == [Definition("x", "int", 1)]
