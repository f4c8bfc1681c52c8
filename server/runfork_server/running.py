"""A server that runs already: ``runfork ui`` for what it serves prints its address again, instead of failing at its port.

Its token is nowhere on disk. Cookies of servers that only this machine reaches are made from a key that is kept for this user
(`runfork_server.access.cookie_of`), so it can be asked for a token as a page of it would ask.
"""

from __future__ import annotations

import http.client
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from runfork.disk.web_ui import find_servers
from runfork.errors import RunforkError
from runfork.model.messages import described

if TYPE_CHECKING:
    from runfork_server.settings import ServerSettings

_PATIENCE_SECONDS = 5


def url_of(address: str, project: str | None, token: str | None) -> str:
    """Return the address of a page.

    Args:
        address: Where the pages begin.
        project: The project that is shown; None lets the page choose.
        token: A token that lets in; None where none is asked for.
    """
    path = "" if project is None else "p/" + "/".join(quote(part, safe="") for part in project.split("/"))
    return f"{address}{path}{'' if token is None else f'?token={token}'}"


@dataclass(frozen=True)
class Running:
    """A server that runs.

    Args:
        address: Where its pages begin.
        cookie: What lets in: name and value.
        token: The token of its links; None where it asks for none.
    """

    address: str
    cookie: str
    token: str | None

    def url(self, project: str | None, *, once: bool) -> str:
        """Return the address of a page, with a token that lets in: that of its links, or one that is good once."""
        token = _ask(self.address, self.cookie, once=True) if once and self.token is not None else self.token
        return url_of(self.address, project, token)


def find_running(settings: ServerSettings) -> Running | None:
    """Return the server of this user that serves the same directory at the same port of loopback; None if none answers."""
    if settings.cookie_key is None or settings.port == 0:
        return None
    from runfork_server.access import cookie_of, is_loopback

    cookie = "=".join(cookie_of(settings))
    for address in reversed(find_servers(settings.directory)):
        parts = urlsplit(address)
        if parts.port != settings.port or not is_loopback(parts.hostname or ""):
            continue
        with suppress(RunforkError):  # it is ending, or is of an older version
            return Running(address, cookie, _ask(address, cookie, once=False))
    return None


def _ask(address: str, cookie: str, *, once: bool) -> str | None:
    """Return a token of a server.

    Raises:
        RunforkError: It did not answer.
    """
    parts = urlsplit(address)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request(
            "POST",
            f"{parts.path}api/v1/links",
            body=json.dumps({"once": once}),
            headers={"Content-Type": "application/json", "Cookie": cookie},
        )
        answer = connection.getresponse()
        token = json.loads(answer.read())["token"]
        return None if token is None else str(token)
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        raise RunforkError(
            f"the web UI at {address} does not answer ({described(error)}); run 'runfork ui' again"
        ) from error
    finally:
        connection.close()
