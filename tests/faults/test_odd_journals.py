"""Journals that hold anything at all: whatever lies in one, the others are read, and it is told."""

import json
import shutil
import tempfile
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from tests.answers import assert_equal_values
from tests.command_line import runner
from tests.odd_journals import odd_journals
from tests.strategies import examples

import runfork
from runfork import Run
from runfork.cli import cli
from runfork.errors import RunforkError, RunforkWarning
from runfork.index.interface import BucketsRequest, PointsRequest, RunsQuery, SeriesKey
from runfork.reading.project import Project

COMMANDS = [
    ["ls", "--runs"],
    ["ls", "--columns", "loss,sys/state,a/b", "--sort", "loss"],
    ["show", "good"],
    ["show", "odd", "--system"],
    ["show", "odd", "--console"],
    ["lineage", "good"],
    ["lineage", "odd"],
    ["tail", "odd", "--no-follow"],
    ["compare", "good", "odd"],
    ["plot", "odd"],
    ["plot", "good", "own/loss", "--x", "time"],
    ["export", "points", "--run", "odd"],
    ["export", "runs"],
    ["fsck"],
]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A data directory with one good run."""
    directory = tmp_path_factory.mktemp("good")
    with Run(
        "e",
        run_id="good",
        project="tests/project",
        settings=runfork.Settings(directory=str(directory), monitoring_seconds=0, console=False),
        source_tracking_config=None,
    ) as run:
        run.log_configs({"own/lr": 0.1})
        run.log_metrics({"own/loss": 1.5}, step=1)
    return directory


@contextmanager
def laid(good, content):
    """Lend a data directory in which an odd journal lies beside the good run, and one in its folder; warnings are kept quiet."""
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore", RunforkWarning)
        directory = Path(place)
        shutil.copytree(good, directory, dirs_exist_ok=True)
        for run in ("odd", "good"):
            folder = directory / "tests" / "project" / run
            folder.mkdir(exist_ok=True)
            (folder / "w.journal").write_bytes(content)
        yield directory


def check_index(index):
    """Ask everything; what the good run logged is there."""
    nodes = index.nodes()
    values = index.values(sorted(nodes))
    assert values["good"]["own/lr"].value == 0.1
    keys = [SeriesKey(run_id, path) for run_id, found in values.items() for path in found]
    for request in (
        PointsRequest(keys),
        PointsRequest(keys, previews=True, tail=2),
        PointsRequest(keys, step_range=(0, 5)),
    ):
        index.points(request)
    for x in ("step", "time"):
        index.buckets(BucketsRequest(keys, 7, x=x))
    index.runs(RunsQuery(heads_only=True))
    index.definitions()
    points = index.points(PointsRequest([SeriesKey("good", "own/loss")], inherit="own"))
    assert 1.5 in points[0].values


def check_queries(directory):
    """Call the query API; what it refuses, it refuses in words of its own."""
    place = {"project": "tests/project", "directory": directory}
    runfork.list_attributes(**place)
    for call in (
        lambda: runfork.fetch_runs_table(attributes=".*", type_suffix_in_column_names=True, **place),
        lambda: runfork.fetch_experiments_table(**place),
        lambda: runfork.fetch_metrics(
            runs=".*", attributes=".*", include_time="absolute", include_point_previews=True, **place
        ),
        lambda: runfork.fetch_series(runs=".*", attributes=".*", include_time="absolute", **place),
        lambda: runfork.fetch_metric_buckets(runs=".*", y=".*", x="time", **place),
    ):
        with suppress(RunforkError):
            call()
    assert "good" in runfork.list_runs(**place)


def check_commands(directory):
    for arguments in COMMANDS:
        result = runner().invoke(
            cli,
            [*arguments, "--dir", str(directory), "--project", "tests/project"],
            prog_name="runfork",
            env={"COLUMNS": "100", "RUNFORK_PLUGINS": ""},
        )
        assert result.exit_code in (0, 1, 2), (arguments, result.output)
        assert "this should not happen" not in result.output, (arguments, result.output)
    listed = runner().invoke(cli, ["ls", "--runs", "--json", "--dir", str(directory), "--project", "tests/project"])
    assert "good" in {item["run_id"] for item in json.loads(listed.stdout)["items"]}


@pytest.mark.timeout(1800)
def test_whatever_a_journal_holds_the_others_are_read(good, tried):
    seen = []

    @examples(60, long=3000)
    @given(odd_journals())
    def holds(content):
        with (
            laid(good, content) as directory,
            Project.open("tests/project", directory=directory) as project,
            Project.open("tests/project", directory=directory, index_uri="memory://") as reference,
        ):
            for one in (project, reference):
                one.refresh()
                check_index(one.index)
            assert_equal_values(project.index, reference.index)
            assert project.unreadable == reference.unreadable
        seen.append(len(content))

    holds()
    tried(
        "journals with sound checksums and any contents, beside and within a good run",
        times=len(seen),
        outcome="all else was read; both indexes agree",
    )


@pytest.mark.timeout(1800)
def test_whatever_a_journal_holds_commands_and_queries_say_what_the_others_hold(good, tried):
    seen = []

    @examples(10, long=600)
    @given(odd_journals())
    def holds(content):
        with laid(good, content) as directory:
            check_queries(directory)
            check_commands(directory)
        seen.append(len(content))

    holds()
    tried(
        f"{len(COMMANDS)} commands and five queries on such a project",
        times=len(seen),
        outcome="none failed, and none left out the good run",
    )
