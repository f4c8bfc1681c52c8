"""What lets in: the token that was printed, one for links that people hand on, and tokens that are good once.

They are known to this process alone, end with it, and are compared in constant time.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runfork_server.settings import ServerSettings

TOKEN_BYTES = 24


def new_token() -> str:
    """Return a token of 192 bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Tokens:
    """The tokens of a server.

    Args:
        settings: What the server goes by.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.for_links = None if settings.token is None else new_token()
        """The token of links; None where nothing is asked for. Pages may know it, unlike the one that was printed."""
        self._lasting = [token.encode() for token in (settings.token, self.for_links) if token is not None]
        self._once: set[bytes] = set()

    def make_for_once(self) -> str | None:
        """Return a token that is good for one exchange: others may see what a browser is started with.

        None where nothing is asked for.
        """
        if self.for_links is None:
            return None
        token = new_token()
        self._once.add(token.encode())
        return token

    def take(self, given: str) -> bool:
        """Return whether a token lets in; one that is good once is used up."""
        data = given.encode("utf-8", "replace")
        if any([hmac.compare_digest(data, known) for known in self._lasting]):  # noqa: C419  all of them, whichever fits
            return True
        for one in [*self._once]:
            if hmac.compare_digest(data, one):
                self._once.discard(one)
                return True
        return False
