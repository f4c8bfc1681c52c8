"""Contexts of the browser that are used again: their windows, and what was loaded into them, are half of what a visit costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FORGOTTEN = "cookies,local_storage,indexeddb,service_workers,cache_storage"
OPTIONS: dict[str, Any] = {"reduced_motion": "reduce", "locale": "en-US", "timezone_id": "UTC"}


class Contexts:
    """The contexts of a browser, each with an empty page that keeps its window open.

    Args:
        browser: The browser.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: list[BrowserContext] = []
        self._empty: dict[BrowserContext, Page] = {}

    def take(self, origin: str, **options: Any) -> BrowserContext:
        """Return a context that nobody uses, where pages of an origin have stored nothing; one with options is made anew."""
        if self._idle and not options:
            kept = self._idle.pop()
            session = kept.new_cdp_session(self._empty[kept])
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": FORGOTTEN})
            session.detach()
            return kept
        made = self._browser.new_context(**{**OPTIONS, **options})
        if not options:
            self._empty[made] = made.new_page()
            made.on("close", self._leave_out)
        return made

    def give_back(self, context: BrowserContext) -> None:
        """Keep a context that was taken for others, with no page, cookie or permission; or close it."""
        empty = self._empty.get(context)
        if empty is None:
            context.close()
            return
        for page in context.pages:
            if page is not empty:
                page.close()
        context.clear_permissions()
        context.clear_cookies()
        self._idle.append(context)

    def _leave_out(self, context: BrowserContext) -> None:
        self._empty.pop(context, None)
