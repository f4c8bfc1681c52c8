"""Which runs a filter finds, and in which order they come."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from runfork.errors import ArgumentError
from runfork.index.interface import BucketsRequest, PointsRequest, RunsQuery, SeriesKey, Sort
from runfork.model.filters import AllOf, AnyOf, Attribute, Filter
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.testing.questions import NAN, SECOND, apply, child, found, line, points_of, run_ids

if TYPE_CHECKING:
    from runfork.index.interface import Index


class RunsContract:
    """Which runs a filter finds, and in which order they come."""

    def _with_values(self, index: Index, **values: Any) -> None:
        for run_id, value in values.items():
            apply(index, HistoryWriter(run_id).create().configs({"x": value}))
        apply(index, HistoryWriter("none").create())

    @pytest.mark.parametrize(
        ("operator", "expected"),
        [("eq", ["b"]), ("ne", ["a", "c", "n"]), ("gt", ["c"]), ("ge", ["b", "c"]), ("lt", ["a"]), ("le", ["a", "b"])],
    )
    def test_comparisons_of_numbers(self, index: Index, operator: str, expected: list[str]) -> None:
        self._with_values(index, a=1.5, b=2.5, c=3.5, n=NAN)

        assert found(index, getattr(Filter, operator)(Attribute("x", "float"), 2.5)) == expected

    @pytest.mark.parametrize(
        ("operator", "expected"), [("eq", []), ("ne", ["a", "n"]), ("gt", []), ("ge", []), ("lt", []), ("le", [])]
    )
    def test_nothing_compares_with_nan_but_as_different(self, index: Index, operator: str, expected: list[str]) -> None:
        self._with_values(index, a=1.5, n=NAN)

        assert found(index, getattr(Filter, operator)(Attribute("x", "float"), NAN)) == expected

    def test_infinities_compare_as_numbers(self, index: Index) -> None:
        self._with_values(index, a=1.5, p=math.inf, m=-math.inf)

        assert found(index, Filter.gt(Attribute("x", "float"), 1e308)) == ["p"]
        assert found(index, Filter.eq(Attribute("x", "float"), -math.inf)) == ["m"]

    def test_large_integers_compare_exactly(self, index: Index) -> None:
        self._with_values(index, a=2**62, b=2**62 + 1)

        assert found(index, Filter.eq(Attribute("x", "int"), 2**62 + 1)) == ["b"]
        assert found(index, Filter.gt(Attribute("x", "int"), 10**30)) == []
        assert found(index, Filter.lt(Attribute("x", "int"), 10**30)) == ["a", "b"]
        assert found(index, Filter.ne(Attribute("x", "int"), -(10**30))) == ["a", "b"]

    def test_negation_finds_runs_that_lack_the_attribute(self, index: Index) -> None:
        self._with_values(index, a=1, b=2)

        assert found(index, Filter.ne(Attribute("x", "int"), 1)) == ["b"]
        assert found(index, ~Filter.eq(Attribute("x", "int"), 1)) == ["b", "none"]
        assert found(index, ~Filter.exists(Attribute("x", "int"))) == ["none"]

    def test_conditions_combine(self, index: Index) -> None:
        self._with_values(index, a=1, b=2, c=3)
        x = Attribute("x", "int")

        assert found(index, Filter.gt(x, 1) & Filter.lt(x, 3)) == ["b"]
        assert found(index, Filter.eq(x, 1) | Filter.eq(x, 3)) == ["a", "c"]
        assert found(index, ~(Filter.eq(x, 1) | Filter.eq(x, 3)) & Filter.exists(x)) == ["b"]
        assert found(index, AllOf(())) == ["a", "b", "c", "none"]
        assert found(index, AnyOf(())) == []

    def test_long_conditions_hold(self, index: Index) -> None:
        """Lists of names, and chains, of more parts than a database may like to nest."""
        self._with_values(index, a="one", b="two", c="three")
        x = Attribute("x", "string")
        names = AnyOf((*tuple(Filter.eq(x, f"name-{number}") for number in range(20000)), Filter.eq(x, "two")))
        none = AllOf((*tuple(Filter.ne(x, f"name-{number}") for number in range(1500)), Filter.ne(x, "two")))

        assert found(index, names) == ["b"]
        assert found(index, none) == ["a", "c"]

    def _with_mixed_kinds(self, index: Index) -> None:
        moment = datetime(2026, 1, 2, tzinfo=timezone.utc)
        self._with_values(
            index, i=2, f=0.5, n=NAN, b=True, c=False, m=moment, t="auto", o="2", s=["u", "t"], nothing=None
        )
        apply(index, line("l", 9.0, 1.5, path="x"), HistoryWriter("g").create().files({"x": "digest"}))
        apply(index, HistoryWriter("w").create().strings({"x": "base"}, 0))

    def test_a_filter_on_either_type_of_number_sees_both(self, index: Index) -> None:
        self._with_mixed_kinds(index)

        for name in ("int", "float"):
            assert found(index, Filter.lt(Attribute("x", name), 1)) == ["f"]
            assert found(index, Filter.eq(Attribute("x", name), 2)) == ["i"]
            assert found(index, Filter.ne(Attribute("x", name), 2)) == ["f", "n"]
            assert found(index, Filter.exists(Attribute("x", name))) == ["f", "i", "n"]

    def test_a_filter_on_any_type_compares_with_values_of_the_same_kind(self, index: Index) -> None:
        self._with_mixed_kinds(index)

        assert found(index, Filter.lt("x", 1.75)) == ["f", "l"]
        assert found(index, Filter.ge("x", 2)) == ["i"]
        assert found(index, Filter.eq("x", True)) == ["b"]
        assert found(index, Filter.le("x", "auto")) == ["o", "t"]
        assert found(index, Filter.gt("x", datetime(2026, 1, 1, tzinfo=timezone.utc))) == ["m"]
        assert found(index, Filter.matches("x", "^.$ | auto")) == ["o", "s", "t"]
        assert found(index, Filter.contains_none("x", "u")) == ["o", "w"]

    def test_whatever_is_of_another_kind_differs(self, index: Index) -> None:
        self._with_mixed_kinds(index)

        assert found(index, Filter.ne("x", 2)) == sorted("fnbcmtoslgw")
        assert found(index, Filter.exists("x")) == sorted("ifnbcmtoslgw")

    def test_none_is_missing_to_filters(self, index: Index) -> None:
        self._with_values(index, a=None, b=1)

        for kind in (None, "int", "none"):
            expected = [] if kind == "none" else ["b"]
            assert found(index, Filter.exists(Attribute("x", kind))) == expected
            assert found(index, Filter.ne(Attribute("x", kind), 7)) == expected
            assert found(index, ~Filter.ne(Attribute("x", kind), 7)) == sorted({"a", "b", "none"} - {*expected})

    @pytest.mark.parametrize("descending", [True, False])
    def test_a_sort_puts_kinds_one_after_the_other(self, index: Index, descending: bool) -> None:
        self._with_mixed_kinds(index)
        groups = [["f", "l", "i"], ["c", "b"], ["m"], ["o", "t", "w"], ["s"]]
        expected = [run_id for group in groups for run_id in (group[::-1] if descending else group)]

        order = run_ids(index, sort=Sort(Attribute("x"), descending))
        assert order[: len(expected)] == expected
        assert sorted(order[len(expected) :][:2]) == ["g", "n"]
        assert sorted(order[len(expected) + 2 :]) == ["none", "nothing"]
        by_least = run_ids(index, sort=Sort(Attribute("x"), descending, "max"))
        assert by_least[:3] == (["l", "i", "f"] if descending else ["f", "i", "l"])
        assert by_least[3:] == order[3:]

    @pytest.mark.parametrize("name", ["int", "float"])
    def test_a_sort_on_either_type_of_number_sees_both(self, index: Index, name: str) -> None:
        self._with_mixed_kinds(index)

        assert run_ids(index, sort=Sort(Attribute("x", name)))[:3] == ["i", "f", "n"]

    def test_large_whole_numbers_and_floats_are_sorted_exactly(self, index: Index) -> None:
        self._with_values(index, a=2**53 + 1, b=float(2**53), c=float(2**53 + 2), d=2**53)

        assert run_ids(index, sort=Sort(Attribute("x", "float")))[:2] == ["c", "a"]

    def test_a_pattern_asks_a_string_set_as_a_whole(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().tags("blue", "red"), HistoryWriter("b").create().tags("blue", "old"))
        apply(index, HistoryWriter("c").create())
        tags = Attribute("sys/tags", "string_set")

        assert found(index, Filter.matches(tags, "blue & red")) == ["a"]
        assert found(index, Filter.matches(tags, "blue & !old")) == ["a"]
        assert found(index, Filter.matches(tags, "!blue | old")) == ["b", "c"]

    def test_an_attribute_of_another_type_satisfies_nothing(self, index: Index) -> None:
        self._with_values(index, a=1, b="1")

        assert found(index, Filter.exists(Attribute("x", "string"))) == ["b"]
        assert found(index, Filter.ne(Attribute("x", "int"), 7)) == ["a"]

    def test_a_value_of_another_kind_is_only_different(self, index: Index) -> None:
        self._with_values(index, a=1)

        assert found(index, Filter.lt(Attribute("x", "int"), "text")) == []
        assert found(index, Filter.eq(Attribute("x", "int"), "1")) == []
        assert found(index, Filter.ne(Attribute("x", "int"), "1")) == ["a"]

    def test_comparisons_of_texts(self, index: Index) -> None:
        self._with_values(index, a="apple", b="bé", c="b\U0001f600", d="")

        assert found(index, Filter.eq(Attribute("x", "string"), "apple")) == ["a"]
        assert found(index, Filter.gt(Attribute("x", "string"), "b")) == ["b", "c"]
        assert found(index, Filter.gt(Attribute("x", "string"), "bé")) == ["c"]
        assert found(index, Filter.ne(Attribute("x", "string"), "")) == ["a", "b", "c"]

    def test_texts_are_searched(self, index: Index) -> None:
        self._with_values(index, a="resnet-50 %_", b="vit-base")
        x = Attribute("x", "string")

        assert found(index, Filter.matches(x, r"^res | base$")) == ["a", "b"]
        assert found(index, Filter.matches(x, r"\d & !^r")) == []
        assert found(index, Filter.contains_all(x, ["net", "50 %"])) == ["a"]
        assert found(index, Filter.contains_all(x, "%t")) == []
        assert found(index, Filter.contains_none(x, ["net", "nothing"])) == ["b"]
        assert found(index, Filter.contains_all(x, "")) == ["a", "b"]

    def test_a_pattern_that_is_no_regular_expression_is_refused(self, index: Index) -> None:
        self._with_values(index, a="text")

        with pytest.raises(ArgumentError, match="regular expression"):
            index.runs(RunsQuery(filter=Filter.matches(Attribute("x", "string"), "(")))

    def test_string_sets_are_searched_by_member(self, index: Index) -> None:
        apply(
            index, HistoryWriter("a").create().tags("blue", "red, green"), HistoryWriter("b").create().tags("reddish")
        )
        tags = Attribute("sys/tags", "string_set")

        assert found(index, Filter.contains_all(tags, "red")) == []
        assert found(index, Filter.contains_all(tags, ["blue", "red, green"])) == ["a"]
        assert found(index, Filter.contains_none(tags, "blue")) == ["b"]
        assert found(index, Filter.matches(tags, "^red")) == ["a", "b"]
        assert found(index, Filter.matches(tags, "dish$")) == ["b"]

    def test_a_removed_tag_is_not_found(self, index: Index) -> None:
        writer = HistoryWriter("a").create().tags("blue")
        apply(index, writer)
        apply(index, writer.tags(remove=["blue"]))

        assert found(index, Filter.contains_all(Attribute("sys/tags", "string_set"), "blue")) == []
        assert found(index, Filter.contains_none(Attribute("sys/tags", "string_set"), "blue")) == ["a"]

    def test_series_compare_by_their_last_value(self, index: Index) -> None:
        apply(index, line("a", 9.0, 1.0), line("b", 1.0, 9.0), line("n", NAN), child("c", "b", 0))
        loss = Attribute("loss", "float_series")

        assert found(index, Filter.lt(loss, 5)) == ["a", "c"]
        assert found(index, Filter.ne(loss, 1)) == ["b", "n"]

    def test_datetimes_and_bools_compare(self, index: Index) -> None:
        moment = datetime(2026, 1, 2, tzinfo=timezone.utc)
        self._with_values(index, a=moment, b=True, c=False)

        assert found(index, Filter.ge(Attribute("x", "datetime"), moment)) == ["a"]
        assert found(index, Filter.gt(Attribute("x", "datetime"), moment)) == []
        assert found(index, Filter.gt(Attribute("x", "datetime"), 0)) == []
        assert found(index, Filter.eq(Attribute("x", "bool"), True)) == ["b"]
        assert found(index, Filter.eq(Attribute("x", "bool"), False)) == ["c"]

    def test_inherited_values_are_found(self, index: Index) -> None:
        apply(index, HistoryWriter("p").create().configs({"lr": 1}), child("a", "p", 1))

        assert found(index, Filter.eq(Attribute("lr", "int"), 1)) == ["a", "p"]

    def test_runs_come_by_creation_the_latest_first(self, index: Index) -> None:
        for run_id, created in (("a", 5), ("c", 7), ("b", 7)):
            apply(index, HistoryWriter(run_id).create(created=created))

        assert run_ids(index) == ["b", "c", "a"]

    def test_pages_and_totals(self, index: Index) -> None:
        for number in range(7):
            apply(index, HistoryWriter(f"r{number}").create(created=number).configs({"x": number % 2}))
        page = index.runs(RunsQuery(filter=Filter.eq(Attribute("x", "int"), 0), limit=2, offset=1))

        assert ([row.node.run_id for row in page.rows], page.total) == (["r4", "r2"], 4)
        assert index.runs(RunsQuery(limit=0)).total == 7
        assert run_ids(index, offset=6) == ["r0"]

    def test_pages_end_where_the_runs_do_however_much_is_asked_for(self, index: Index) -> None:
        apply(index, line("a", 1.0), line("b", 2.0))
        most = 2**63 - 1

        assert run_ids(index, limit=most) == run_ids(index, limit=most, offset=0) == ["a", "b"]
        assert run_ids(index, limit=most, offset=most) == run_ids(index, limit=0) == []

    @pytest.mark.parametrize(
        "ask",
        [
            lambda: RunsQuery(limit=2**70),
            lambda: RunsQuery(offset=-1),
            lambda: PointsRequest([], tail=2**64),
            lambda: PointsRequest([], step_range=(None, 10**30)),
            lambda: BucketsRequest([], count=0),
            lambda: BucketsRequest([], count=10**12),
            lambda: BucketsRequest([], x_range=(-(10**30), None)),
        ],
    )
    def test_numbers_that_no_index_can_work_with_are_refused_before_it_is_asked(self, ask: Any) -> None:
        with pytest.raises(ArgumentError, match=r"must be a whole number from .* to .*, found"):
            ask()

    def test_the_widest_ranges_are_answered(self, index: Index) -> None:
        apply(index, line("a", 1.0, 2.0))
        series, most = [SeriesKey("a", "loss")], 2**63 - 1

        assert points_of(index, "a", "loss", step_range=(-most, most), tail=most) == [(0, 1.0), (1, 2.0)]
        for x in ("step", "time"):
            assert index.buckets(BucketsRequest(series, 3, x=x, x_range=(-most, most))).counts.sum() == 2

    def test_runs_are_restricted_by_id(self, index: Index) -> None:
        for run_id in "abc":
            apply(index, HistoryWriter(run_id).create())

        assert sorted(run_ids(index, run_ids=["a", "c", "gone"])) == ["a", "c"]
        assert run_ids(index, run_ids=[]) == []

    @pytest.mark.parametrize(
        ("descending", "expected"),
        [(True, ["inf", "two", "two'", "one", "nan", "none"]), (False, ["one", "two", "two'", "inf", "nan", "none"])],
    )
    def test_sorting_puts_nan_behind_numbers_and_missing_last(
        self, index: Index, descending: bool, expected: list[str]
    ) -> None:
        values = {"none": None, "nan": NAN, "one": 1.0, "two": 2.0, "two'": 2.0, "inf": math.inf}
        for created, (run_id, value) in enumerate(values.items()):
            writer = HistoryWriter(run_id).create(created=10 if run_id.startswith("two") else created)
            apply(index, writer if value is None else writer.configs({"x": value}))
        sort = Sort(Attribute("x", "float"), descending)

        assert run_ids(index, sort=sort) == expected
        assert run_ids(index, sort=sort, offset=2, limit=3) == expected[2:5]

    def test_sorting_by_text_and_by_tags(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create().configs({"x": "b"}).tags("z"))
        apply(index, HistoryWriter("b").create().configs({"x": "a"}).tags("a", "b"))

        assert run_ids(index, sort=Sort(Attribute("x", "string"), descending=False)) == ["b", "a"]
        assert run_ids(index, sort=Sort(Attribute("sys/tags", "string_set"), descending=False)) == ["b", "a"]

    @pytest.mark.parametrize(
        ("aggregate", "expected"),
        [("last", "bac"), ("min", "abc"), ("max", "bca"), ("average", "bac"), ("variance", "bca")],
    )
    def test_sorting_a_series_by_an_aggregate(self, index: Index, aggregate: Any, expected: str) -> None:
        apply(index, line("a", 5.0, 6.0), line("b", 0.0, 20.0), line("c", -1.0, 7.0, NAN))
        apply(index, HistoryWriter("none").create())

        order = run_ids(index, sort=Sort(Attribute("loss", "float_series"), aggregate=aggregate))
        assert order == [*expected, "none"]

    def test_sorting_by_files_leaves_them_behind(self, index: Index) -> None:
        apply(index, HistoryWriter("a").create(created=1).files({"f": "x"}), HistoryWriter("b").create(created=2))

        assert run_ids(index, sort=Sort(Attribute("f", "file"))) == ["a", "b"]

    def test_of_several_sorts_each_counts_where_those_before_it_find_no_difference(self, index: Index) -> None:
        for number, (x, y) in enumerate([(1, "b"), (2, "a"), (1, "a"), (None, "c"), (2, "b"), (1, None)]):
            values = {name: value for name, value in (("x", x), ("y", y)) if value is not None}
            apply(index, HistoryWriter("abcdef"[number], now=EPOCH + number * SECOND).create().configs(values))

        up, down = Sort(Attribute("x"), descending=False), Sort(Attribute("y"), descending=True)

        assert run_ids(index, sort=[up, down]) == [*"acf", *"eb", "d"]
        assert run_ids(index, sort=[down, up]) == [*"d", *"ae", *"cb", "f"]
        assert run_ids(index, sort=[up]) == run_ids(index, sort=up) == [*"fca", *"eb", "d"]
        assert run_ids(index, sort=[]) == run_ids(index) == [*"fedcba"]
