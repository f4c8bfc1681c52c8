"""The recipes of this repository: ``python3 recipes.py NAME``. Needs Python 3.10 or newer and nothing else.

Each recipe installs what it needs into ``.venv`` first; ``--fresh`` makes that environment anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parent
ENVIRONMENT = HOME / ".venv"
OLDEST = HOME / ".venv-oldest"
OLDEST_VERSIONS = [
    "accelerate==0.34.0",
    "jax==0.4.34",
    "jaxlib==0.4.34",
    "keras==3.5.0",
    "pytorch-lightning==2.4.0",
    "torch==2.13.0",
    "transformers==4.48.0",
]
"""The lower bounds of the project file; torch is the one that the demo installs."""

CODE = ["core", "integrations", "tests", "examples", "benchmarks", "recipes.py"]


def demo(*arguments: str) -> None:
    """Install and run the main job: train, be killed, resume, fork; then look at the lineage."""
    install("demo")
    run("-m", "runfork", "demo", *arguments)


def check() -> None:
    """Install everything and run every check: lint, types, tests, the oldest frameworks. What CI runs."""
    install("dev")
    lint()
    types()
    test("-n", "2")
    oldest("-n", "2")


def oldest(*arguments: str) -> None:
    """Run the contract of integrations with the oldest frameworks that are supported; further arguments go to pytest."""
    tools = ["hypothesis", "packaging", "pytest", "pytest-randomly", "pytest-timeout", "pytest-xdist"]
    stamp, wanted = OLDEST / ".installed", " ".join(OLDEST_VERSIONS)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        make_environment(OLDEST)
        print("installing the oldest versions of the frameworks; the first time takes some minutes", flush=True)
        run(
            "-m",
            "pip",
            "install",
            "--quiet",
            "--editable",
            ".[lightning,hf,keras]",
            *tools,
            *OLDEST_VERSIONS,
            of=OLDEST,
        )
        stamp.write_text(wanted, encoding="utf-8")
    contracts = sorted(str(path.relative_to(HOME)) for path in (HOME / "tests/integrations").glob("test_*_contract.py"))
    run("-m", "pytest", "-p", "no:cacheprovider", *contracts, *arguments, of=OLDEST)


def format_() -> None:
    """Bring the code into shape."""
    install("dev")
    run("-m", "ruff", "format", *CODE)
    run("-m", "ruff", "check", "--fix", *CODE)


def lint() -> None:
    """Look for mistakes without running the code."""
    install("dev")
    run("-m", "ruff", "format", "--check", *CODE)
    run("-m", "ruff", "check", *CODE)


def types() -> None:
    """Check the types with mypy (strict) and pyright."""
    install("dev")
    run("-m", "mypy")
    run("-m", "mypy", "tests", "examples", "benchmarks", "recipes.py")
    run("-m", "pyright")


def test(*arguments: str) -> None:
    """Run the tests; further arguments go to pytest."""
    install("dev")
    run("-m", "pytest", *arguments)


def prove(*arguments: str) -> None:
    """Run tests in their long form (all: some hours), and put what they tried into docs/reliability.md."""
    install("dev")
    run("-m", "pytest", "--long", "-n", "2", "-o", "timeout=3600", "--trials", "docs/reliability.md", *arguments)


def bench(*arguments: str) -> None:
    """Measure: all of benchmarks/, or one by name with its options; `bench peers` takes gigabytes and half an hour."""
    own = sorted(script.stem for script in (HOME / "benchmarks").glob("*.py"))
    if arguments and arguments[0] not in (*own, "peers"):
        sys.exit(f"there is no benchmark {arguments[0]!r}; there are {', '.join(own)}, and peers")
    install("dev")
    for name in arguments[:1] or own:
        run("-m", f"benchmarks.{name}", *arguments[1:])


RECIPES = {
    "demo": demo,
    "check": check,
    "format": format_,
    "lint": lint,
    "types": types,
    "test": test,
    "oldest": oldest,
    "prove": prove,
    "bench": bench,
}


def install(extra: str) -> None:
    """Install the checkout with an extra into the environment, unless that was done since the project file changed."""
    if not python_of(ENVIRONMENT).exists():
        make_environment(ENVIRONMENT)
    stamp = ENVIRONMENT / f".installed-{extra}"
    project = (HOME / "pyproject.toml").read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == project:
        return
    print(f"installing runfork[{extra}] and what it needs; the first time takes some minutes", flush=True)
    run("-m", "pip", "install", "--quiet", "--editable", f".[{extra}]")
    for implied in {"dev": ("dev", "demo")}.get(extra, (extra,)):
        (ENVIRONMENT / f".installed-{implied}").write_text(project, encoding="utf-8")


def make_environment(folder: Path) -> None:
    """Make a fresh virtual environment."""
    print(f"making {folder.name}/", flush=True)
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt", clear=True).create(folder)


def python_of(folder: Path) -> Path:
    """Return the Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*arguments: str, of: Path = ENVIRONMENT) -> None:
    """Run an environment's Python in the repository; end with its exit code if it fails."""
    done = subprocess.run([str(python_of(of)), *arguments], cwd=HOME, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Choose a recipe by name."""
    listed = "\n".join(f"  {name:8} {(recipe.__doc__ or '').splitlines()[0]}" for name, recipe in RECIPES.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"recipes:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", choices=RECIPES, metavar="NAME")
    parser.add_argument("--fresh", action="store_true", help="make the environment anew")
    chosen, rest = parser.parse_known_args()
    if chosen.fresh:
        for environment in (ENVIRONMENT, OLDEST):
            shutil.rmtree(environment, ignore_errors=True)
    RECIPES[chosen.recipe](*rest)


if __name__ == "__main__":
    main()
