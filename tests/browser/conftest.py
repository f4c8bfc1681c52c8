"""Tests in a real browser, against `runfork ui` as a process of its own.

Playwright keeps an event loop in the thread that tests run in, for as long as the browser is open: these tests come last.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright
from tests.browser import chromium
from tests.browser.contexts import Contexts
from tests.browser.demos import Demo, make_demo
from tests.browser.rich_runs import make_rich_runs
from tests.browser.seeds import Seeds
from tests.browser.ui_servers import UiServer
from tests.browser.visits import Visit
from tests.browser.watching import Watch

from runfork.testing.waits import HANG_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


expect.set_options(timeout=HANG_SECONDS / 4 * 1000)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put these tests behind all others, in whatever order they are."""
    items.sort(key=lambda item: "browser" in item.path.parent.parts)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium, for all tests."""
    with sync_playwright() as playwright:
        found = chromium.launch(playwright)
        yield found
        found.close()


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Seeds:
    """Projects to look at, which nobody changes."""
    return Seeds(tmp_path_factory.mktemp("seeds") / "data")


@pytest.fixture(scope="session")
def rich(seeds: Seeds) -> str:
    """The project of the rich runs, among the seeds."""
    return make_rich_runs(seeds.directory)


@pytest.fixture(scope="session")
def seeded_ui(seeds: Seeds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UiServer]:
    """One `runfork ui` over the seeds, which nobody stops."""
    server = UiServer(seeds.directory, tmp_path_factory.mktemp("ui") / "printed", is_warm=True)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """What `runfork demo` makes, once for all workers; nobody changes it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"
    folder.mkdir(exist_ok=True)
    return make_demo(folder)


@pytest.fixture(scope="session")
def demo_ui(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UiServer]:
    """One `runfork ui` over the demo, which nobody stops."""
    server = UiServer(demo.directory, tmp_path_factory.mktemp("ui") / "printed", is_warm=True)
    yield server
    server.stop()


@pytest.fixture
def start_ui(data_directory: Path, tmp_path: Path) -> Iterator[Callable[..., UiServer]]:
    """Start `runfork ui` on a port of its own, with further arguments; over the data directory of the test, unless told."""
    started: list[UiServer] = []

    def start(*arguments: str, directory: Path = data_directory, **environment: str) -> UiServer:
        log = tmp_path / f"ui-{len(started)}"
        started.append(UiServer(directory, log, *arguments, environment=environment, is_warm=True))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What the pages of the test do unseen; the test fails if anything of it was not allowed."""
    found = Watch()
    yield found
    troubles = found.troubles()
    assert not troubles, "\n".join(["the page is not silent:", *troubles])


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    """Contexts that tests use one after the other."""
    return Contexts(browser)


@pytest.fixture
def visit(contexts: Contexts, watch: Watch) -> Iterator[Visit]:
    """Open pages: ``page = visit(seeded_ui, f"p/{seeds.lineage}/charts")``."""
    found = Visit(contexts, watch)
    yield found
    found.close()
