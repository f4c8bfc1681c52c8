from __future__ import annotations

import math
import warnings
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import PATHS, examples, histories

from runfork.cli.commands.export import runs_rows
from runfork.errors import ArgumentError, RunforkWarning
from runfork.index.memory import MemoryIndex
from runfork.index.rules.conditions import SORTED_KINDS
from runfork.model.filters import Attribute, Filter
from runfork.model.patterns import Pattern
from runfork.query.attributes import attribute_choices
from runfork.query.files import LoggedFile
from runfork.query.source import Source
from runfork.query.tables import TableQuery, fetch_experiments_table, fetch_runs_table, read_table
from runfork.testing.histories import EPOCH, HistoryWriter
from runfork.types import Histogram

if TYPE_CHECKING:
    from runfork.index.interface import Index
    from runfork.journal.records import Batch

SORTED = [kind for group in SORTED_KINDS for kind in group]
NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=timezone.utc)


def history(run_id: str, minute: int) -> HistoryWriter:
    return HistoryWriter(run_id, now=EPOCH + minute * 60_000_000)


@pytest.fixture
def source(index: Index) -> Source:
    first = history("r1", 1).create("gull").configs({"lr": 0.1, "depth": 4, "deep": True, "opt": "sgd", "when": NOON})
    first.metrics({"loss": 3}, 0).metrics({"loss": 1}, 1).tags("a", "b").files({"model": "abc"})
    first.histograms({"weights": Histogram([0, 1], counts=[2])}, 0).strings({"log": "hello"}, 0)
    second = history("r2", 2).create("tern").configs({"lr": 0.2, "mixed": 1}).metrics({"loss": math.nan}, 0)
    third = history("r3", 3).create("crow").configs({"mixed": "x"}).metrics({"loss": 2}, 0, completion=0.5)
    for minute, run in enumerate((first, second, third)):
        run.configs({"sys/creation_time": NOON + timedelta(minutes=minute)})
        index.apply(run.batch())
    return Source("local/test", index, "/data")


def table(source: Source, attributes: Any = (), kind: Any = "run", selector: Any = None, **query: Any) -> pd.DataFrame:
    choices = attribute_choices("attributes", attributes) if attributes else ()
    return read_table(source, TableQuery(kind, selector, choices, **query))


def test_columns_have_the_dtype_of_their_type(source: Source) -> None:
    frame = table(source, ["lr", "loss", "depth", "deep", "opt", "when", "sys/tags", "sys/archived"])

    expected = pd.DataFrame(
        {
            "deep": pd.array([None, None, True], dtype="boolean"),
            "depth": pd.array([None, None, 4], dtype="Int64"),
            "loss": [math.nan, math.nan, 1.0],
            "lr": [math.nan, 0.2, 0.1],
            "opt": pd.Series([None, None, "sgd"], dtype=object).array,
            "sys/archived": [False, False, False],
            "sys/tags": [set(), set(), {"a", "b"}],
            "when": pd.DatetimeIndex([pd.NaT, pd.NaT, NOON]).as_unit("us"),
        },
        index=pd.Index(["r3", "r2", "r1"], name="run"),
    )
    expected["opt"] = expected["opt"].astype(object).where(expected["opt"].notna(), None)
    expected.columns.name = "attribute"
    pd.testing.assert_frame_equal(expected, frame)


def test_int_and_bool_columns_without_gaps_are_plain(source: Source) -> None:
    frame = table(source, ["depth", "deep"], selector=["r1"])

    expected = ["bool", "int64"]
    assert expected == list(map(str, frame.dtypes))


def test_whole_numbers_keep_every_digit(index: Index) -> None:
    index.apply(history("a", 0).create().configs({"seed": 2**62 + 1}).batch())
    index.apply(history("b", 1).create().batch())

    frame = table(Source("local/test", index), ["seed"])

    assert 2**62 + 1 == frame.loc["a", "seed"]


def test_files_histograms_and_strings_are_objects(source: Source) -> None:
    frame = table(source, "model | weights | log", kind="experiment", selector=["gull"])

    file = LoggedFile(
        "local/test", "r1", "gull", "model", None, 3, "text/plain", "abc.txt", "abc", "r1", directory="/data"
    )
    expected = ["hello", file, Histogram((0.0, 1.0), counts=(2,))]
    assert expected == frame.loc["gull"].tolist()
    assert "experiment" == frame.index.name
    assert ["log", "model", "weights"] == frame.columns.tolist()


def test_a_file_series_shows_its_last_file_with_its_step(index: Index) -> None:
    index.apply(history("r", 0).create().files({"image": "abc"}, 1.5).files({"image": "def"}, 2.5).batch())

    file: Any = table(Source("local/test", index), "image").loc["r", "image"]

    assert isinstance(file, LoggedFile)
    assert ("def", 2.5) == (file.sha256, file.step)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["r3", "r2", "r1"]),
        ({"descending": False}, ["r1", "r2", "r3"]),
        ({"sort_by": Attribute("lr")}, ["r2", "r1", "r3"]),
        ({"sort_by": Attribute("lr"), "descending": False}, ["r1", "r2", "r3"]),
        ({"sort_by": Attribute("loss"), "limit": 1}, ["r1"]),
        ({"limit": 2}, ["r3", "r2"]),
        ({"selector": Filter.exists("lr"), "limit": 5}, ["r2", "r1"]),
    ],
)
def test_rows_stand_in_the_order_asked_for(source: Source, query: dict[str, Any], expected: list[str]) -> None:
    assert expected == table(source, **query).index.tolist()


def test_no_attributes_gives_rows_without_columns(source: Source) -> None:
    frame = table(source)

    assert (3, 0) == frame.shape
    assert ("run", "attribute") == (frame.index.name, frame.columns.name)


@pytest.mark.filterwarnings("ignore:.*(asks for|has no):runfork.RunforkWarning")
def test_no_rows_gives_an_empty_frame_with_its_names(source: Source) -> None:
    frame = table(source, ".*", kind="experiment", selector="nothing")

    assert (0, 0) == frame.shape
    assert ("experiment", "attribute") == (frame.index.name, frame.columns.name)


def test_a_path_of_two_types_is_one_column_unless_names_carry_the_type(source: Source) -> None:
    assert ["x", 1, None] == table(source, ["mixed"])["mixed"].tolist()

    frame = table(source, ["mixed"], with_type=True)
    assert ["mixed:int", "mixed:string"] == frame.columns.tolist()
    assert ["x"] == frame["mixed:string"].dropna().tolist()


@pytest.mark.filterwarnings("ignore:.*(asks for|has no):runfork.RunforkWarning")
@pytest.mark.parametrize(
    ("values", "dtype"), [((1, 0.5), "float64"), ((1, 0.5, None), "float64"), ((2**53, 0.5), "float64"), ((1, None), "Int64"),
                          ((2**53 + 1, 0.5), "object"), ((True, None), "boolean"), ((True, 1), "object"), ((None, None), "object")]
)  # fmt: skip
def test_numbers_are_one_column(index: Index, values: tuple[Any, ...], dtype: str) -> None:
    for number, value in enumerate(values):
        index.apply(history(f"r{number}", number).create(created=100 - number).configs({"x": value}).batch())
    column = table(Source("local/test", index), ["x"])["x"]

    assert (dtype, list(values)) == (str(column.dtype), [None if pd.isna(value) else value for value in column])
    for kind in ("int", "float"):
        typed = table(Source("local/test", index), [Attribute("x", kind)]).reindex(columns=["x"])["x"].tolist()
        numbers = [None if isinstance(value, bool) else value for value in values]
        assert numbers == [None if pd.isna(value) else value for value in typed]


def test_numbers_of_both_types_are_one_column_where_names_carry_the_type(index: Index) -> None:
    for run_id, value in (("r1", 1), ("r2", 0.5), ("r3", "auto"), ("r4", None)):
        index.apply(history(run_id, 0).create().configs({"x": value, "y": 1, "z": None}).batch())

    frame = table(Source("local/test", index), "^[xyz]$", with_type=True)

    assert ["x:float", "x:string", "y:int", "z:none"] == frame.columns.tolist()


def test_a_column_of_any_kinds_holds_what_was_logged(source: Source) -> None:
    values: dict[str, Any] = {"r1": ["t", "u"], "r2": NOON, "r3": 2.5}
    index = source.index
    for run_id, value in values.items():
        index.apply(history(run_id + "m", 9).create().configs({"any": value}).batch())
    index.apply(history("r4m", 9).create().files({"any": "abc"}).batch())
    frame = table(source, ["any"])

    assert [*values.values()] == frame["any"].loc[["r1m", "r2m", "r3m"]].tolist()
    assert isinstance(frame["any"].loc["r4m"], LoggedFile)
    assert frame["any"].loc["r1"] is None


def test_the_words_of_tables_are_columns(source: Source) -> None:
    source.index.apply(history("r9", 9).create("gull").configs({"sys/name": "gull"}).batch())
    frame = table(source, ["experiment", "lr", "tags", Attribute("created", "datetime")])

    assert ["created", "experiment", "lr", "tags"] == frame.columns.tolist()
    assert {"a", "b"} == frame.loc["r1", "tags"]
    assert ["created:datetime", "sys/creation_time:datetime"] == table(
        source, ["created", "sys/creation_time"], with_type=True
    ).columns.tolist()


@examples(60)
@given(histories(), st.booleans(), st.sampled_from([*PATHS, "sys/tags"]), st.booleans())
def test_runs_that_logged_anything_make_a_table(
    batches: list[Batch], with_type: bool, path: str, descending: bool
) -> None:
    index = MemoryIndex()
    for batch in batches:
        index.apply(batch)
    here = Source("local/test", index)
    values = index.values([*index.nodes()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunforkWarning)  # of a path that no run happens to have
        frame = table(here, ".*", with_type=with_type)
        if index.definitions(pattern=Pattern(names=frozenset([path])), types=SORTED):
            table(here, ".*", sort_by=Attribute(path), descending=descending)
    (exported,) = runs_rows(here, frame.index.tolist(), None).portions

    assert {*index.nodes()} == {*frame.index}
    assert {path for some in values.values() for path in some} == {
        name.rpartition(":")[0] if with_type else name for name in map(str, frame)
    }
    assert {len(frame)} == {*map(len, exported)}


def test_a_type_chooses_one_column_of_a_path_of_two_types(source: Source) -> None:
    frame = table(source, [Attribute("mixed", "int")])

    assert [None, 1, None] == [None if pd.isna(value) else value for value in frame["mixed"]]


def test_attributes_of_other_runs_are_no_columns(source: Source) -> None:
    assert [] == table(source, ["depth"], selector=["r2"]).columns.tolist()


def test_sorting_by_what_has_no_order_is_refused(source: Source) -> None:
    with pytest.raises(ArgumentError, match=r"sort_by must name a number.*found 'model' of type file"):
        table(source, sort_by=Attribute("model"))


def test_sorting_by_an_unknown_path_warns(source: Source) -> None:
    with pytest.warns(RunforkWarning, match="sort_by names 'nope'"):
        frame = table(source, sort_by=Attribute("nope"))

    assert ["r3", "r2", "r1"] == frame.index.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sort_direction": "up"}, "sort_direction must be one of 'asc', 'desc', found 'up'"),
        ({"sort_by": 3}, "sort_by must be an attribute path or an Attribute, found 3"),
        ({"limit": 0}, "limit must be a whole number of at least 1, found 0"),
        ({"limit": "3"}, "found '3'"),
        ({"type_suffix_in_column_names": 1}, "type_suffix_in_column_names must be True or False, found 1"),
        ({"attributes": 3}, "attributes must be a path pattern"),
    ],
)
@pytest.mark.parametrize("function", [fetch_runs_table, fetch_experiments_table])
def test_wrong_arguments_are_refused_before_anything_is_opened(
    function: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        function(directory="/nowhere", **arguments)

    assert message in str(caught.value)
