"""The public API as its users write it. Type checkers read this file; nothing runs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import runfork
from runfork import ArgumentError, Attribute, File, Filter, Histogram, Run, Settings
from runfork.query import AttributeFilter, LoggedFile

if TYPE_CHECKING:
    import pandas as pd


def log(run: Run) -> str:
    run.log_configs({"optimizer": "adam", "parameters": {"learning_rate": 1e-3}}, flatten=True)
    run.describe({"trainer": {"max_epochs": 3}}, replaces=["trainer"])
    run.log_metrics({"train/loss": 0.3}, step=1)
    run.log_metrics({"train/loss": 0.3}, step=1.5, preview=True, preview_completion=0.5)
    run.log_string_series({"status": "warm"}, step=1)
    run.log_histograms({"weights": Histogram([0.0, 1.0], counts=[3])}, step=1)
    run.log_files({"sample": "sample.png"}, step=1)
    run.assign_files({"notes": File(b"text", mime_type="text/plain"), "model": Path("model.pt")})
    run.add_tags(["good"])
    run.remove_tags(["good"], group_tags=True)
    mark: dict[str, str | int | None] = run.checkpoint_mark(1)
    with Run("seagull", resume_from=mark) as child:
        parent: tuple[str, float] | None = child.parent
        assert parent is not None
    run.close()
    settings: Settings = run.settings
    assert settings.mode
    run_id: str = run.run_id
    url: str | None = run.url
    assert url is None
    return run_id


def lists() -> list[str]:
    condition = Filter.gt("val/acc", 0.9) & ~Filter.name(["old"]) | Filter.contains_all("sys/tags", ["a", "b"])
    runs: list[str] = runfork.list_runs(runs=condition)
    runs += runfork.list_runs(project="team/thing", directory=Path("data"), runs=["a", "b"])
    runs += runfork.list_experiments(experiments=Filter.parse("`lr`:float > 0.1"))
    runs += runfork.list_attributes(runs="r.*", attributes=AttributeFilter("loss", type="float_series"))
    query: str = condition.to_query()
    return [*runs, query]


def frames() -> list[pd.DataFrame]:
    table: pd.DataFrame = runfork.fetch_runs_table(runs=None, attributes=["lr", Attribute("loss")], limit=10)
    heads: pd.DataFrame = runfork.fetch_experiments_table(
        experiments="sea.*", attributes="lr | loss", sort_by=Attribute("loss", "float_series"), sort_direction="asc"
    )
    metrics: pd.DataFrame = runfork.fetch_metrics(
        experiments=["seagull"],
        attributes=AttributeFilter("train/") | AttributeFilter("val/"),
        include_time="absolute",
        step_range=(0, None),
        tail_limit=100,
        lineage_to_the_root=False,
        include_point_previews=True,
    )
    replaced: pd.DataFrame = runfork.fetch_metrics(runs=["a"], attributes="loss", replaced=True)
    series: pd.DataFrame = runfork.fetch_series(runs=Filter.exists("log"), attributes=["log"], step_range=(0.5, 2))
    buckets: pd.DataFrame = runfork.fetch_metric_buckets(runs=["a"], y="loss", x="time", limit=100)
    paths: pd.DataFrame = runfork.download_files(files=series["log"], destination="out")
    return [table, heads, metrics, replaced, series, buckets, paths]


def files(files: list[LoggedFile]) -> None:
    try:
        runfork.download_files(files=files)
    except ArgumentError as error:
        print(error)
    size: int = files[0].size_bytes
    assert size
