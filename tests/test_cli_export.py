"""``runfork export``, on real runs on disk."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import Any

import pytest
from tests.command_line import call, call_json

from runfork import Run


def test_export_of_points_is_exact(lineage):
    rows = list(csv.DictReader(io.StringIO(call("export", "points", "gull", "--attributes", "loss").stdout)))

    assert len(rows) == 15
    assert rows[1] == {
        "run_id": "head",
        "experiment": "gull",
        "path": "train/loss",
        "step": "10",
        "time": rows[1]["time"],
        "value": repr(1 / 11),
        "text": "",
        "source_run": "root",
    }
    assert rows[-1]["value"] == "NaN"


def test_export_of_own_points_leaves_out_what_is_inherited(lineage):
    rows = list(csv.DictReader(io.StringIO(call("export", "points", "gull", "--own", "--attributes", "loss").stdout)))

    assert {row["source_run"] for row in rows} == {"head"}


def test_export_of_runs_has_a_row_each(lineage):
    rows = json.loads(call("export", "runs", "--format", "json").stdout)

    assert [row["run_id"] for row in rows] == ["side", "head", "root"]
    assert rows[1]["lr"] == 0.2
    assert rows[1]["train/loss"] == "NaN"


def test_export_of_values_of_several_kinds(open_run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    held: dict[str, list[Any]] = {
        "a": [1, 1, True, ["z", "y"]],
        "b": [0.5, 2**53 + 1, "auto", None],
        "c": [None, 0.5, None, ["x"]],
    }
    for run_id, values in held.items():
        open_run(run_id=run_id).log_configs(dict(zip("stuv", values, strict=True)))
    rows = sorted(json.loads(call("export", "runs", "--format", "json").stdout), key=lambda row: row["run_id"])
    target = tmp_path / "runs.parquet"
    call("export", "runs", "--output", str(target))
    types = {field.name: str(field.type) for field in parquet.read_table(target).schema}

    assert [row.get("s") for row in rows] == [1, 0.5, None]
    assert [row.get("u") for row in rows] == ["True", "auto", None]
    assert [row.get("v") for row in rows] == [["z", "y"], None, ["x"]]
    assert [row["t"] for row in rows] == ["1", str(2**53 + 1), "0.5"]
    assert [types[path] for path in "stu"] == ["double", "string", "string"]


def test_export_of_experiments_has_their_heads(lineage):
    assert [row["run_id"] for row in call_json("export", "experiments")] == ["head"]


def test_export_to_parquet_keeps_types(lineage, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    target = tmp_path / "points.parquet"

    call("export", "points", "gull", "--output", str(target))

    table = parquet.read_table(target)
    assert table.num_rows == 15 + 9 + 1
    assert [str(field.type) for field in table.schema][3:6] == ["double", "timestamp[us, tz=UTC]", "double"]


def test_export_of_runs_to_parquet_keeps_string_sets(lineage, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    target = tmp_path / "runs.parquet"

    call("export", "runs", "--attributes", "^sys/tags$", "--output", str(target))

    assert parquet.read_table(target).column("sys/tags").to_pylist() == [["baseline"]] * 3


def test_export_to_parquet_without_pyarrow_says_what_to_install(lineage, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    target = tmp_path / "runs.parquet"

    message = call("export", "runs", "-o", str(target), exit_code=1).stderr

    assert 'pip install "runfork[pandas]"' in message
    assert not target.exists()


def test_export_replaces_no_file_unasked(lineage, tmp_path):
    target = tmp_path / "runs.csv"
    target.write_text("precious")

    message = call("export", "runs", "-o", str(target), exit_code=2).stderr

    assert "--force" in message
    assert target.read_text() == "precious"


def test_export_replaces_a_file_by_force_and_leaves_no_other_behind(lineage, tmp_path):
    target = tmp_path / "out" / "runs.csv"
    target.parent.mkdir()
    target.write_text("old")

    call("export", "runs", "-o", str(target), "--force")

    assert target.read_text().startswith("run_id,experiment,")
    assert list(target.parent.iterdir()) == [target]


def test_export_of_an_unknown_format_is_wrong_usage(lineage, tmp_path):
    assert "cannot tell the format" in call("export", "runs", "-o", str(tmp_path / "a.xlsx"), exit_code=2).stderr


def test_export_of_nothing_is_told(lineage):
    assert "none that satisfy" in call("export", "runs", "--filter", "lr > 5", exit_code=1).stderr


def test_points_that_were_replaced_are_exported(data_directory):
    for attempt in range(2):
        with Run(None, run_id="r") as run:
            run.log_metrics({"loss": attempt}, step=1)

    assert [row["value"] for row in call_json("export", "points", "r")] == [1.0]
    assert [row["value"] for row in call_json("export", "points", "r", "--replaced")] == [0.0]


def test_export_into_a_folder_that_is_not_there_names_what_was_asked_for(lineage, tmp_path):
    target = tmp_path / "nowhere" / "x.csv"

    message = call("export", "runs", "-o", str(target), exit_code=2).stderr

    assert f"'{target}' cannot be written (No such file or directory" in message
    assert len(message.splitlines()) == 1


def test_export_of_runs_tells_state_times_tags_and_parents(lineage):
    rows = {row["run_id"]: row for row in call_json("export", "runs")}

    assert rows["head"]["sys/forking/parent"] == "root"
    assert rows["head"]["sys/forking/step"] == 80
    assert rows["root"]["sys/tags"] == ["baseline"]
    assert {"sys/state", "sys/creation_time", "sys/modification_time"} <= rows["side"].keys()


def test_export_of_points_says_whose_are_left_out(lineage):
    assert "2 other runs not: name runs, or add --all" in call("export", "points").stderr
    assert call("export", "points", "head").stderr == ""


def test_export_of_all_points_has_what_every_run_logged_once(lineage):
    rows = call_json("export", "points", "--all")

    assert {"root", "side", "head"} == {row["run_id"] for row in rows}
    assert all(row["run_id"] == row["source_run"] for row in rows)


def test_export_of_points_without_experiments_has_all_runs(data_directory):
    with Run(run_id="alone", source_tracking_config=None) as run:
        run.log_metrics({"loss": 1.0}, step=1)

    assert ["alone"] == [row["run_id"] for row in call_json("export", "points")]
