"""What a page does that nobody sees: what it logs, raises and asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError

AT_HOME = {"127.0.0.1", "localhost"}
NO_REQUEST = {"data", "blob", "about"}
SETTLED_AFTER_FRAMES = 3
GIVES_UP_AFTER_FRAMES = 20_000

NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


class Watch:
    """Notes whatever no page may do; a test allows what it brings about itself."""

    def __init__(self) -> None:
        self.contexts: list[BrowserContext] = []
        """Whose pages are watched."""

        self._allowed: list[re.Pattern[str]] = []
        self._troubles: list[str] = []
        self._open: dict[Request, None] = {}
        self.requests: list[str] = []
        """Every request, as ``GET /path?query``, in order."""

        self._notes: dict[str, Callable[..., None]] = {
            "console": self._note_message,
            "weberror": self._note_error,
            "request": self._note_request,
            "response": self._note_response,
            "requestfinished": self._forget,
            "requestfailed": self._forget,
        }

    def follow(self, context: BrowserContext) -> None:
        """Watch all pages of a context."""
        self.contexts.append(context)
        for event, note in self._notes.items():
            context.on(event, note)  # type: ignore[call-overload]

    def leave(self) -> BrowserContext:
        """Watch the context no longer that was followed last, and return it."""
        context = self.contexts.pop()
        for event, note in self._notes.items():
            context.remove_listener(event, note)
        return context

    def allow(self, pattern: str) -> None:
        """Let troubles pass in whose text a regular expression is found, such as ``404 .*/runs/values``."""
        self._allowed.append(re.compile(pattern))

    def troubles(self) -> list[str]:
        """Return what was noted and not allowed."""
        return [one for one in self._troubles if not any(pattern.search(one) for pattern in self._allowed)]

    def settle(self, page: Page) -> None:
        """Wait until nothing is being fetched any more, and some frames were drawn since; events stay open."""
        page.wait_for_load_state("load")
        page.evaluate("() => document.fonts.ready.then(() => undefined)")
        quiet = 0
        for _ in range(GIVES_UP_AFTER_FRAMES):
            page.evaluate(NEXT_FRAME)
            quiet = 0 if self._pending() else quiet + 1
            if quiet == SETTLED_AFTER_FRAMES:
                return
        raise TimeoutError(f"still being fetched: {[one.url for one in self._pending()]}")

    def _pending(self) -> list[Request]:
        return [one for one in self._open if "/events" not in one.url]

    def _note_message(self, message: ConsoleMessage) -> None:
        # The browser's own word on an answer that refuses says no more than the answer, which is noted with its address.
        if message.type == "error" and not re.match(r"Failed to load resource.* status of \d+", message.text):
            self._troubles.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _note_error(self, error: WebError) -> None:
        self._troubles.append(f"uncaught: {error.error.stack or error.error}")

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in NO_REQUEST:
            return
        self._open[request] = None
        self.requests.append(f"{request.method} {parts.path}{'?' if parts.query else ''}{parts.query}")
        if parts.hostname not in AT_HOME:
            self._troubles.append(f"elsewhere: {request.url}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self._troubles.append(f"{response.status} {response.request.method} {response.url}")

    def _forget(self, request: Request) -> None:
        self._open.pop(request, None)
