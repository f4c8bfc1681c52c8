"""Pages of `runfork ui`, opened as users open them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from runfork.testing.waits import HANG_SECONDS, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page
    from tests.browser.contexts import Contexts
    from tests.browser.ui_servers import UiServer
    from tests.browser.watching import Watch


class Visit:
    """Opens pages, each with cookies and storage of its own.

    Args:
        contexts: Contexts to open them in.
        watch: What watches the pages.
    """

    def __init__(self, contexts: Contexts, watch: Watch) -> None:
        self._contexts, self._watch = contexts, watch

    def __call__(
        self,
        server: UiServer,
        path: str = "",
        *,
        size: tuple[int, int] = (1280, 800),
        scheme: Literal["light", "dark"] = "light",
        logs_in: bool = True,
        **options: Any,
    ) -> Page:
        """Return a page that has been loaded and has settled.

        Args:
            server: Where.
            path: Which page, such as ``p/seeds/lineage/table?q=lr``.
            size: Width and height.
            scheme: What the machine prefers.
            logs_in: Whether the token is exchanged for a cookie first.
            options: Of the browser's context.
        """
        context = self._contexts.take(server.address, **options)
        context.set_default_timeout(HANG_SECONDS / 4 * 1000)
        self._watch.follow(context)
        if logs_in:
            assert context.request.get(server.url).ok
            if project := re.match(r"p/[^/]+/[^/?]+", path):
                until(lambda: _has_been_read(context, server.url_of(f"api/v1/projects/{project[0][2:]}")))
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto(server.url_of(path))
        self._watch.settle(page)
        return page

    def close(self) -> None:
        """Close every page."""
        while self._watch.contexts:
            self._contexts.give_back(self._watch.leave())


def _has_been_read(context: BrowserContext, project: str) -> bool:
    """Return whether a server has read a project once; until then a page may not know what to ask for, and be quiet."""
    answer = context.request.get(project)
    return not (answer.ok and answer.json()["is_reading"])
