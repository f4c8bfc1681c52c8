# pyright: reportOptionalMemberAccess=false
import logging
import math
import os
import re
import subprocess
import threading
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from runfork import File, Histogram, Run, Settings
from runfork.errors import ArgumentError, ArgumentTypeError, LoggingError, RunforkWarning
from runfork.journal.format import FILE_VERSION, Flag, Kind, encode_file_header
from runfork.steps import NO_STEP
from runfork.store import Store, journals_of
from runfork.testing.journals import batches_of, configs_of, points_of, records_of, until


@pytest.fixture
def open_run(data_directory):
    """Open runs that are closed at the end of the test."""
    opened = []

    def make(*args, **kwargs):
        kwargs.setdefault("source_tracking_config", None)
        run = Run(*args, **kwargs)
        opened.append(run)
        return run

    yield make
    for run in opened:
        run.close()


@pytest.fixture
def run(open_run):
    return open_run(run_id="r")


def bodies(run, kind):
    return [record.body for record in records_of(run.directory, kind)]


def rows_of(run):
    return [rows for path in journals_of(run.directory) for batch in batches_of(path) for rows in batch.rows]


# Being made


def test_a_run_exists_from_the_moment_it_is_made(open_run):
    run = open_run("seagull", run_id="r", project="a/b", creation_time=datetime(2026, 1, 2, tzinfo=timezone.utc))

    assert bodies(run, Kind.CREATE) == [
        {
            "run_id": "r",
            "project": "a/b",
            "experiment_name": "seagull",
            "creation_time": 1_767_312_000_000_000,
            "inherit_configs": True,
            "fork": None,
        }
    ]
    configs = configs_of(run.directory)
    assert [configs[f"sys/{name}"] for name in ("custom_run_id", "name", "experiment/name", "creation_time")] == [
        "r",
        "seagull",
        "seagull",
        1_767_312_000_000_000,
    ]


def test_the_journals_header_names_the_process(run):
    (path,) = journals_of(run.directory)
    identity = next(batches_of(path)).identity

    assert (identity["project"], identity["run_id"], identity["pid"]) == ("tests/project", "r", os.getpid())
    assert f"{identity['writer']}.journal" == path.name
    assert set(identity) == {
        "project", "run_id", "writer", "created", "host", "pid", "boot_id", "process_start", "rank",
    }  # fmt: skip


def test_what_a_run_is_can_be_asked(open_run, data_directory):
    run = open_run("e", run_id="r", project="a/b", fork_run_id="p", fork_step=2.5)

    assert (run.run_id, run.project, run.experiment_name, run.parent) == ("r", "a/b", "e", ("p", 2.5))
    assert run.directory == Store(data_directory).run_directory("a/b", "r")
    assert (run.is_closed, run.has_points, run.is_disabled) == (False, False, False)
    assert repr(run) == "Run(run_id='r', project='a/b', experiment_name='e', state='running')"


def test_a_run_without_a_project_is_named_after_the_working_directory(open_run, monkeypatch, tmp_path):
    monkeypatch.delenv("RUNFORK_PROJECT")
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path / "digits")

    assert open_run().project == "local/digits"


def test_the_environment_names_the_run(open_run, monkeypatch):
    monkeypatch.setenv("RUNFORK_RUN_ID", "from-outside")

    assert open_run().run_id == "from-outside"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"project": "digits"}, ArgumentError, "project must have the form 'workspace/project' with exactly one slash, found 'digits'; pass for example project='local/digits'"),  # noqa: E501
        ({"project": "a/b/c"}, ArgumentError, "project must have the form 'workspace/project' with exactly one slash, found 'a/b/c'; pass for example project='local/c'"),  # noqa: E501
        ({"project": 3}, ArgumentTypeError, "project must be a string like 'workspace/project', found 3"),
        ({"run_id": "a/b"}, ArgumentError, "run_id must not contain '/', found 'a/b'; use 'a-b' instead"),
        ({"run_id": ""}, ArgumentError, "run_id must not be empty, found ''; leave it out to have one chosen"),
        ({"run_id": 7}, ArgumentTypeError, "run_id must be a string, found 7"),
        ({"experiment_name": " "}, ArgumentError, "experiment_name must not be empty, found ' '; leave it out to have one chosen"),
        ({"experiment_name": b"e"}, ArgumentTypeError, "experiment_name must be a string, found b'e'"),
        ({"fork_step": 3}, ArgumentError, "fork_run_id and fork_step belong together, found fork_run_id=None and fork_step=3; pass fork_run_id too"),  # noqa: E501
        ({"fork_run_id": "p"}, ArgumentError, "fork_run_id and fork_step belong together, found fork_run_id='p' and fork_step=None; pass fork_step too"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": -1}, ArgumentError, "fork_step must satisfy 0 <= fork_step < 1e12, found -1; pass the optimizer step, for example"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": math.nan}, ArgumentError, "fork_step must be a finite number, found nan; pass the optimizer step, for example"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": "5"}, ArgumentTypeError, "fork_step must be a number, found '5'; pass an int or a float, e.g. 100"),  # noqa: E501
        ({"fork_run_id": "a/b", "fork_step": 1}, ArgumentError, "fork_run_id must not contain '/', found 'a/b'; use 'a-b' instead"),
        ({"run_id": "r", "fork_run_id": "r", "fork_step": 1}, ArgumentError, "a run cannot be forked from itself, found 'r' for run_id and fork_run_id"),  # noqa: E501
        ({"fork_run_id": "p", "fork_step": 1, "resume_from": {}}, ArgumentError, "pass either fork_run_id with fork_step, or resume_from, found both"),  # noqa: E501
        ({"resume_from": 3}, ArgumentTypeError, "resume_from must be a mark, a checkpoint dict or a path, found 3"),
        ({"resume_from": "gone.ckpt"}, ArgumentError, "resume_from names 'gone.ckpt', and there is no such checkpoint; pass None to begin anew"),  # noqa: E501
        ({"mode": "online"}, ArgumentError, "mode must be one of offline, async, disabled, found 'online'"),
        ({"creation_time": 3}, ArgumentTypeError, "creation_time must be a datetime, found 3"),
        ({"runtime_namespace": 3}, ArgumentTypeError, "an attribute path must be a string, found 3; name it like 'train/loss'"),
        ({"settings": {"mode": "offline"}}, ArgumentTypeError, "settings must be runfork.Settings, found {'mode': 'offline'}"),
    ],
)  # fmt: skip
def test_an_argument_that_cannot_be_used_is_refused_and_nothing_is_written(data_directory, arguments, error, said):
    with pytest.raises(error, match=f"^{re.escape(said)}$"):
        Run(**arguments)

    assert not data_directory.exists()


def test_settings_may_be_passed_as_one_object(open_run, tmp_path):
    run = open_run(settings=Settings(project="x/y", directory=str(tmp_path / "elsewhere"), console=False))

    assert run.project == "x/y"
    assert run.directory.is_relative_to(tmp_path / "elsewhere")


# Metrics


@pytest.mark.parametrize("step", [0, 1, 0.3, 10**12 - 1, np.int64(4), np.float32(0.5), True])
def test_a_point_is_at_its_step(run, step):
    run.log_metrics({"a": 1.5}, step)
    run.log_metrics({"a": 2.5}, step)

    assert points_of(run.directory, "a") == [(step, 1.5), (step, 2.5)]


@pytest.mark.parametrize("is_known", [False, True], ids=["first", "again"])
@pytest.mark.parametrize(
    ("step", "error", "said"),
    [
        (-1, ArgumentError, "step must satisfy 0 <= step < 1e12, found -1; pass the optimizer step, for example"),
        (
            10**12,
            ArgumentError,
            "step must satisfy 0 <= step < 1e12, found 1000000000000; pass the optimizer step, for",
        ),
        (math.nan, ArgumentError, "step must be a finite number, found nan; pass the optimizer step, for example"),
        (math.inf, ArgumentError, "step must be a finite number, found inf; pass the optimizer step, for example"),
        ("5", ArgumentTypeError, "step must be a number, found '5'; pass an int or a float, e.g. 100"),
        (None, ArgumentTypeError, "step must be a number, found None; pass an int or a float, e.g. 100"),
    ],
)
def test_a_step_that_is_none_is_refused_and_nothing_is_logged(run, step, error, said, is_known):
    if is_known:
        run.log_metrics({"a": 1}, step=0)
    before = run.status.written_bytes
    calls = [
        lambda: run.log_metrics({"a": 1}, step),
        lambda: run.log_metrics({"a": 1}, step, preview=True),
        lambda: run.log_string_series({"s": "x"}, step),
        lambda: run.log_histograms({"h": Histogram([0, 1], counts=[1])}, step),
        lambda: run.log_files({"f": b"x"}, step),
        lambda: run.checkpoint_mark(step),
    ]
    for call in calls:
        with pytest.raises(error, match=f"^{re.escape(said)}"):
            call()

    assert bodies(run, Kind.STRINGS) + bodies(run, Kind.FILES) + bodies(run, Kind.MARK) == []
    assert len(points_of(run.directory, "a")) == is_known
    assert before


@pytest.mark.parametrize("data", [None, 3, "a", ["a"], [("a", 1)], {"a"}])
def test_metrics_are_a_dict(run, data):
    run.log_metrics({"a": 1}, step=0)
    with pytest.raises(ArgumentTypeError, match="^metrics must be a dict of path to number, found "):
        run.log_metrics(data, step=1)


@pytest.mark.parametrize("is_known", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("value", ["high", None, [1.0], object(), np.array([1, 2])])
def test_a_value_that_is_no_number_is_dropped_and_the_others_are_logged(run, value, is_known):
    if is_known:
        run.log_metrics({"good": 0, "bad": 0}, step=0)
    with pytest.warns(
        RunforkWarning, match="^metric 'bad' was not logged: a metric value must be (a|one) number, found "
    ):
        run.log_metrics({"good": 1, "bad": value}, step=1)
    run.log_metrics({"good": 2, "bad": value}, step=2)

    assert points_of(run.directory, "good")[is_known:] == [(1, 1.0), (2, 2.0)]
    assert len(points_of(run.directory, "bad")) == is_known
    assert run.status.dropped_values == 2


def test_a_warning_points_at_the_line_that_logged(run):
    with pytest.warns(RunforkWarning) as caught:
        run.log_metrics({"a": None}, step=1)
        run.log_configs({"sys/name": 1})
        run.log_string_series({"": "x"}, step=1)

    assert [warning.filename for warning in caught] == [__file__] * 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "an attribute path must not be empty, found ''; name it like 'train/loss'"),
        ("x" * 1025, "an attribute path may have 1024 bytes, found 1025 in 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'...; shorten it"),  # noqa: E501
        (3, "an attribute path must be a string, found 3; name it like 'train/loss'"),
        ("a\0b", "an attribute path must be text without NUL, found 'a\\x00b'; rename it"),
        ("sys/loss", "'sys/loss' is runfork's own, and holds single values; choose a path outside sys/"),
    ],
)  # fmt: skip
def test_a_path_that_is_none_is_dropped_with_a_warning(run, path, said):
    with pytest.warns(RunforkWarning) as caught:
        run.log_metrics({path: 1, "good": 1}, step=1)
        run.log_string_series({path: "x", "text": "x"}, step=1)

    assert [said in str(warning.message) for warning in caught] == [True, True]
    assert all(str(warning.message).endswith("(told once; further ones are counted)") for warning in caught)
    assert points_of(run.directory, "good") == [(1, 1.0)]
    assert bodies(run, Kind.STRINGS) == [{"text": "x"}]


def test_nan_and_infinities_are_points(run):
    run.log_metrics({"a": math.inf}, step=1)
    run.log_metrics({"a": -math.inf}, step=2)
    run.log_metrics({"a": math.nan}, step=3)

    assert [str(value) for _, value in points_of(run.directory, "a")] == ["inf", "-inf", "nan"]


def test_numbers_of_numpy_and_torch_are_points(run):
    torch = pytest.importorskip("torch")
    for step in range(2):
        run.log_metrics(
            {
                "a": np.float32(0.5),
                "b": np.array(2),
                "c": np.array([3.0]),
                "d": torch.tensor(0.25, requires_grad=True),
                "e": torch.tensor([1.0], dtype=torch.bfloat16),
                "f": True,
            },
            step=torch.tensor(step),
        )

    assert [points_of(run.directory, path) for path in "abcdef"] == [
        [(0, value), (1, value)] for value in (0.5, 2.0, 3.0, 0.25, 1.0, 1.0)
    ]


def test_nested_metrics_become_paths(run):
    run.log_metrics({"train": {"loss": 1, "acc": 2}, "lr": 3}, step=1)

    assert [points_of(run.directory, path) for path in ("train/loss", "train/acc", "lr")] == [
        [(1, 1.0)],
        [(1, 2.0)],
        [(1, 3.0)],
    ]


def test_a_row_is_stamped_now_or_with_the_time_it_was_given(run):
    moment = datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5)))
    before = datetime.now(timezone.utc).timestamp()
    run.log_metrics({"a": 1}, step=1)
    run.log_metrics({"a": 1}, step=2, timestamp=moment)
    run.log_metrics({"a": 1}, step=3, timestamp=12.5)
    run.log_metrics({"a": 1}, step=4, timestamp=np.float32(0.5))
    times = rows_of(run)[0].times.tolist()

    assert times[1:] == [round(moment.timestamp() * 1e6), 12_500_000, 500_000]
    assert before <= times[0] / 1e6 <= before + 60


@pytest.mark.parametrize("timestamp", ["now", math.nan, math.inf, 1e300, 1_700_000_000_000, b"", []])
def test_a_timestamp_that_is_none_is_refused(run, timestamp):
    with pytest.raises(ArgumentError, match="^timestamp must be (a datetime or )?Unix seconds, found "):
        run.log_metrics({"a": 1}, step=1, timestamp=timestamp)


def test_a_preview_says_how_complete_it_is(run):
    for completion in (None, 0.5, 1, 7, -1, math.nan):
        run.log_metrics({"a": 1}, step=1, preview=True, preview_completion=completion)
    run.log_metrics({"a": 1}, step=1, preview_completion=1.0)
    previews, committed = rows_of(run)

    assert previews.completion.tolist() == [0.0, 0.5, 1.0, 1.0, 0.0, 0.0]
    assert committed.completion is None


@pytest.mark.parametrize(("preview", "completion"), [(False, 0.5), (True, "half"), (True, True)])
def test_a_completion_that_is_none_is_refused(run, preview, completion):
    with pytest.raises(ArgumentError, match="^preview_completion"):
        run.log_metrics({"a": 1}, step=1, preview=preview, preview_completion=completion)


def test_the_order_of_names_does_not_matter(run):
    run.log_metrics({"a": 1, "b": 2}, step=1)
    run.log_metrics({"b": 3, "a": 4}, step=2)

    assert points_of(run.directory, "a") == [(1, 1.0), (2, 4.0)]
    assert points_of(run.directory, "b") == [(1, 2.0), (2, 3.0)]


def test_more_sets_of_names_than_are_remembered_are_logged_all_the_same(run):
    for number in range(5000):
        run.log_metrics({f"m{number}": number}, step=1)
    run.log_metrics({"m0": 7}, step=2)

    assert points_of(run.directory, "m0") == [(1, 0.0), (2, 7.0)]
    assert points_of(run.directory, "m4999") == [(1, 4999.0)]


def test_a_row_of_very_many_metrics_is_logged_whole(run):
    names = [f"{number:06}{'x' * 994}" for number in range(70_000)]
    run.log_metrics(dict.fromkeys(names, 1.5), step=1)
    groups = rows_of(run)

    assert sorted(path for rows in groups for path in rows.paths) == names
    assert all((rows.values == 1.5).all() for rows in groups)


def test_an_empty_dict_is_nothing(run):
    before = run.status.written_bytes
    run.log_metrics({}, step=1)
    run.log_string_series({}, step=1)
    run.log_configs({})
    run.log_configs(None)
    run.add_tags([])

    assert not run.has_points
    assert before


# Other series


def test_texts_are_points(run):
    run.log_string_series({"a": "x", "b": 3, "c": "\ud800ä"}, step=1.5, timestamp=2)
    (record,) = records_of(run.directory, Kind.STRINGS)

    assert (record.body, record.step, record.time) == ({"a": "x", "b": "3", "c": "\ud800ä"}, 1_500_000, 2_000_000)


def test_a_text_above_one_mebibyte_is_dropped(run):
    with pytest.warns(
        RunforkWarning,
        match="string 'long' was not logged: a string may have 1 MiB of UTF-8, found 1048578 bytes; log it with assign_",
    ):
        run.log_string_series({"long": "ä" * (2**19 + 1), "fits": "ä" * 2**19}, step=1)

    assert [list(body) for body in bodies(run, Kind.STRINGS)] == [["fits"]]


def test_a_text_that_cannot_be_read_is_dropped(run):
    class Hostile:
        def __str__(self):
            raise RuntimeError("no text")

    with pytest.warns(RunforkWarning, match="'bad' was not logged"):
        run.log_string_series({"bad": Hostile(), "good": "x"}, step=1)

    assert bodies(run, Kind.STRINGS) == [{"good": "x"}]


def test_histograms_are_points(run):
    run.log_histograms({"h": Histogram([0, 1, 2], counts=[3, 4])}, step=1)
    with pytest.warns(
        RunforkWarning, match="histogram 'bad' was not logged: a histogram must be a runfork.Histogram, found"
    ):
        run.log_histograms({"bad": [1, 2]}, step=1)

    assert bodies(run, Kind.HISTOGRAMS) == [{"h": {"edges": [0.0, 1.0, 2.0], "counts": [3, 4]}}]


def test_files_are_copied_when_they_are_logged(run, tmp_path):
    original = tmp_path / "notes.md"
    original.write_text("first")
    run.log_files({"notes": original}, step=1)
    original.write_text("second")
    run.assign_files({"notes/last": str(original), "raw": b"bytes", "named": File(b"<a/>", "image/svg+xml", "a.svg")})
    original.unlink()
    point, single = records_of(run.directory, Kind.FILES)

    assert (point.step, single.step) == (1_000_000, NO_STEP)
    assert [(one["name"], one["size"], one["mime"]) for one in (*point.body.values(), *single.body.values())] == [
        ("notes.md", 5, "text/markdown"),
        ("notes.md", 6, "text/markdown"),
        (single.body["raw"]["name"], 5, "application/octet-stream"),
        ("a.svg", 4, "image/svg+xml"),
    ]
    contents = [(run.directory / "files" / one["sha256"]).read_bytes() for one in single.body.values()]
    assert contents == [b"second", b"bytes", b"<a/>"]


@pytest.mark.parametrize("value", ["gone.txt", ".", "a\0b", 3, None, File(3)])  # type: ignore[arg-type]
def test_a_file_that_cannot_be_read_is_dropped_and_the_others_are_kept(run, value):
    with pytest.warns(RunforkWarning, match="file 'bad' was not logged: "):
        run.assign_files({"bad": value, "good": b"x"})

    assert [list(body) for body in bodies(run, Kind.FILES)] == [["good"]]


def test_a_pipe_is_no_file(run, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.warns(RunforkWarning, match="is not a readable file"):
        run.assign_files({"bad": tmp_path / "pipe"})


def test_logged_files_are_as_readable_as_the_journal(run):
    run.assign_files({"a": b"x"})
    (kept,) = (run.directory / "files").iterdir()

    assert kept.stat().st_mode == journals_of(run.directory)[0].stat().st_mode


# Single values


def test_configs_keep_their_types(run):
    run.log_configs({"lr": 0.1, "n": np.int64(3), "deep": {"flag": True}, "layers": ["b", "a"], "none": None})

    assert bodies(run, Kind.CONFIGS)[-1] == {
        "lr": ["float", 0.1],
        "n": ["int", 3],
        "deep/flag": ["bool", True],
        "layers": ["string_set", ["a", "b"]],
        "none": ["string", "None"],
    }


def test_configs_that_cannot_be_kept_are_dropped_one_by_one(run):
    class Hostile:
        def __str__(self):
            raise RuntimeError("no text")

    with pytest.warns(RunforkWarning) as caught:
        run.log_configs({"a": Hostile(), "b": "x" * 2**21, "sys/name": "x", "": 1, "good": 1})

    assert [str(warning.message).split(": ")[0] for warning in caught] == [
        "config 'a' was not logged",
        "config 'b' was not logged",
        "config 'sys/name' was not logged",
        "config '' was not logged",
    ]
    assert configs_of(run.directory)["good"] == 1


def test_a_config_of_an_unknown_type_is_offered_to_plugins(run, monkeypatch):
    class Known:
        pass

    known = Known()
    monkeypatch.setattr(run._session.plugins, "convert_value", lambda value: 3 if value is known else None)
    run.log_configs({"a": known})

    assert configs_of(run.directory)["a"] == 3


def test_very_many_configs_are_several_records(run):
    run.log_configs({f"c{number}": "x" * 100_000 for number in range(200)})

    assert sum(len(body) for body in bodies(run, Kind.CONFIGS) if "c0" in body or any(k[0] == "c" for k in body)) == 200
    assert configs_of(run.directory)["c199"] == "x" * 100_000


def test_the_first_type_of_a_path_stands(run):
    run.log_configs({"a": 1})
    with pytest.warns(
        RunforkWarning, match="^'a' holds int in this run, found float_series: not logged; choose another path"
    ):
        run.log_metrics({"a": 1.0, "b": 1.0}, step=1)
    run.log_configs({"a": 2})

    assert configs_of(run.directory)["a"] == 2
    assert points_of(run.directory, "b") == [(1, 1.0)]


def test_what_neptune_users_may_write_themselves_is_writable(run):
    run.log_configs({"sys/description": "d", "sys/archived": True})

    assert configs_of(run.directory)["sys/description"] == "d"


def test_tags_are_added_and_removed(run):
    run.add_tags(["a", "b"])
    run.add_tags({"g"}, group_tags=True)
    run.remove_tags(("a",))

    assert bodies(run, Kind.TAGS) == [
        {"sys/tags": {"add": ["a", "b"]}},
        {"sys/group_tags": {"add": ["g"]}},
        {"sys/tags": {"remove": ["a"]}},
    ]


@pytest.mark.parametrize("tags", ["a", 3, None, [1], b"a"])
def test_tags_are_a_list_of_strings(run, tags):
    with pytest.raises(ArgumentTypeError, match="^tags must be "):
        run.add_tags(tags)


# Raising instead


def test_bad_values_raise_where_that_is_asked_for(open_run, monkeypatch):
    monkeypatch.setenv("RUNFORK_ON_ERROR", "raise")
    run = open_run()
    run.log_metrics({"a": 1}, step=0)
    for call in (
        lambda: run.log_metrics({"a": "high"}, step=1),
        lambda: run.log_configs({"a": 1}),
        lambda: run.log_string_series({"": "x"}, step=1),
        lambda: run.assign_files({"f": "gone.txt"}),
    ):
        with pytest.raises(LoggingError):
            call()


# Marks and lineage


def test_a_mark_is_plain_values_and_stands_in_the_journal(open_run):
    run = open_run("e", run_id="r")
    mark = run.checkpoint_mark(np.int64(3), epoch=np.int64(1), fingerprint="f", cuts={"val/acc": 2})
    (record,) = records_of(run.directory, Kind.MARK)

    assert {key: value for key, value in mark.items() if key not in ("mark", "store")} == {
        "version": 1, "project": "tests/project", "run_id": "r", "experiment": "e", "step": "3", "epoch": 1, "fingerprint": "f",
    }  # fmt: skip
    assert all(type(value) in (str, int) for value in mark.values())
    assert (record.step, record.body) == (
        3_000_000,
        {"mark": mark["mark"], "epoch": 1, "fingerprint": "f", "cuts": {"val/acc": 2_000_000}},
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epoch": 1.5}, "epoch must be an int, found 1.5"),
        ({"fingerprint": b"f"}, "fingerprint must be a string, found b'f'"),
        ({"cuts": [1]}, "cuts must be a dict of path to step, found [1]"),
        ({"cuts": {"a": "x"}}, "a cut must be a number, found 'x'"),
        ({"cuts": {"": 1}}, "an attribute path must not be empty"),
    ],
)
def test_a_mark_with_wrong_arguments_is_refused(run, arguments, said):
    with pytest.raises(ArgumentError, match=f"^{re.escape(said)}"):
        run.checkpoint_mark(1, **arguments)

    assert bodies(run, Kind.MARK) == []


def test_a_fork_by_hand_is_in_the_first_record(open_run):
    run = open_run(fork_run_id="p", fork_step=0.3, inherit_configs=False)
    (body,) = bodies(run, Kind.CREATE)

    assert (body["fork"], body["inherit_configs"]) == ({"parent": "p", "step": 300_000}, False)


def test_a_fork_of_a_run_that_is_not_there_is_told(open_run, caplog):
    open_run(fork_run_id="gone", fork_step=1)

    assert "the parent 'gone' is not in" in caplog.text
    assert "pending" in caplog.text


@pytest.mark.parametrize("as_checkpoint", [False, True])
def test_resuming_from_a_mark_forks_the_run_that_wrote_it(open_run, as_checkpoint):
    parent = open_run("e", run_id="p")
    mark = parent.checkpoint_mark(7)
    run = open_run(resume_from={"state_dict": {}, "runfork": mark} if as_checkpoint else mark)
    (lineage,) = bodies(run, Kind.LINEAGE)

    assert run.parent == ("p", 7)
    assert run.experiment_name == "e"
    assert lineage == {
        "parent": "p", "step": 7_000_000, "mark": mark["mark"], "policy": "fork", "checkpoint": None, "inherit_configs": True,
    }  # fmt: skip
    assert configs_of(run.directory)["sys/name"] == "e"
    assert configs_of(run.directory)["sys/resume/policy"] == "fork"


def test_a_fork_keeps_the_name_that_it_was_given(open_run):
    mark = open_run("e", run_id="p").checkpoint_mark(7)

    assert open_run("other", resume_from=mark).experiment_name == "other"


def test_an_empty_mark_begins_anew_without_a_word(open_run):
    assert open_run(resume_from={}).parent is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"version": 2},
            "the checkpoint mark has version 2, this runfork reads up to 1; upgrade runfork to fork from it; run ",
        ),
        ({"version": None}, "a checkpoint mark needs a version, found "),
        ({"step": "soon"}, "the checkpoint mark is damaged "),
        ({"step": "-1"}, "the checkpoint mark is damaged "),
        ({"run_id": "a/b"}, "the checkpoint mark is damaged "),
        ({"run_id": None}, "the checkpoint mark is damaged "),
        ({"mark": 3}, "the checkpoint mark is damaged "),
        ({"epoch": "one"}, "the checkpoint mark is damaged "),
        ({"project": "x"}, "the checkpoint mark is damaged "),
        (
            {"project": "a/elsewhere"},
            "the checkpoint was written by run 'p' of project 'a/elsewhere', this run is in 'tests/",
        ),
    ],
)
def test_a_mark_that_cannot_be_used_is_told_and_the_run_begins_anew(open_run, change, said):
    mark = open_run(run_id="p").checkpoint_mark(7)
    with pytest.warns(RunforkWarning, match=f"^{re.escape(said)}"):
        run = open_run(resume_from={**mark, **change})

    assert run.parent is None
    assert bodies(run, Kind.LINEAGE) == []


def test_a_checkpoint_without_a_mark_is_told(open_run):
    with pytest.warns(
        RunforkWarning, match="^the checkpoint carries no mark of runfork under 'runfork': this is a new run$"
    ):
        run = open_run(resume_from={"state_dict": {}})

    assert run.parent is None


def test_a_file_that_is_no_checkpoint_of_ours_is_told(open_run, tmp_path):
    (tmp_path / "x.ckpt").write_bytes(b"not a checkpoint")
    with pytest.warns(RunforkWarning, match="carries no mark of runfork.*: this is a new run$"):
        run = open_run(resume_from=tmp_path / "x.ckpt")

    assert run.parent is None


def test_lineage_may_come_late_until_the_first_point(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")
    run.log_configs({"lr": 1})
    run.recorder.log_row({"cpu": 1.0}, 5, clock_axis=True)

    assert run.resume(mark, checkpoint="last.ckpt") == "fork"
    assert run.parent == ("p", 7)
    assert bodies(run, Kind.LINEAGE)[0]["checkpoint"] == "last.ckpt"
    with pytest.raises(
        ArgumentError, match=r"^run 'r' has the parent \('p', 7\); make a new Run\(resume_from=\.\.\.\)$"
    ):
        run.resume({**mark, "run_id": "q"})


def test_resuming_twice_from_the_same_checkpoint_is_once(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(resume_from=mark)
    run.resume(mark)

    assert len(bodies(run, Kind.LINEAGE)) == 1


def test_lineage_after_the_first_point_is_refused(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)

    with pytest.raises(ArgumentError, match=r"^run 'r' has points already; make a new Run\(resume_from=\.\.\.\)$"):
        run.resume(mark)


def test_the_policy_new_makes_no_fork(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")

    assert run.resume(mark, policy="new") == "new"
    assert run.parent is None
    assert configs_of(run.directory)["sys/resume/policy"] == "new"


@pytest.mark.parametrize("policy", ["fork", "continue", "new"])
def test_the_environment_sets_the_policy(open_run, monkeypatch, policy):
    parent = open_run(run_id="p")
    mark = parent.checkpoint_mark(7)
    parent.close()
    monkeypatch.setenv("RUNFORK_RESUME", policy)
    run = open_run(run_id="r", resume_from=mark)

    assert (run.run_id, run.parent) == {"fork": ("r", ("p", 7)), "continue": ("p", None), "new": ("r", None)}[policy]


def test_continuing_moves_what_was_logged_into_the_run_that_wrote_the_checkpoint(open_run, data_directory):
    parent = open_run("e", run_id="p", fork_run_id="g", fork_step=1)
    parent.log_metrics({"a": 1}, step=7)
    mark = parent.checkpoint_mark(7)
    parent.close()
    run = open_run(run_id="r")
    provisional = run.directory
    run.log_configs({"lr": 1})
    run.assign_files({"f": b"contents"})
    assert run.resume(mark, policy="continue") == "continue"
    run.log_metrics({"a": 2}, step=8)
    sha = next(body["f"]["sha256"] for body in bodies(run, Kind.FILES))

    assert (run.run_id, run.parent, run.experiment_name) == ("p", ("g", 1), "e")
    assert not provisional.exists()
    assert points_of(run.directory, "a") == [(7, 1.0), (8, 2.0)]
    assert configs_of(run.directory)["sys/custom_run_id"] == "p"
    assert configs_of(run.directory)["lr"] == 1
    assert (run.directory / "files" / sha).read_bytes() == b"contents"
    assert {body["creation_time"] for body in bodies(run, Kind.CREATE)} == {
        bodies(run, Kind.CREATE)[0]["creation_time"]
    }


def test_a_run_that_went_on_is_forked_instead_of_continued(open_run):
    parent = open_run(run_id="p")
    mark = parent.checkpoint_mark(7)
    parent.log_metrics({"a": 1}, step=8)
    parent.close()
    run = open_run(run_id="r")
    with pytest.warns(
        RunforkWarning, match="^run 'p' logged points beyond this checkpoint: it is not continued, but forked$"
    ):
        decision = run.resume(mark, policy="continue")

    assert decision == "fork"
    assert run.parent == ("p", 7)


def test_a_run_that_is_not_there_is_forked_instead_of_continued(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    run = open_run(run_id="r")
    with pytest.warns(RunforkWarning, match="it is not continued, but forked$"):
        decision = run.resume({**mark, "run_id": "gone"}, policy="continue")

    assert decision == "fork"


def test_continuing_never_removes_the_journals_of_others(open_run):
    parent = open_run(run_id="p")
    mark = parent.checkpoint_mark(7)
    parent.close()
    earlier = open_run(run_id="r")
    earlier.log_configs({"a": 1})
    earlier.close()
    run = open_run(run_id="r")
    run.resume(mark, policy="continue")

    assert run.run_id == "p"
    assert configs_of(earlier.directory)["a"] == 1


# Opening a run again


def test_an_existing_run_is_continued_by_its_id(open_run):
    first = open_run(
        "e", run_id="r", fork_run_id="p", fork_step=3, creation_time=datetime(2026, 1, 1, tzinfo=timezone.utc)
    )
    first.log_metrics({"a": 1}, step=4)
    first.close()
    second = open_run(run_id="r")
    second.log_metrics({"a": 2}, step=5)

    assert (second.experiment_name, second.parent) == ("e", ("p", 3))
    assert points_of(second.directory, "a") == [(4, 1.0), (5, 2.0)]
    assert len({body["creation_time"] for body in bodies(second, Kind.CREATE)}) == 1


def test_another_fork_than_the_original_is_told_and_ignored(open_run):
    open_run(run_id="r", fork_run_id="p", fork_step=3).close()
    with pytest.warns(
        RunforkWarning, match="^run 'r' exists and is forked from 'p' at step 3; that stands, fork_run_id='q' is"
    ):
        run = open_run(run_id="r", fork_run_id="q", fork_step=3)

    assert run.parent == ("p", 3)


def test_a_job_that_is_started_again_with_its_own_checkpoint_goes_on(open_run):
    first_mark = open_run(run_id="p").checkpoint_mark(7)
    first = open_run(run_id="r", resume_from=first_mark)
    own_mark = first.checkpoint_mark(9)
    first.log_metrics({"a": 1}, step=9)
    first.close()
    second = open_run(run_id="r", resume_from=own_mark)

    assert (second.run_id, second.parent) == ("r", ("p", 7))
    assert points_of(second.directory, "a") == [(9, 1.0)]
    assert configs_of(second.directory)["sys/resume/policy"] == "continue"


@pytest.mark.parametrize("policy", ["fork", "continue", "new"])
def test_a_checkpoint_of_the_run_itself_never_harms_it(open_run, policy):
    first = open_run(run_id="r")
    first.log_metrics({"a": 1}, step=1)
    mark = first.checkpoint_mark(1)
    first.close()
    second = open_run(run_id="r")

    assert second.resume(mark, policy=policy) == "continue"
    assert second.parent is None
    assert points_of(second.directory, "a") == [(1, 1.0)]


def test_a_job_that_is_started_again_with_the_checkpoint_it_was_forked_from_goes_on_without_a_word(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    open_run(run_id="r", resume_from=mark).close()
    second = open_run(run_id="r", resume_from=mark)

    assert second.parent == ("p", 7)


def test_a_run_with_points_gets_no_parent_when_it_is_opened_again(open_run):
    mark = open_run(run_id="p").checkpoint_mark(7)
    first = open_run(run_id="r")
    first.log_metrics({"a": 1}, step=1)
    first.close()
    with pytest.warns(
        RunforkWarning, match="^run 'r' exists and is not a fork; that stands, the checkpoint of run 'p' at step 7 "
    ):
        second = open_run(run_id="r", resume_from=mark)

    assert second.parent is None
    assert bodies(second, Kind.LINEAGE) == []


def test_a_journal_of_a_newer_format_does_not_keep_the_run_from_opening(open_run):
    first = open_run(run_id="r")
    first.close()
    newer = bytearray(encode_file_header({"run_id": "r", "writer": "0"}))
    newer[8] = FILE_VERSION + 1
    (first.directory / "0.journal").write_bytes(newer)
    second = open_run(run_id="r")
    second.log_metrics({"a": 1}, step=1)

    assert second.status.problems == ()


# Ending


def test_a_closed_run_says_so_and_keeps_nothing_more(run):
    run.log_metrics({"a": 1}, step=1)
    run.close()
    size = run.status.written_bytes
    with pytest.warns(RunforkWarning, match="^metrics were logged after the run was closed and are not kept"):
        run.log_metrics({"a": 1}, step=2)
    run.set_status("failed")
    with pytest.warns(RunforkWarning, match=r"^checkpoint_mark\(\) was called after close\(\)"):
        run.checkpoint_mark(3)
    run.close()

    assert (run.is_closed, run.status.state, run.status.written_bytes) == (True, "finished", size)
    assert run.status.lost_records == 0
    assert bodies(run, Kind.CLOSE) == [{"state": "finished"}]


def test_the_last_state_that_was_set_is_the_final_one(run):
    run.set_status("preempted")
    run.close()

    assert bodies(run, Kind.STATUS) == [{"state": "preempted"}]
    assert bodies(run, Kind.CLOSE) == [{"state": "preempted"}]


@pytest.mark.parametrize("state", ["done", None, 3, ""])
def test_a_state_that_is_none_is_refused(run, state):
    with pytest.raises(
        ArgumentError, match="^state must be one of running, finished, failed, aborted, preempted, found "
    ):
        run.set_status(state)


def test_closing_with_a_state_that_is_none_leaves_the_run_open(run):
    with pytest.raises(ArgumentError, match="^state must be one of"):
        run.close(60)

    assert not run.is_closed


def test_terminating_is_aborting(run):
    run.terminate()

    assert bodies(run, Kind.CLOSE) == [{"state": "aborted"}]


def test_closing_from_many_threads_is_closing_once(run):
    threads = [threading.Thread(target=run.close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bodies(run, Kind.CLOSE) == [{"state": "finished"}]
    assert run.status.lost_records == 0


def test_a_scripts_neptune_call_to_close_works(run):
    run.close(timeout=60)

    assert run.is_closed


def test_leaving_the_block_closes(data_directory):
    with Run(source_tracking_config=None) as run:
        pass

    assert bodies(run, Kind.CLOSE) == [{"state": "finished"}]


@pytest.mark.parametrize(
    ("error", "state"), [(ValueError, "failed"), (KeyboardInterrupt, "aborted"), (SystemExit, "finished")]
)
def test_an_exception_that_leaves_the_block_is_recorded_and_goes_on(data_directory, error, state):
    with pytest.raises(error), Run(source_tracking_config=None) as run:
        raise error("why")

    assert bodies(run, Kind.CLOSE) == [{"state": state}]


def test_an_exception_without_readable_text_is_recorded_all_the_same(data_directory):
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    with pytest.raises(MuteError), Run(source_tracking_config=None) as run:
        raise MuteError

    assert bodies(run, Kind.STATUS)[0]["exception"] == {"type": "MuteError", "message": "its message could not be read"}


def test_waiting_is_over_at_once(run):
    run.log_metrics({"a": 1}, step=1)

    assert run.wait_for_submission(timeout=1)
    assert run.wait_for_processing()


# Threads and forks


def test_eight_threads_lose_nothing(run):
    def log(thread):
        for step in range(400):
            run.log_metrics({f"t{thread}": step, "shared": thread}, step=step)
            if step % 50 == 0:
                run.log_metrics({f"t{thread}/{step}": 1}, step=step)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(points_of(run.directory, f"t{number}") == [(s, float(s)) for s in range(400)] for number in range(8))
    assert len(points_of(run.directory, "shared")) == 3200
    assert points_of(run.directory, "t7/350") == [(350, 1.0)]


def test_a_forked_child_logs_to_a_journal_of_its_own_that_says_whose_child_it_is(run):
    run.log_metrics({"a": 0}, step=0)
    child = os.fork()
    if child == 0:
        run.log_metrics({"a": 1}, step=1)
        run.log_metrics({"b": 1}, step=1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    run.log_metrics({"a": 2}, step=2)
    parents, childs = journals_of(run.directory)

    assert sorted(points_of(run.directory, "a")) == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert next(batches_of(childs)).identity["forked_by"] == parents.stem
    assert "forked_by" not in next(batches_of(parents)).identity


# An environment that refuses


def test_a_data_directory_that_cannot_be_written_raises_nothing(open_run, data_directory, caplog):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)
    run.log_configs({"b": 1})
    run.assign_files({"f": b"x"})
    until(lambda: "cannot be written" in caplog.text)
    status = run.status

    assert status.waiting_bytes > 0
    assert re.search(r"the journal of this run cannot be written \(.*\); training goes on", "\n".join(status.problems))
    assert re.search(r"file 'f' could not be copied to .* check the disk", "\n".join(status.problems))


def test_what_waited_is_written_when_the_directory_can_be(open_run, data_directory):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)
    data_directory.unlink()
    run.close()

    assert points_of(run.directory, "a") == [(1, 1.0)]
    assert run.status.lost_records == 0


def test_what_could_never_be_written_is_told_at_the_end(open_run, data_directory, caplog):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")
    run.log_metrics({"a": 1}, step=1)
    run.close()

    assert run.status.lost_records >= 3
    assert "could not be written: lost" in caplog.text


def test_trouble_with_the_disk_does_not_deadlock_with_a_logging_handler_that_logs_to_the_run(open_run, data_directory):
    data_directory.write_text("a file where the directory should be")
    run = open_run(run_id="r")

    class ToTheRun(logging.Handler):
        def emit(self, record):
            run.log_string_series({"logs": record.getMessage()}, step=1)

    def warn():
        for _ in range(200):
            logging.getLogger("runfork").warning("x")

    handler = ToTheRun()
    logging.getLogger("runfork").addHandler(handler)
    try:
        threads = [
            threading.Thread(target=lambda: [run.log_metrics({"a": 1}, step=step) for step in range(200)]),
            threading.Thread(target=warn),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        logging.getLogger("runfork").removeHandler(handler)


@pytest.fixture
def full_disk(tmp_path):
    place = tmp_path / "full"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(place)], check=False).returncode != 0:
        pytest.skip("mounting needs to be allowed")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_loses_nothing_that_fits_into_memory(open_run, full_disk, monkeypatch):
    monkeypatch.setenv("RUNFORK_DIR", str(full_disk))
    run = open_run(run_id="r")
    (full_disk / "ballast").write_bytes(b"x" * 80 * 1024)
    for step in range(500):
        run.log_metrics({"a": step, "b": step}, step=step)
        run.log_string_series({"s": "x" * 100}, step=step) if step < 300 else None
    was_full = run.status.waiting_bytes > 0
    (full_disk / "ballast").unlink()
    run.close()

    assert was_full
    assert points_of(run.directory, "a") == [(step, float(step)) for step in range(500)]
    assert len(bodies(run, Kind.STRINGS)) == 300
    assert run.status.lost_records == 0


# Disabled


def test_a_disabled_run_validates_and_writes_nothing(open_run, data_directory, tmp_path):
    run = open_run("e", mode="disabled", fork_run_id="p", fork_step=1)
    run.log_metrics({"a": 1}, step=1)
    run.log_configs({"b": {"c": 1}})
    run.log_string_series({"s": "x"}, step=1)
    run.log_histograms({"h": Histogram([0, 1], counts=[1])}, step=1)
    run.log_files({"f": b"x"}, step=1)
    run.assign_files({"g": tmp_path / "gone"})
    run.add_tags(["t"])
    run.set_status("failed", ValueError("x"))
    with pytest.raises(ArgumentError):
        run.log_metrics({"a": 1}, step=-1)

    assert run.checkpoint_mark(3) == {}
    run.close()
    assert (run.is_disabled, run.is_closed) == (True, True)
    assert not data_directory.exists()


def test_a_run_resumed_from_a_disabled_runs_mark_is_new(open_run):
    mark = open_run(mode="disabled").checkpoint_mark(3)

    assert open_run(resume_from={"runfork": mark}).parent is None


# The axis of the clock


def test_rows_on_the_clock_axis_are_no_points_of_training(run):
    run.recorder.log_row({"runtime/cpu": 1.0}, 1_700_000_000_000_000, clock_axis=True)
    (record,) = rows_of(run)

    assert not run.has_points
    assert record.clock_axis
    assert record.steps.tolist() == [1_700_000_000_000_000]
    assert int(Flag.CLOCK_AXIS) == 1
