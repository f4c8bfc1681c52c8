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
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CODE = ["core", "integrations", "tests", "examples", "benchmarks", "recipes.py"]


def demo(*arguments: str) -> None:
    """Install and run the main job: train, be killed, resume, fork; then look at the lineage."""
    install("demo")
    run("-m", "runfork", "demo", *arguments)


def check() -> None:
    """Install everything and run every check: lint, types, docs, tests. What CI runs."""
    install("dev")
    lint()
    types()
    test("-n", "2")


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
    "prove": prove,
    "bench": bench,
}


def install(extra: str) -> None:
    """Install the checkout with an extra into the environment, unless that was done since the project file changed."""
    if not PYTHON.exists():
        print(f"making {ENVIRONMENT.name}/", flush=True)
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt", clear=True).create(ENVIRONMENT)
    stamp = ENVIRONMENT / f".installed-{extra}"
    project = (HOME / "pyproject.toml").read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == project:
        return
    print(f"installing runfork[{extra}] and what it needs; the first time takes some minutes", flush=True)
    run("-m", "pip", "install", "--quiet", "--editable", f".[{extra}]")
    for implied in {"dev": ("dev", "demo")}.get(extra, (extra,)):
        (ENVIRONMENT / f".installed-{implied}").write_text(project, encoding="utf-8")


def run(*arguments: str) -> None:
    """Run the environment's Python in the repository; end with its exit code if it fails."""
    done = subprocess.run([str(PYTHON), *arguments], cwd=HOME, check=False)
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
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    RECIPES[chosen.recipe](*rest)


if __name__ == "__main__":
    main()
