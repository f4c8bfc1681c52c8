"""Who may ask: a token that becomes a cookie, names that the server answers to, and headers that browsers keep to.

A page of another site can send requests to loopback, and have a name of its own point there. So names are on a list, whoever asks
must know the token, and what changes something must come from a page of the server itself. Tokens are compared in constant time,
and written nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response

from runfork_server import notices
from runfork_server.problems import problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from runfork_server.settings import ServerSettings
    from runfork_server.tokens import Tokens

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/healthz"})
_FORWARDED_PATH = re.compile(r"((?:/[\w.~@%:+-]+)+)/?")
_LOOPBACK_NAMES = frozenset({"localhost", "localhost."})
_HEADERS = {
    "Content-Security-Policy": notices.POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",  # an address may hold the token
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Return whether nobody but this machine reaches a host."""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Stands before an application: takes the prefix off paths, and lets through whoever may ask.

    Args:
        app: The application.
        settings: What the server goes by.
        tokens: What lets in.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, tokens: Tokens) -> None:
        self._app = app
        self._prefix = settings.root_path.rstrip("/")
        self._token = None if settings.token is None else settings.token.encode()
        self._hosts = _allowed_hosts(settings)
        self._tokens = tokens
        self.cookie, self._cookie_value = cookie_of(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._without_prefix(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _without_prefix(self, scope: Scope) -> Scope:
        """Return what was asked below the prefix: proxies keep it, or take it off themselves."""
        path, raw = scope["path"], scope.get("raw_path") or quote(scope["path"]).encode()
        prefix, raw_prefix = self._prefix, quote(self._prefix, safe="/%").encode()
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            raw = raw[len(raw_prefix) :] if raw.startswith(raw_prefix) else quote(path[len(prefix) :]).encode()
            path = path[len(prefix) :]
        return {**scope, "path": path, "raw_path": raw.partition(b"?")[0], "root_path": ""}

    def _refusal(self, scope: Scope) -> Response | None:
        """Return what to answer instead of the application; None lets the request through."""
        headers = Headers(scope=scope)
        host = _name_of(headers.get("host", ""))
        if not self._is_answered(host):
            if notices.wants_page(headers):
                return notices.refuse_name(host)
            return problem(
                403,
                f"this server does not answer to the name {host!r}; if it should, start it with --allow-host {host}",
            )
        if not scope["path"]:  # the prefix without a slash: relative addresses would be beside it
            return RedirectResponse(f"{self._prefix.rpartition('/')[2]}/{_question(scope)}", 307)
        if scope["method"] not in _SAFE_METHODS and not self._is_of_ours(headers):
            return problem(403, "this request comes from a page of another site")
        if scope["method"] in _SAFE_METHODS and (exchange := self._exchange(scope, headers)) is not None:
            return exchange
        if scope["path"] in _OPEN_PATHS or self._knows_token(headers):
            return None
        if scope["path"].startswith("/api/"):
            detail = "this server asks for its token: open the address that it printed, or send 'Authorization: Bearer TOKEN'"
            return problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
        return notices.ask_for_token(has_old_one=b"token=" in scope["query_string"])

    # Names

    def _is_answered(self, host: str) -> bool:
        """Return whether the server goes by a name; of addresses no name server can lie."""
        if host in self._hosts or "*" in self._hosts:
            return True
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return True

    def _is_of_ours(self, headers: Headers) -> bool:
        """Return whether a request comes from a page of this server, or from no page at all."""
        site = headers.get("sec-fetch-site")
        if site is not None:  # browsers let no page set it
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        if origin is None:
            return True
        there = urlsplit(origin).netloc.lower()
        return bool(there) and (
            there in (headers.get("host", "").lower(), headers.get("x-forwarded-host", "").lower())
            or (_name_of(there) in self._hosts and not is_loopback(_name_of(there)))
        )

    # The token

    def _exchange(self, scope: Scope, headers: Headers) -> Response | None:
        """Exchange a token in the address for a cookie, and ask the browser to go on without it."""
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in asked if name == "token"]
        if not given or self._token is None or scope["path"].startswith("/api/"):
            return None
        rest = urlencode([(name, value) for name, value in asked if name not in ("token", "next")])
        depth = scope["raw_path"].count(b"/") - 1
        if depth > 0:
            # The cookie is to be sent to the server's paths and to no others: the browser knows the prefix, and takes it from here.
            there = scope["raw_path"].decode("latin-1").lstrip("/") + (f"?{rest}" if rest else "")
            return _redirect("../" * depth + "?" + urlencode({"token": given[-1], "next": there}))
        if not self._tokens.take(given[-1]) and not self._knows_token(headers):
            return None
        there = next((value for name, value in asked if name == "next"), f"?{rest}" if rest else "")
        there = quote(there.lstrip("/"), safe="/%?&=+:,;@!$'()*~")
        below = forwarded_path(headers)
        answer = _redirect(f"./{there}") if below is None else _refreshed(f"{below}/{there}")
        path = "" if below is None else f"; Path={below}"
        answer.headers.append("Set-Cookie", f"{self.cookie}={self._cookie_value}; HttpOnly; SameSite=Strict{path}")
        return answer

    def _knows_token(self, headers: Headers) -> bool:
        if self._token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("utf-8", "replace"), self._token):
            return True
        wanted = self._cookie_value.encode()
        return any(
            hmac.compare_digest(value.encode("utf-8", "replace"), wanted)
            for name, value in _cookies(headers.getlist("cookie"))
            if name == self.cookie
        )


def cookie_of(settings: ServerSettings) -> tuple[str, str]:
    """Return the name and the value of the cookie that the token is exchanged for."""
    name = f"runfork-{settings.port}"
    key = settings.cookie_key or (settings.token or "").encode()
    return name, hmac.new(key, name.encode(), hashlib.sha256).hexdigest()


def forwarded_path(headers: Headers) -> str | None:
    """Return the path below which a proxy says that it serves this server; None where it says none.

    With jupyter-server-proxy, ``.../proxy/7355`` and ``.../proxy/7355/`` are asked for as one path, of which only the second has
    the server's paths below it.
    """
    found = _FORWARDED_PATH.fullmatch(headers.get("x-forwarded-prefix", ""))
    return found[1] if found else None


def _allowed_hosts(settings: ServerSettings) -> frozenset[str]:
    return frozenset(_name_of(host) for host in (*_LOOPBACK_NAMES, settings.host, *settings.allowed_hosts) if host)


def _name_of(host: str) -> str:
    """Return the name in a ``Host`` header, without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _cookies(headers: Iterable[str]) -> Iterable[tuple[str, str]]:
    for header in headers:
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            yield name, value


def _question(scope: Scope) -> str:
    asked = scope["query_string"].decode("latin-1")
    return f"?{asked}" if asked else ""


def _refreshed(there: str) -> Response:
    """Go on from a page: proxies that know their path change a ``Location``, some of them twice."""
    page = f'<!doctype html><meta http-equiv="refresh" content="0; url={escape(there)}"><title>runfork</title>'
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def _redirect(there: str) -> Response:
    return Response(status_code=303, headers={"Location": there, "Cache-Control": "no-store"})
