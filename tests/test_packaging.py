import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

import runfork
from runfork.testing.waits import HANG_SECONDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

HOUSE = Path(__file__).parents[1]
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
TOOLS = PROJECT["tool"]


def test_the_version_stands_in_two_places_and_is_one():
    assert PROJECT["project"]["version"] == runfork.__version__


def test_the_lists_of_import_roots_agree():
    hatch = TOOLS["hatch"]["build"]["dev-mode-dirs"]

    assert hatch == TOOLS["mypy"]["mypy_path"] == TOOLS["pyright"]["extraPaths"]


def test_the_lists_of_packages_agree():
    wheel = TOOLS["hatch"]["build"]["targets"]["wheel"]["packages"]

    roots = TOOLS["hatch"]["build"]["dev-mode-dirs"]

    assert roots == TOOLS["mypy"]["files"][: len(roots)]
    assert [package.rpartition("/")[0] for package in wheel] == TOOLS["hatch"]["build"]["dev-mode-dirs"]
    assert all((HOUSE / package / "__init__.py").is_file() for package in wheel)
    assert all((HOUSE / package / "py.typed").is_file() for package in wheel)


def test_import_roots_are_no_packages():
    roots = [HOUSE / root for root in TOOLS["hatch"]["build"]["dev-mode-dirs"]]

    assert [root for root in [*roots, HOUSE / "integrations", HOUSE / "tests"] if (root / "__init__.py").exists()] == []


def test_every_integration_is_an_import_root():
    folders = {
        f"integrations/{one.name}" for one in (HOUSE / "integrations").iterdir() if any(one.glob("*/__init__.py"))
    }

    assert folders <= set(TOOLS["hatch"]["build"]["dev-mode-dirs"])


def test_no_folder_of_tests_shadows_a_framework():
    names = {one.name for one in (HOUSE / "tests").iterdir() if one.is_dir()}

    assert names & {"keras", "lightning", "torch", "transformers", "pytorch_lightning"} == set()


def test_core_imports_neither_frameworks_nor_what_is_built_on_it():
    forbidden = re.compile(
        r"^\s*(?:from|import) (torch|lightning|pytorch_lightning|keras|transformers|runfork_\w+|starlette|uvicorn)\b",
        re.MULTILINE,
    )
    found = {
        str(path.relative_to(HOUSE)): forbidden.findall(path.read_text(encoding="utf-8"))
        for path in (HOUSE / "core").rglob("*.py")
    }

    assert {path: names for path, names in found.items() if names} == {}


def test_the_data_folder_is_not_committed():
    ignored = (HOUSE / ".gitignore").read_text(encoding="utf-8").split()

    assert ".runfork/" in ignored


def test_the_command_is_installed():
    done = subprocess.run(
        [sys.executable, "-m", "runfork", "--version"],
        check=False,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )

    assert (done.returncode, runfork.__version__ in done.stdout) == (0, True)


def test_the_pythons_whose_packages_are_tested_are_the_ends_of_the_range():
    recipes = runpy.run_path(str(HOUSE / "recipes.py"), run_name="recipes")
    said = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if ":: Python :: 3." in line]

    assert [said[0], said[-1]] == [recipes["OLDEST_PYTHON"], recipes["NEWEST_PYTHON"]]
    assert PROJECT["project"]["requires-python"] == f">={said[0]}"


def test_what_no_package_can_run_is_run_beside_the_frameworks():
    recipes = runpy.run_path(str(HOUSE / "recipes.py"), run_name="recipes")
    needs_torch = {
        f"tests/{path.name}"
        for path in (HOUSE / "tests").glob("test_*.py")
        if 'importorskip("torch")' in path.read_text(encoding="utf-8") and path.name != "test_packaging.py"
    }

    assert needs_torch < set(recipes["NOT_OF_PACKAGES"])
    assert all((HOUSE / path).exists() for path in recipes["NOT_OF_PACKAGES"])


def test_what_packages_cannot_import_is_left_out_there_and_run_beside_the_frameworks():
    recipes = runpy.run_path(str(HOUSE / "recipes.py"), run_name="recipes")
    more = re.compile(r"^(?:import|from) (?:schemathesis|playwright|PIL|torch)\b", re.MULTILINE)
    found = {
        f"tests/{path.name}"
        for path in (HOUSE / "tests").glob("test_*.py")
        if more.search(path.read_text(encoding="utf-8"))
    }

    assert found
    assert found <= set(recipes["LEFT_OUT"])
    assert found <= set(recipes["NOT_OF_PACKAGES"])
    assert all((HOUSE / path).exists() for path in recipes["LEFT_OUT"])


def test_the_lowest_versions_that_are_tested_are_the_lower_bounds_of_core():
    recipes = runpy.run_path(str(HOUSE / "recipes.py"), run_name="recipes")
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["pandas"]]
    found = [re.match(r"([\w-]+)>=([\d.]+)", line) for line in lines]
    bounds = {str(match[1]): Version(match[2]) for match in found if match}
    pins = {name: Version(pin) for name, _, pin in (line.partition("==") for line in recipes["LOWEST_VERSIONS"])}

    assert set(bounds) == set(pins)
    assert all(
        bound.release[:2] == pins[name].release[: len(bound.release[:2])] or bound <= pins[name]
        for name, bound in bounds.items()
    )


def test_the_oldest_frameworks_that_are_tested_are_the_lower_bounds():
    recipes = runpy.run_path(str(HOUSE / "recipes.py"), run_name="recipes")
    extras = PROJECT["project"]["optional-dependencies"]
    lines = [line for extra in ("lightning", "hf", "keras", "dev") for line in extras[extra]]
    found = [re.match(r"([\w-]+)>=([\d.]+)", line) for line in lines]
    bounds = {str(match[1]): str(match[2]) for match in found if match}
    tested = {name: Version(pin) for name, _, pin in (line.partition("==") for line in recipes["OLDEST_VERSIONS"])}
    del tested["torch"], tested["jaxlib"]

    assert {name: Version(bounds[name]) for name in tested} == tested
