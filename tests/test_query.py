"""The query functions on real journals: what a user sees after runs, forks, resumes and late parents."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import examples

import runfork
from runfork import Attribute, File, Filter, Histogram, NotFoundError, Run, RunforkWarning, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.trials import Tried

START = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


def log(run: Run, steps: range, *, scale: float = 1.0) -> None:
    for step in steps:
        run.log_metrics({"loss": step * scale}, step=step)


@pytest.fixture
def lineage() -> None:
    """A root of another name with points 0 to 6; two runs of one experiment that fork at 4 and 8."""
    with Run("first", run_id="root", creation_time=START) as run:
        run.log_configs({"lr": 0.1, "model": {"depth": 4}})
        run.add_tags(["kept"])
        log(run, range(7))
    with Run("second", run_id="middle", fork_run_id="root", fork_step=4) as run:
        run.log_configs({"lr": 0.2})
        log(run, range(5, 10), scale=10)
    with Run("second", run_id="last", fork_run_id="middle", fork_step=8) as run:
        log(run, range(9, 12), scale=100)


def series(values: dict[int, float], name: str, kind: str = "experiment") -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples([(name, float(step)) for step in values], names=[kind, "step"])
    frame: pd.DataFrame = pd.DataFrame({"loss": list(values.values())}, index=index)
    return frame


SECOND = {5: 50.0, 6: 60.0, 7: 70.0, 8: 80.0, 9: 900.0, 10: 1000.0, 11: 1100.0}


@pytest.mark.usefixtures("lineage")
def test_an_experiment_is_one_line_to_the_root() -> None:
    frame = runfork.fetch_metrics(experiments="second", attributes="loss")

    expected = series({0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0, **SECOND}, "second")
    pd.testing.assert_frame_equal(expected, frame)


@pytest.mark.usefixtures("lineage")
def test_without_lineage_an_experiment_begins_where_its_name_does() -> None:
    frame = runfork.fetch_metrics(experiments=["second"], attributes=["loss"], lineage_to_the_root=False)

    pd.testing.assert_frame_equal(series(SECOND, "second"), frame)


@pytest.mark.usefixtures("lineage")
def test_without_lineage_a_run_has_its_own_points() -> None:
    frame = runfork.fetch_metrics(runs="^middle$", attributes=["loss"], lineage_to_the_root=False)

    expected = series({5: 50.0, 6: 60.0, 7: 70.0, 8: 80.0, 9: 90.0}, "middle", "run")
    pd.testing.assert_frame_equal(expected, frame)


@pytest.mark.usefixtures("lineage")
def test_a_table_shows_inherited_values_and_last_points() -> None:
    frame = runfork.fetch_runs_table(
        attributes=["loss", "lr", "model/depth", "sys/name", "sys/tags", "sys/forking/parent", "sys/forking/step"],
        sort_by="sys/creation_time",
        sort_direction="asc",
    )

    expected = pd.DataFrame(
        {
            "loss": [6.0, 90.0, 1100.0],
            "lr": [0.1, 0.2, 0.2],
            "model/depth": [4, 4, 4],
            "sys/forking/parent": [None, "root", "middle"],
            "sys/forking/step": [math.nan, 4.0, 8.0],
            "sys/name": ["first", "second", "second"],
            "sys/tags": [{"kept"}, {"kept"}, {"kept"}],
        },
        index=pd.Index(["root", "middle", "last"], name="run"),
    )
    texts = ["sys/forking/parent", "sys/name"]
    expected = expected.astype(dict.fromkeys(texts, object))
    expected.loc["root", "sys/forking/parent"] = None
    expected.columns.name = "attribute"
    pd.testing.assert_frame_equal(expected, frame)


@pytest.mark.usefixtures("lineage")
def test_runs_and_experiments_are_listed_latest_first() -> None:
    assert runfork.list_runs() == ["last", "middle", "root"]
    assert runfork.list_experiments() == ["second", "first"]
    assert runfork.list_runs(runs=Filter.name(["second"])) == ["last", "middle"]
    assert runfork.list_runs(runs=Filter.gt("loss", 10)) == ["last", "middle"]
    assert runfork.list_runs(runs=Filter.parse('`loss`:floatSeries > "100" OR NOT `sys/forking/parent` EXISTS')) == [
        "last",
        "root",
    ]
    assert runfork.list_experiments(experiments="f.r & !second") == ["first"]


@pytest.mark.usefixtures("lineage")
def test_attributes_are_listed_with_inherited_ones() -> None:
    assert runfork.list_attributes(runs=["last"], attributes="^[^/]*$ | model") == ["loss", "lr", "model/depth"]
    assert runfork.list_attributes(attributes=Attribute("loss", "float_series")) == ["loss"]
    assert "sys/custom_run_id" in runfork.list_attributes()


@pytest.mark.usefixtures("lineage")
def test_buckets_follow_the_lineage() -> None:
    frame = runfork.fetch_metric_buckets(experiments="second", y="loss", limit=3)

    expected = [[0.0, 0.0], [7.0, 70.0], [11.0, 1100.0]]
    assert frame["second", "loss"].to_numpy().tolist() == expected


def test_a_point_of_the_child_stands_over_an_inherited_one() -> None:
    with Run("e", run_id="parent") as run:
        log(run, range(6))
    with Run("e", run_id="child", fork_run_id="parent", fork_step=5) as run:
        log(run, range(3, 5), scale=-1)

    frame = runfork.fetch_metrics(experiments="e", attributes="loss")

    expected = series({0: 0.0, 1: 1.0, 2: 2.0, 3: -3.0, 4: -4.0, 5: 5.0}, "e")
    pd.testing.assert_frame_equal(expected, frame)


def test_a_late_parent_is_inherited_once_it_is_there() -> None:
    with Run("e", run_id="child", fork_run_id="parent", fork_step=2) as run:
        log(run, range(3, 5))
    before = runfork.fetch_metrics(runs=["child"], attributes="loss")

    with Run(run_id="parent") as run:
        log(run, range(10), scale=-1)
    after = runfork.fetch_metrics(runs=["child"], attributes="loss")

    pd.testing.assert_frame_equal(series({3: 3.0, 4: 4.0}, "child", "run"), before)
    pd.testing.assert_frame_equal(series({0: 0.0, 1: -1.0, 2: -2.0, 3: 3.0, 4: 4.0}, "child", "run"), after)


def test_points_that_reach_the_parent_after_the_fork_are_inherited() -> None:
    parent = Run("e", run_id="parent")
    log(parent, range(2))
    with Run("e", run_id="child", fork_run_id="parent", fork_step=3) as run:
        log(run, range(4, 5))
    before = runfork.fetch_metrics(experiments="e", attributes="loss")

    log(parent, range(2, 8))
    parent.close()
    after = runfork.fetch_metrics(experiments="e", attributes="loss")

    pd.testing.assert_frame_equal(series({0: 0.0, 1: 1.0, 4: 4.0}, "e"), before)
    pd.testing.assert_frame_equal(series({step: float(step) for step in range(5)}, "e"), after)


def test_a_running_run_is_followed_call_by_call() -> None:
    run = Run("e", run_id="r")
    counts = []
    for step in range(3):
        run.log_metrics({"loss": step}, step=step)
        counts.append(len(runfork.fetch_metrics(runs=["r"], attributes="loss")))
    run.close()

    assert counts == [1, 2, 3]


def test_a_run_resumed_by_id_goes_on() -> None:
    with Run("e", run_id="r") as run:
        log(run, range(3))
    with Run(run_id="r") as run:
        log(run, range(2, 5), scale=10)

    frame = runfork.fetch_metrics(experiments="e", attributes="loss")

    pd.testing.assert_frame_equal(series({0: 0.0, 1: 1.0, 2: 20.0, 3: 30.0, 4: 40.0}, "e"), frame)


def test_resuming_from_a_mark_prunes_what_came_after_it() -> None:
    with Run("e", run_id="parent") as run:
        log(run, range(4))
        mark = run.checkpoint_mark(3)
        log(run, range(4, 9))
    with Run(resume_from=mark, run_id="child") as run:
        log(run, range(4, 6), scale=10)

    frame = runfork.fetch_metrics(experiments="e", attributes="loss")

    pd.testing.assert_frame_equal(series({0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 40.0, 5: 50.0}, "e"), frame)


def test_decimal_steps_times_and_previews_come_back_exactly() -> None:
    with Run("e", run_id="r") as run:
        run.log_metrics({"loss": math.nan}, step=0.1 + 0.2, timestamp=START)
        run.log_metrics({"loss": 2}, step=1, timestamp=START + timedelta(microseconds=1))
        run.log_metrics({"loss": 3}, step=2, preview=True, preview_completion=0.25)

    frame = runfork.fetch_metrics(
        runs="r", attributes=["loss"], include_time="absolute", include_point_previews=True, step_range=(0.3, None)
    )["loss"]

    assert frame.loc["r"].index.tolist() == [0.3, 1.0, 2.0]
    assert frame["absolute_time"].tolist()[:2] == [START, START + timedelta(microseconds=1)]
    assert frame["is_preview"].tolist() == [False, False, True]
    assert frame["preview_completion"].tolist() == [1.0, 1.0, 0.25]
    assert math.isnan(frame["value"].iloc[0])


def test_strings_histograms_and_files_come_back(tmp_path: Path) -> None:
    weights = Histogram([0.0, 1.0, 2.0], counts=[3, 4])
    with Run("e", run_id="r") as run:
        run.log_string_series({"log": "hello"}, step=1)
        run.log_histograms({"weights": weights}, step=1)
        run.log_files({"sample": File(b"\x89PNG\r\n\x1a\n one", name="one.png")}, step=1)
        run.log_files({"sample": File(b"two", name="two.txt")}, step=2)

    frame = runfork.fetch_series(experiments="e", attributes=["log", "weights", "sample"])
    places = runfork.download_files(files=frame["sample"], destination=tmp_path / "out")

    assert frame["log"].tolist() == ["hello", None]
    assert list(frame["weights"].iloc[0].bin_edges) == [0.0, 1.0, 2.0]
    assert list(frame["weights"].iloc[0].counts) == [3, 4]
    assert frame["sample"].iloc[0].mime_type == "image/png"
    assert places.index.tolist() == [("e", 1.0), ("e", 2.0)]
    assert [Path(place).read_bytes()[-3:] for place in places["sample"]] == [b"one", b"two"]
    assert Path(places["sample"].iloc[0]) == tmp_path / "out" / "e" / "sample" / "step_1.000000.png"


def test_an_inherited_file_can_be_downloaded(tmp_path: Path) -> None:
    with Run("e", run_id="parent") as run:
        run.assign_files({"notes": File(b"inside", name="notes.md")})
    Run("e", run_id="child", fork_run_id="parent", fork_step=0).close()

    table = runfork.fetch_experiments_table(attributes=["notes"])
    places = runfork.download_files(files=table, destination=tmp_path)

    assert Path(places["notes"].iloc[0]).read_bytes() == b"inside"


def test_a_project_and_a_directory_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNFORK_DIR", str(tmp_path / "other"))
    with Run("e", run_id="r", project="team/thing") as run:
        log(run, range(2))
    monkeypatch.setenv("RUNFORK_DIR", str(tmp_path / "empty"))

    place: dict[str, Any] = {"project": "team/thing", "directory": tmp_path / "other"}
    assert runfork.list_runs(**place) == ["r"]
    assert len(runfork.fetch_metrics(runs="r", attributes="loss", **place)) == 2


FUNCTIONS: list[Callable[..., object]] = [
    runfork.list_runs,
    runfork.list_experiments,
    runfork.list_attributes,
    runfork.fetch_runs_table,
    runfork.fetch_experiments_table,
]


@pytest.mark.usefixtures("lineage")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_project_that_is_not_there_is_told_with_the_closest(function: Callable[..., object]) -> None:
    with pytest.raises(NotFoundError, match="there is no project 'tests/projekt' in .*did you mean 'tests/project'?"):
        function(project="tests/projekt")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_arguments_go_by_keyword_only(function: Any) -> None:
    with pytest.raises(TypeError):
        function("tests/project")


@pytest.mark.usefixtures("lineage")
def test_values_of_several_kinds_are_filtered_sorted_and_shown() -> None:
    with Run("third", run_id="odd") as run:
        run.log_configs({"lr": "auto"})
    with Run("third", run_id="whole") as run:
        run.log_configs({"lr": 0.5, "best": None})
        run.log_configs({"lr": 1, "best": 0.5})
    with Run("third", run_id="none") as run:
        run.log_configs({"lr": None, "best": None})

    assert runfork.list_runs(runs=Filter.gt("lr", 0.1)) == ["whole", "last", "middle"]
    assert runfork.list_runs(runs=Filter.gt(Attribute("lr", "float"), 0.1)) == ["whole", "last", "middle"]
    assert runfork.list_runs(runs=Filter.eq("lr", "auto")) == ["odd"]
    frame = runfork.fetch_runs_table(attributes=".*", sort_by="lr")
    assert frame.index.tolist() == ["whole", "last", "middle", "root", "odd", "none"]
    assert frame["lr"].tolist() == [1, 0.2, 0.2, 0.1, "auto", None]
    assert frame["best"].dropna().to_dict() == {"whole": 0.5}


@pytest.mark.usefixtures("lineage")
def test_a_table_of_nothing_in_particular_shows_what_runs_logged_and_where_they_come_from() -> None:
    frame = runfork.fetch_runs_table()
    expected = ["loss", "lr", "model/depth", "sys/creation_time", "sys/forking/parent", "sys/forking/step", "sys/name"]
    assert frame.columns.tolist() == [*expected, "sys/state", "sys/tags"]
    assert runfork.fetch_experiments_table().loc["second", "loss"] == 1100.0
    assert runfork.fetch_runs_table(attributes=[]).shape == (3, 0)


@pytest.mark.usefixtures("lineage")
@pytest.mark.parametrize(
    "ask",
    [
        lambda: runfork.list_runs(runs=Filter.gt("nope", 1)),
        lambda: runfork.fetch_metrics(runs=["nope"], attributes="loss"),
        lambda: runfork.fetch_series(experiments="second", attributes="nope"),
        lambda: runfork.fetch_metric_buckets(runs="last", y="nope"),
        lambda: runfork.fetch_runs_table(attributes=["nope"]),
        lambda: runfork.fetch_experiments_table(sort_by="nope"),
        lambda: runfork.list_attributes(runs=Filter.gt("nope", 1)),
    ],
)
def test_a_warning_points_at_the_line_that_asked(ask: Callable[[], object]) -> None:
    with pytest.warns(RunforkWarning, match="'nope'") as caught:
        ask()

    assert [(one.filename, one.lineno) for one in caught] == [(__file__, ask.__code__.co_firstlineno)]


@pytest.mark.usefixtures("lineage")
def test_a_warning_of_opening_points_at_the_line_that_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUNFORK_INDEX_DIR", str(tmp_path / "file"))
    with pytest.warns(RunforkWarning, match="meanwhile the journals are read without it") as caught:
        assert runfork.list_runs() == ["last", "middle", "root"]

    assert [one.filename for one in caught] == [__file__]


def test_the_documents_name_every_function() -> None:
    document = (Path(__file__).parent.parent / "docs" / "query.md").read_text(encoding="utf-8")

    functions = [name for name in query.__all__ if name.islower()]
    assert [name for name in functions if f"| `{name}(" not in document] == []
    assert [name for name in functions if not hasattr(runfork, name)] == []


def test_a_missing_pandas_is_told_with_its_extra(tmp_path: Path) -> None:
    (tmp_path / "pandas.py").write_text("raise ImportError('not installed')")
    code = "import runfork; runfork.fetch_runs_table()"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert 'pip install "runfork[pandas]"' in done.stderr.splitlines()[-1]


def test_importing_the_query_functions_imports_no_pandas() -> None:
    code = "import sys, runfork.query; sys.exit('pandas' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Any tree of runs, logged and read by users' calls, against a model of a few lines

LOGGED_STEPS = st.integers(0, 8) | st.sampled_from([0.1, 0.3, 0.1 + 0.2, 4.5, 1e9, 2.0**33 + 0.5, 10**12 - 1])
LOGGED = st.lists(st.tuples(LOGGED_STEPS, st.floats(-10, 10)), max_size=6)
RUNS = st.lists(
    st.tuples(
        st.integers(0, 3), LOGGED_STEPS, LOGGED, LOGGED, st.dictionaries(st.sampled_from("ab"), st.integers(0, 9))
    ),
    min_size=1,
    max_size=4,
)


def naively_seen(number: int, parts: list[Any]) -> dict[int, float]:
    """Return what a run sees, by micro-step: its parent's points up to the fork, its own points on top, the last one wins."""
    parent, fork_step, first, late, _ = parts[number]
    found = {}
    if number and parent < number:
        above = naively_seen(parent, parts)
        found = {step: value for step, value in above.items() if step <= round(fork_step * 1_000_000)}
    return found | {round(step * 1_000_000): value for step, value in first + late}


@pytest.mark.filterwarnings("ignore:.*(asks for|has no):runfork.RunforkWarning")
@pytest.mark.timeout(3600)
def test_any_tree_of_runs_reads_as_it_was_logged(tried: Tried, data_directory: Path) -> None:
    seen: list[int] = []

    @examples(20, long=500)
    @given(RUNS, st.permutations(range(4)))
    def holds(parts: list[Any], order: list[int]) -> None:
        project = f"tests/number-{len(seen)}"
        configs: list[dict[str, int]] = []
        for number, (parent, fork_step, points, _, own) in enumerate(parts):
            fork: dict[str, Any] = (
                {"fork_run_id": f"r{parent}", "fork_step": fork_step} if number and parent < number else {}
            )
            with Run(run_id=f"r{number}", project=project, **fork) as run:
                run.log_configs(own)
                for step, value in points:
                    run.log_metrics({"loss": value}, step=step)
            configs.append({**(configs[parent] if fork else {}), **own})
        for number in order:  # late points, of parents too, by processes that come later
            if number < len(parts) and parts[number][3]:
                with Run(run_id=f"r{number}", project=project) as run:
                    for step, value in parts[number][3]:
                        run.log_metrics({"loss": value}, step=step)
        names = [f"r{number}" for number in range(len(parts))]
        frame = runfork.fetch_metrics(project=project, runs=names, attributes="loss")
        expected = {
            (name, step / 1_000_000): value
            for number, name in enumerate(names)
            for step, value in sorted(naively_seen(number, parts).items())
        }
        assert expected == (frame["loss"].to_dict() if len(frame) else {})
        table = runfork.fetch_runs_table(project=project, runs=names, attributes=["a", "b"])
        for name, held in zip(names, configs, strict=True):
            for path in "ab":
                assert held.get(path) == (table.get(path, pd.Series()).dropna().get(name))
        seen.append(len(expected))

    holds()
    tried(
        "trees of up to four real runs that fork, go on late and log any steps, read with fetch_metrics and fetch_runs_table",
        times=len(seen),
        outcome=f"{sum(seen):,} points as a naive model says",
    )
