from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.faults.children import run_child

from runfork import Histogram, Run
from runfork.disk.logged_files import FOLDER
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.model.attributes import MAX_PATH_BYTES, AttributeType
from runfork.model.histograms import MAX_HISTOGRAM_EDGES
from runfork.reading.project import Project

if TYPE_CHECKING:
    from pathlib import Path


def values_of(run_id: str, *paths: str):
    """Return the values of single attributes by path."""
    with Project.open() as project:
        project.refresh()
        found = project.index.values([run_id], paths=list(paths) or None)[run_id]
        return {path: value.value for path, value in found.items()}


def dropped(run: Run) -> tuple[int, str]:
    return run.status.dropped_values, " ".join(run.status.problems)


def new_run() -> Run:
    return Run(run_id="large", source_tracking_config=None)


def test_a_hundred_thousand_configs_in_one_call_are_kept(rounds, tried):
    count = rounds(10_000, 100_000)
    data: dict[str, dict[str, float]] = {f"group_{number % 100}": {} for number in range(100)}
    for number in range(count):
        data[f"group_{number % 100}"][f"key_{number}"] = number / 7
    with new_run() as run:
        began = time.perf_counter()
        run.log_configs(data)
        seconds = time.perf_counter() - began

    found = {path: value for path, value in values_of("large").items() if path.startswith("group_")}
    assert {f"group_{number % 100}/key_{number}": number / 7 for number in range(count)} == found
    tried(f"{count:,} configs in one call", times=1, outcome=f"all kept; the call took {seconds * 1e3:.0f} ms")


def test_a_hundred_thousand_tags_are_kept(rounds, tried):
    count = rounds(10_000, 100_000)
    with new_run() as run:
        run.add_tags([f"tag-{number}" for number in range(count)])
        run.remove_tags([f"tag-{number}" for number in range(0, count, 2)])

    assert {f"tag-{number}" for number in range(1, count, 2)} == values_of("large")["sys/tags"]
    tried(f"{count:,} tags added, every other one removed", times=1, outcome="those that stay are the ones kept")


@pytest.mark.parametrize(("key", "reason"), [("level", "may have 1024 bytes"), ("", "must not be empty")])
def test_a_config_nested_without_end_is_refused_in_a_sentence(tried, key, reason):
    nested: dict[str, object] = {"leaf": 1}
    for _ in range(10_000):
        nested = {key: nested}
    with new_run() as run, pytest.warns(match="was not logged"):
        run.log_configs({**nested, "fine": 1})
        count, problems = dropped(run)

    assert 1 == count
    assert reason in problems
    assert {"fine": 1} == values_of("large", "fine")
    tried(
        f"a config 10,000 levels deep, of keys {key!r}", times=1, outcome="left out with one sentence, the others kept"
    )


def test_a_list_nested_without_end_is_kept_or_refused_in_a_sentence():
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with new_run() as run, pytest.warns(match="was not logged"):
        run.log_configs({"deep": nested, "fine": 1})
        count, problems = dropped(run)

    assert 1 == count
    assert "'deep' was not logged" in problems
    assert {"fine": 1} == values_of("large", "fine")


def test_a_string_of_fifty_megabytes_is_refused_in_a_sentence(tried):
    with new_run() as run, pytest.warns(match="was not logged"):
        run.log_configs({"text": "x" * 50_000_000, "fine": "y" * 1024 * 1024})
        run.log_string_series({"texts": "z" * 50_000_000}, step=1)
        count, problems = dropped(run)

    assert 2 == count
    assert "a string may have 1 MiB of UTF-8, found 50000000 bytes; log it with assign_files instead" in problems
    assert {"fine": "y" * 1024 * 1024} == values_of("large", "fine", "text")
    tried("strings of 50 MB", times=2, outcome="left out with a sentence that says what to do; 1 MiB is kept")


def test_a_histogram_of_a_hundred_thousand_bins_is_refused_in_a_sentence(tried):
    edges = list(range(100_001))
    most = Histogram(bin_edges=list(range(MAX_HISTOGRAM_EDGES)), counts=[1] * (MAX_HISTOGRAM_EDGES - 1))
    with new_run() as run, pytest.warns(match="was not logged"):
        run.log_histograms({"huge": Histogram(bin_edges=edges, counts=[1] * 100_000), "most": most}, step=1)
        count, problems = dropped(run)

    assert 1 == count
    assert (
        f"2 to {MAX_HISTOGRAM_EDGES} strictly increasing finite edges, found more than {MAX_HISTOGRAM_EDGES}"
        in problems
    )
    with Project.open() as project:
        project.refresh()
        (found,) = project.index.points(PointsRequest([SeriesKey("large", "huge"), SeriesKey("large", "most")]))
    assert (most.bin_edges, most.counts) == (list(found.values[0].bin_edges), list(found.values[0].counts))
    tried("a histogram of 100,000 bins", times=1, outcome="left out with a sentence; 512 bins are kept")


def test_paths_up_to_the_limit_are_kept(tried):
    longest = "a/" * (MAX_PATH_BYTES // 2 - 1) + "zz"
    wide = "\u65e5" * (MAX_PATH_BYTES // 3)
    with new_run() as run, pytest.warns(match="was not logged"):
        run.log_metrics({longest: 1.0, wide: 2.0, longest + "x": 3.0}, step=1)
        run.log_configs({"c/" + longest[2:]: "kept", "\u65e5" * 342: "too long"})
        count, _ = dropped(run)

    assert MAX_PATH_BYTES == len(longest)
    assert 2 == count
    found = values_of("large", longest, wide, "c/" + longest[2:])
    assert {longest: 1.0, wide: 2.0, "c/" + longest[2:]: "kept"} == found
    tried("paths of 1024 bytes, and longer ones", times=5, outcome="kept; longer ones left out with a sentence")


NUMBERS = [np.dtype(code) for code in np.typecodes["AllInteger"] + np.typecodes["Float"] + "?"]
OTHERS = [np.dtype(code) for code in "FDGSUMmOV"]


def test_numbers_of_every_numpy_type_are_numbers(tried):
    with new_run() as run:
        for dtype in NUMBERS:
            value = np.array([1], dtype)
            run.log_metrics(
                {
                    f"{dtype.char}/scalar": value[0],
                    f"{dtype.char}/array": value,
                    f"{dtype.char}/bare": value.reshape(()),
                },
                step=1,
            )
            run.log_configs({f"{dtype.char}/config": value[0], f"{dtype.char}/list": [value[0], 2]})

    found = values_of("large")
    for dtype in NUMBERS:
        one = {"?": True, **dict.fromkeys(np.typecodes["Float"], 1.0)}.get(dtype.char, 1)
        values = [found[f"{dtype.char}/{name}"] for name in ("scalar", "array", "bare", "config", "list")]
        assert [1.0, 1.0, 1.0, one, json.dumps([one, 2])] == values
        assert type(one) is type(values[3])
    tried("a number of every NumPy type", times=len(NUMBERS), outcome="kept as a number: metric, config, in a list")


@pytest.mark.parametrize("dtype", OTHERS, ids=lambda dtype: f"{dtype.char}-{dtype}")
def test_values_of_other_numpy_types_are_kept_as_text_or_refused_in_a_sentence(dtype):
    value = np.zeros(1, dtype)
    with new_run() as run:
        with pytest.warns(match="metric .* was not logged"):
            run.log_metrics({"metric": np.zeros(2, dtype), "fine": 1.0}, step=1)
        run.log_configs({"config": value[0], "array": np.zeros(3, dtype)})

    found = values_of("large", "fine", "config", "array", "metric")
    assert ["array", "config", "fine"] == sorted(found)


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def test_thousands_of_small_files_and_a_large_one_are_kept(rounds, tried, tmp_path, data_directory):
    count, megabytes = rounds(200, 1000), rounds(32, 1024)
    choose = random.Random(3)
    contents = {f"files/{number}": choose.randbytes(1024) for number in range(count)}
    large, digest = tmp_path / "large.bin", hashlib.sha256()
    with large.open("wb") as file:
        for _ in range(megabytes):
            block = choose.randbytes(1024) * 1024
            file.write(block)
            digest.update(block)
    with new_run() as run:
        began = time.perf_counter()
        for path, content in contents.items():
            run.assign_files({path: content})
        seconds = time.perf_counter() - began
        run.log_files({"checkpoints/large": large}, step=1)

    with Project.open() as project:
        project.refresh()
        found = project.index.values(["large"])["large"]
    files = run.directory / FOLDER
    kept = {path: (files / found[path].value.sha256).read_bytes() for path in contents}
    copy = files / found["checkpoints/large"].value.sha256
    assert contents == kept
    assert digest.hexdigest() == digest_of(copy) == copy.name
    assert AttributeType.FILE_SERIES is found["checkpoints/large"].type
    tried(
        f"{count:,} files of 1 KB and one of {megabytes} MB",
        times=count + 1,
        outcome=f"all kept byte for byte; {seconds / count * 1e6:.0f} us for a small one",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_large_file_takes_no_memory(rounds, tmp_path):
    megabytes = rounds(64, 1024)
    found = run_child(
        f"""
        import runfork
        with Path("/dev/zero").open("rb") as zeros, Path(sys.argv[1] + ".bin").open("wb") as file:
            for _ in range({megabytes}):
                file.write(zeros.read(1 << 20))
        with runfork.Run(run_id="large", source_tracking_config=None) as run:
            before = peak_megabytes()
            run.assign_files({{"large": sys.argv[1] + ".bin"}})
            result["grown"] = peak_megabytes() - before
        Path(sys.argv[1] + ".bin").unlink()
        """,
        tmp_path,
    )

    assert found["grown"] < 16
