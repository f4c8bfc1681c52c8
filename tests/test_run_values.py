# pyright: reportOptionalMemberAccess=false
import io
import json
import os

import numpy as np
import pytest
from tests.run_records import bodies

from runfork import File, Histogram, fetch_runs_table, list_attributes
from runfork.disk.layout import journals_of
from runfork.errors import ArgumentError, ArgumentTypeError, LoggingError, RunforkWarning
from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType
from runfork.model.marks import parse_mark
from runfork.model.steps import NO_STEP
from runfork.testing.journals import configs_of, points_of, records_of

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


@pytest.mark.parametrize("as_list", [list, tuple, np.asarray])
def test_densities_of_numpy_are_logged(run, as_list):
    densities, edges = np.histogram(np.arange(10.0), bins=2, density=True)
    run.log_histograms({"h": Histogram(as_list(edges), densities=as_list(densities))}, step=1)

    (body,) = bodies(run, Kind.HISTOGRAMS)
    assert body["h"]["edges"] == [0.0, 4.5, 9.0]
    assert len(body["h"]["densities"]) == 2


@pytest.mark.parametrize(
    "value",
    [
        File(b"x", mime_type=3),  # type: ignore[arg-type]
        File(b"x", name=np.array(["a", "b"])),  # type: ignore[arg-type]
        File(io.BytesIO(b"x")),  # type: ignore[arg-type]
        File(None),  # type: ignore[arg-type]
        File("x" * 5000),
        File("a\ud800"),
        io.BytesIO(b"x"),
        [b"x"],
        File(File(b"x")),  # type: ignore[arg-type]
    ],
)
def test_odd_arguments_of_a_file_cost_that_file_alone(run, value):
    with pytest.warns(RunforkWarning, match="^file 'bad' was not logged: "):
        run.assign_files({"bad": value, "good": memoryview(b"abcdef")[::2]})

    assert [list(body) for body in bodies(run, Kind.FILES)] == [["good"]]


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
        "layers": ["string_set", ["b", "a"]],
        "none": ["none", None],
    }


def test_a_description_is_one_record_with_the_namespaces_that_it_replaces(run):
    run.describe({"trainer": {"epochs": 3}, "model": "m"}, replaces=["trainer", "model/config/"])

    assert bodies(run, Kind.CONFIGS)[-1] == {
        "trainer/": ["namespace", None],
        "model/config/": ["namespace", None],
        "trainer/epochs": ["int", 3],
        "model": ["string", "m"],
    }


def test_a_value_that_is_described_anew_may_be_of_another_type(run):
    for precision in (32, "16-mixed"):
        run.describe({"trainer": {"precision": precision}}, replaces=["trainer"])

    assert configs_of(run.directory)["trainer/precision"] == "16-mixed"


def test_a_description_without_values_still_replaces(run):
    run.describe({}, replaces=["trainer"])

    assert bodies(run, Kind.CONFIGS)[-1] == {"trainer/": ["namespace", None]}


@pytest.mark.parametrize(
    ("spaces", "said"),
    [
        ("trainer", r"^replaces must be a list of namespaces, found 'trainer'; pass \['trainer'\]$"),
        (3, "^replaces must be a list of namespaces, found 3"),
        ([3], "^an attribute path must be a string, found 3"),
        (["/"], "^'/' cannot be replaced"),
        (["sys"], "^'sys' cannot be replaced: it is runfork's own"),
        (["runtime/details"], "^'runtime/details' cannot be replaced"),
    ],
)
def test_a_description_of_what_is_no_namespace_is_refused(run, spaces, said):
    before = bodies(run, Kind.CONFIGS)
    with pytest.raises(ArgumentError, match=said):
        run.describe({"a": 1}, replaces=spaces)

    assert bodies(run, Kind.CONFIGS) == before


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
    monkeypatch.setattr(
        run._life.background.plugins.plugins, "convert_value", lambda value, **_: 3 if value is known else None
    )
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


def test_a_number_may_become_a_float_and_none_fits_every_type(run):
    run.log_configs({"lr": 1, "best": None, "name": "a"})
    run.log_configs({"lr": 0.5, "best": 0.93, "name": None})

    found = configs_of(run.directory)
    assert (found["lr"], found["best"], found["name"]) == (0.5, 0.93, None)
    assert run.status.dropped_values == 0


def test_none_gives_way_to_a_series(run):
    run.log_configs({"best": None})
    run.log_metrics({"best": 0.5}, step=1)

    assert points_of(run.directory, "best") == [(1, 0.5)]
    assert run.status.dropped_values == 0


def test_the_type_that_an_earlier_process_gave_a_config_stands_and_that_is_told(open_run):
    first = open_run(run_id="r")
    first.log_configs({"lr": 1, "name": "a", "best": None, "sizes": [1, 2]})
    first.close()
    second = open_run(run_id="r")
    with pytest.warns(RunforkWarning, match="^'name' holds string in this run, found int: not logged; choose another"):
        second.log_configs({"lr": 0.5, "name": 3, "best": 0.9, "sizes": [3]})
    second.close()
    row = fetch_runs_table(runs="r", attributes=["lr", "name", "best", "sizes"]).iloc[0]

    assert (row["lr"], row["name"], row["best"], row["sizes"]) == (0.5, "a", 0.9, "[3]")
    assert "sys/diagnostics/type_conflicts" not in list_attributes(runs="r")


def test_two_values_of_one_path_in_a_call_are_told(run):
    with pytest.warns(
        RunforkWarning, match="^two values of one call have the path 'a/1': the last was logged"
    ) as caught:
        run.log_configs({"a": {1: "first", "1": "second"}, "b": 1})
    with pytest.warns(RunforkWarning, match="^two values of one call have the path 'a/b'"):
        run.log_configs({"a/b": 1, "a": {"b": 2}})

    found = configs_of(run.directory)
    assert (found["a/1"], found["a/b"], found["b"], len(caught)) == ("second", 2, 1, 1)


def test_a_monitor_of_the_programs_own_is_not_mixed_with_ours(run):
    run.recorder.log_row({"runtime/monitoring/cpu": 3.0}, 1_700_000_000_000_000, clock_axis=True)
    with pytest.warns(
        RunforkWarning,
        match="^'runtime/monitoring/cpu' is runfork's own, and has Unix time as its step: not logged; choose",
    ):
        run.log_metrics({"runtime/monitoring/cpu": 5.0, "mine/cpu": 5.0}, step=1)
    with pytest.warns(RunforkWarning, match="^'runtime/stdout' is runfork's own"):
        run.recorder.types.claim("runtime/stdout", AttributeType.STRING_SERIES, clock_axis=True)
        run.log_string_series({"runtime/stdout": "line"}, step=1)

    assert [value for _, value in points_of(run.directory, "runtime/monitoring/cpu")] == [3.0]
    assert points_of(run.directory, "mine/cpu") == [(1, 5.0)]


def test_our_samples_are_left_out_where_the_program_was_first(run, caplog):
    run.log_metrics({"runtime/monitoring/cpu": 5.0}, step=1)
    run.recorder.log_row({"runtime/monitoring/cpu": 3.0}, 1_700_000_000_000_000, clock_axis=True)

    assert points_of(run.directory, "runtime/monitoring/cpu") == [(1, 5.0)]
    assert "'runtime/monitoring/cpu' is logged on steps by the program" in caplog.text


# Marks


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"mark_id": "\udcff"}, "mark_id must be valid text"),
        ({"mark_id": ""}, "mark_id must not be empty"),
        ({"mark_id": "a\0b"}, "no NUL"),
        ({"mark_id": 3}, "mark_id must be a string, found 3"),
        ({"counter": float("nan")}, "counter must be a finite number, found nan"),
        ({"counter": "5"}, "counter must be a finite number, found '5'"),
        ({"epoch": "first"}, "epoch must be an int, found 'first'"),
        ({"epoch": 1.5}, "epoch must be an int, found 1.5"),
        ({"fingerprint": b"x"}, "fingerprint must be a string"),
        ({"cuts": [("a", 1)]}, "cuts must be a dict of path to step"),
        ({"cuts": {"a": -1}}, "a cut must satisfy"),
        ({"cuts": {"a\udcff": 1}}, "an attribute path must be text"),
    ],
)
def test_a_mark_that_no_reader_would_take_is_refused(run, arguments, said):
    with pytest.raises(ArgumentError, match=said):
        run.checkpoint_mark(1, **arguments)

    assert bodies(run, Kind.MARK) == []


def test_numbers_of_numpy_make_a_mark_of_plain_values(run):
    mark = run.checkpoint_mark(np.int64(3), epoch=np.int64(1), counter=np.array(7), cuts={"a": np.float32(2)})

    assert parse_mark(json.loads(json.dumps(mark))).counted == 7
    assert {type(value) for value in mark.values()} <= {int, str, type(None)}


def test_an_id_that_another_mark_has_is_not_given_twice(run):
    first = run.checkpoint_mark(1, mark_id="m")
    with pytest.warns(RunforkWarning, match="^mark_id='m' is taken by an earlier mark of this run"):
        second = run.checkpoint_mark(2, mark_id="m")

    assert [body["mark"] for body in bodies(run, Kind.MARK)] == [first["mark"], second["mark"]]
    assert first["mark"] == "m" != second["mark"]


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
