"""Names in every script, and names that are up to something: what is logged comes back exactly, or one sentence says why not."""

import csv
import json
import re
import unicodedata

import pytest
from tests.command_line import runner

import runfork
from runfork import File, Run
from runfork.cli import cli
from runfork.disk.logged_files import FOLDER
from runfork.errors import ArgumentError
from runfork.reading.project import Project

NAMES = {
    "Latin": "plain-Name_1.0",
    "Cyrillic": "жук бегун",
    "Arabic": "خنفساء سريعة",
    "Chinese": "快速甲虫",
    "Devanagari": "तेज़ भृंग",
    "emoji with joiners": "👩‍👩‍👧‍👦🏳️‍🌈",
    "composed": unicodedata.normalize("NFC", "é-ñ-Å"),
    "decomposed": unicodedata.normalize("NFD", "é-ñ-Å"),
    "stacked marks": "a\u0310\u0332\u0301" * 5,
    "capitals": "Case",
    "small letters": "case",
    "beyond the basic plane": "\U0010fffd\U0001d518",
    "newlines": "a\nb\r\nc\u2028d",
    "tabs": "a\tb\vc",
    "escape sequences": "a\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "C1 controls": "a\x9b31mb\x85c",
    "writing from right to left": "a\u202eb\u2066c",
    "no width": "a\u200bb\ufeff",
    "dots": "..",
    "backslashes": "..\\..\\a",
    "quotes": "a\"b'c`$(x);|&<>",
    "JSON": '{"a": [1]}',
    "wildcards": "*?[a].{2}|^$",
    "an option": "--help",
    "percent signs": "a%20b%",
    "tildes": "a~b~",
    "spaces": " lead and trail ",
    "a device": "CON.aux",
    "markup": "<b>[bold red]x",
    "numbers": "007",
    "as long as may be": "ж" * 300,
}
SLASHES = {"slashes": "a/b", "a way up": "../../etc/passwd", "an absolute path": "/etc/passwd"}
REFUSED = {"a lone surrogate": "a\udcffb", "NUL": "a\0b", "nothing": "", "only spaces": "  ", "too long": "x" * 731}


@pytest.fixture(autouse=True)
def _without_plugins(monkeypatch):
    """No command looks for them among all packages: there are hundreds of commands here."""
    monkeypatch.setenv("RUNFORK_PLUGINS", "")


def call(*arguments):
    result = runner().invoke(cli, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, (arguments, result.output)
    return result.stdout


def log(name, **identity):
    with Run(source_tracking_config=None, **identity) as run:
        run.log_metrics({f"m/{name}": 1.5, "plain": 1}, step=1)
        run.log_configs({f"c/{name}": name, "d": {name: {"deep": 1}}, "members": [name]})
        run.log_string_series({"lines": f"{name}|{name}"}, step=1)
        run.add_tags([name])
        run.add_tags([name], group_tags=True)
        run.assign_files({f"f/{name}": File(b"contents", name=name)})
        run.log_files({"shots": File(b"shot", name=name)}, step=1)
        run.set_status("failed", ValueError(name))
    return run


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_name_comes_back_exactly(name, data_directory, tmp_path):
    project = f"w{name[:100]}/p{name[:100]}"
    run = log(name, project=project, run_id=name, experiment_name=name)
    with Project.open(project) as opened:
        opened.refresh()
        values = opened.index.values([name])[name]
        found = opened.find_run(name)
        projects = opened.store.projects()
        folder = opened.store.run_directory(project, name) / FOLDER
        contents = (folder / values[f"f/{name}"].value.sha256).read_bytes()
    pattern = re.escape(name)
    metrics = runfork.fetch_metrics(project=project, runs=[name], attributes=[f"m/{name}"])
    table = runfork.fetch_runs_table(
        project=project, runs=pattern, attributes=[f"d/{name}/deep", "sys/tags", f"c/{name}"]
    )
    shown = json.loads(call("show", "--project", project, "--json", "--", name))
    listed = call("ls", "--project", project)
    commands = (["show"], ["tail", "--lines", "5"], ["lineage"], ["plot"], ["compare", "--", name])
    text = "".join(
        call(*command[:1], "--project", project, *command[1:], *["--"][: "--" not in command], name)
        for command in commands
    )
    out = tmp_path / "out.csv"
    call("export", "runs", "--project", project, "--output", str(out))
    with out.open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}

    assert (found, projects) == (name, [project])
    assert run.directory.resolve().is_relative_to(data_directory.resolve())
    assert values[f"c/{name}"].value == values["sys/name"].value == values["sys/custom_run_id"].value == name
    assert (
        set(values["members"].value) == set(values["sys/tags"].value) == set(values["sys/group_tags"].value) == {name}
    )
    assert values[f"d/{name}/deep"].value == 1
    assert values[f"f/{name}"].value.name == name
    assert contents == b"contents"
    assert metrics.to_numpy().tolist() == [[1.5]]
    assert list(metrics.columns) == [f"m/{name}"]
    assert list(table.index) == [name]
    assert shown["run_id"] == shown["experiment"] == name
    assert shown["attributes"][f"c/{name}"]["value"] == name
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", listed + text), "a control character reached the terminal"
    assert name in cells


def test_names_that_look_alike_are_kept_apart(tried):
    alike = [
        "Case",
        "case",
        "CASE",
        NAMES["composed"],
        NAMES["decomposed"],
        "a",
        "\u0430",
        "a ",
        "a\u200b",
        "1",
        "\u0661",
    ]
    for name in alike:
        log(name, run_id=name)
    with Project.open() as project:
        project.refresh()
        values = project.index.values(alike)

        assert sorted(project.index.nodes()) == sorted(alike)
        assert {name: values[name][f"c/{name}"].value for name in alike} == {name: name for name in alike}
    tried("names in every script, and names that are up to something, read by Project, query and commands",
          times=len(NAMES), outcome="each came back exactly; none left its folder, none sent controls to the terminal")  # fmt: skip
    tried("names that look alike in one project", times=len(alike), outcome="kept apart")


@pytest.mark.parametrize("name", SLASHES.values(), ids=list(SLASHES))
def test_slashes_are_refused_where_they_part_and_kept_elsewhere(name, data_directory):
    with pytest.raises(ArgumentError, match="must not contain '/', found"):
        Run(run_id=name)
    with pytest.raises(ArgumentError, match="must have the form 'workspace/project'"):
        Run(project=f"w/{name}")
    run = log(name.strip("/"), run_id="r", experiment_name=name)
    with Project.open() as project:
        project.refresh()

        assert project.experiments() == {name: "r"}
        assert project.index.values(["r"])["r"]["f/" + name.strip("/")].value.name == name.strip("/")
    assert {path.name for path in data_directory.parent.iterdir()} <= {data_directory.name, "out"}
    assert run.directory.resolve().is_relative_to(data_directory.resolve())


@pytest.mark.parametrize("name", REFUSED.values(), ids=list(REFUSED))
@pytest.mark.parametrize("argument", ["project", "run_id", "experiment_name"])
def test_what_can_be_no_name_is_refused_in_a_sentence(name, argument, data_directory):
    value = f"w/{name}" if argument == "project" else name
    if argument == "project" and len(name) == 731:
        value = f"w/{name}"
    with pytest.raises(ArgumentError) as caught:
        Run(**{argument: value})  # type: ignore[arg-type]

    assert "\n" not in str(caught.value)
    assert str(caught.value).encode()
    assert not data_directory.exists()


def test_text_that_is_no_unicode_is_kept_readable(tried):
    """Lone surrogates come from file names and damaged decoders; neither SQLite nor JSON's readers take them."""
    text = "a\udcffb\ud83d"
    with Run(run_id="r", source_tracking_config=None) as run:
        run.log_configs({"c": text, "members": [text, "other"]})
        run.log_string_series({"s": text}, step=1)
        run.add_tags([text])
        run.assign_files({"f": File(b"contents", name=text)})
        run.log_metrics({"m": 1}, step=1)
    readable = text.encode("utf-8", "replace").decode()
    with Project.open() as project, Project.open(index_uri="memory://") as reference:
        project.refresh()
        reference.refresh()
        values, expected = (one.index.values(["r"])["r"] for one in (project, reference))

        assert values["m"].type.value == "float_series"
        assert {path: value.type for path, value in values.items()} == {
            path: value.type for path, value in expected.items()
        }
        assert values["c"].value in (text, readable)
    for command in (["show", "r"], ["show", "--json", "r"], ["ls", "--runs"], ["tail", "r"]):
        assert call(*command).encode()
    tried(
        "lone surrogates in configs, tags, strings and file names",
        times=5,
        outcome="kept, or shown as question marks; nothing failed",
    )
