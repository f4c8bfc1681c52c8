"""Pictures of every page, light and dark, wide and narrow: ``python3 -m tests.browser.pictures FOLDER [PART OF A NAME ...]``."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import sync_playwright
from tests.browser import chromium
from tests.browser.contexts import Contexts
from tests.browser.places import RUNS, places
from tests.browser.seeds import Seeds
from tests.browser.ui_servers import UiServer
from tests.browser.visits import Visit
from tests.browser.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

SIZES = ((1280, 800), (800, 1100))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def pages(seeds: Seeds) -> Iterator[tuple[str, str]]:
    """Yield the name of a picture and the path of its page; a project is made when its first page is reached."""
    yield "projects", ""
    yield "empty", "p/seeds/nothing-yet/charts"
    for name in RUNS:
        for page, path in places(seeds, name).items():
            yield f"{name}-{page}", path


def take(folder: Path, parts: Sequence[str]) -> None:
    """Take the pictures whose names have one of these parts, or all; print each, and what its page did unseen."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        seeds, browser = Seeds(Path(temporary, "data")), chromium.launch(playwright)
        server = UiServer(seeds.directory, Path(temporary, "printed"))
        try:
            for (name, path), size, scheme in itertools.product(pages(seeds), SIZES, SCHEMES):
                file = folder / f"{name}-{size[0]}-{scheme}.png"
                if not parts or any(part in file.name for part in parts):
                    _take_one(browser, server, path, file, size, scheme)
        finally:
            server.stop()
            browser.close()


def _take_one(
    browser: Browser,
    server: UiServer,
    path: str,
    file: Path,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
) -> None:
    watch = Watch()
    visit = Visit(Contexts(browser), watch)
    visit(server, path, size=size, scheme=scheme).screenshot(path=file)
    visit.close()
    print(file, *watch.troubles(), sep="\n    ", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ["RUNFORK_QUIET"] = "1"
    take(Path(sys.argv[1]), sys.argv[2:])
