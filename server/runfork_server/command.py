"""``runfork ui``: serves a data directory on this machine, and opens the web UI."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from runfork.cli.json_output import write_json_line
from runfork.cli.place import find_directory, json_option, place_options
from runfork.disk.layout import Store
from runfork.disk.web_ui import state_folder
from runfork.errors import ArgumentError, RunforkError
from runfork.model.identifiers import check_project
from runfork.settings import Settings
from runfork_server.running import find_running, url_of
from runfork_server.settings import DEFAULT_HOST, DEFAULT_PORT, EVERYWHERE, ServerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.cli.place import Place

_BACKLOG = 2048
_LARGEST_PORT = 65535


@click.command("ui")
@click.option(
    "--host", default=DEFAULT_HOST, show_default=True, help="Where to listen; loopback is this machine alone."
)
@click.option(
    "--port",
    type=click.IntRange(0, _LARGEST_PORT),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port; 0 picks a free one.",
)
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@click.option("--root-path", metavar="PATH", default="", help="Where a proxy serves it, such as /proxy/7355.")
@click.option("--no-token", is_flag=True, help="Ask for no token; on loopback only.")
@click.option(
    "--allow-host", "allowed_hosts", metavar="NAME", multiple=True, help="Answer to this name too, of a proxy, say."
)
@json_option
@place_options
def command(
    *,
    place: Place,
    as_json: bool,
    host: str,
    port: int,
    no_open: bool,
    root_path: str,
    no_token: bool,
    allowed_hosts: tuple[str, ...],
) -> None:
    """Open the web UI on the runs of this machine, until Ctrl-C.

    The address that is printed lets in whoever knows it. A data directory without runs is waited for: the page shows the
    first run when it comes.
    """
    from runfork_server.access import is_loopback
    from runfork_server.tokens import new_token

    if no_token and not is_loopback(host):
        raise ArgumentError(
            f"--no-token needs a host that only this machine reaches, found {host!r}; leave one of them out"
        )
    _check_names(allowed_hosts)
    prefix, directory = _checked_root_path(root_path), find_directory(place)
    settings = ServerSettings(
        directory,
        project=_project_of(place, directory),
        token=None if no_token else new_token(),
        host=host,
        port=port,
        root_path=prefix,
        allowed_hosts=(*allowed_hosts, *([socket.gethostname()] if host in EVERYWHERE else [])),
        cookie_key=_cookie_key() if is_loopback(host) else None,  # others were let in for once
    )
    told = Told(as_json=as_json, opens=not (no_open or as_json))
    is_plain = not (no_token or prefix or allowed_hosts)  # else another server is meant than the one that runs, perhaps
    if is_plain and (running := find_running(settings)) is not None:
        _tell(settings, told, running.url(settings.project, once=False), is_running=True)
        if told.opens and _has_browser():
            _open_browser(running.url(settings.project, once=True))
        return
    listening = bind(host, port)
    _serve(replace(settings, port=listening.getsockname()[1]), listening, told)


def _project_of(place: Place, directory: Path) -> str | None:
    """Return the project that was asked for; one that is not there yet is waited for. Its workspace may be left out."""
    asked = place.project or Settings.from_environment().project
    if asked is None:
        return None
    short = [name for name in Store(directory).projects() if name.partition("/")[2] == asked]
    return short[0] if len(short) == 1 else check_project(asked)


@dataclass(frozen=True)
class Told:
    """How people are told of a server.

    Args:
        as_json: In JSON, for machines.
        opens: A browser is opened, if there is one.
    """

    as_json: bool
    opens: bool


def _serve(settings: ServerSettings, listening: socket.socket, told: Told) -> None:
    from runfork_server.serving import Serving

    serving = Serving(settings)
    _tell(settings, told, url_of(settings.address, settings.project, settings.token), is_running=False)
    if told.opens and _has_browser():
        once = url_of(settings.address, settings.project, serving.tokens.make_for_once())
        threading.Thread(target=_open_browser, args=(once,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # the usual end
        serving.run(listening)


def _tell(settings: ServerSettings, told: Told, url: str, *, is_running: bool) -> None:
    """Say where the pages are."""
    if told.as_json:
        write_json_line({"url": url, "directory": str(settings.directory), "project": settings.project})
    else:
        is_read = (
            f"{settings.directory} is served already, at this address"
            if is_running
            else f"reading {settings.directory}; Ctrl-C ends it"
        )
        click.echo(f"runfork: {is_read}", err=True)
        click.echo(url)
    sys.stdout.flush()


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 picks a free one.

    Raises:
        RunforkError: It is taken, or there is no such address.
    """
    try:
        family, *_, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        takes_both = address[0] == "::" and socket.has_dualstack_ipv6()  # else nobody gets in by IPv4
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=takes_both)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise RunforkError(
                f"port {port} is taken, by another 'runfork ui' perhaps; name another one with --port, or --port 0 picks one"
            ) from error
        reason = error.strerror or str(error)
        raise RunforkError(
            f"cannot listen on {host!r}, port {port} ({reason}); choose others with --host and --port"
        ) from error


def _check_names(hosts: tuple[str, ...]) -> None:
    for name in hosts:
        if not name or set(name) & set("/?#@ "):  # what no browser ever sends as the name that it asks
            raise ArgumentError(f"--allow-host must be a name such as hub.example.org, found {name!r}")


def _checked_root_path(text: str) -> str:
    path = text.rstrip("/")
    if path and (not path.startswith("/") or path.startswith("//") or set(path) & set("?#\\ ")):
        raise ArgumentError(f"--root-path must be a path such as /proxy/7355, found {text!r}")
    return path


def _cookie_key() -> bytes | None:
    """Return what cookies are made from: kept for this user, so that open pages go on when the server is started again."""
    try:
        folder = state_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "ui.key"
        with contextlib.suppress(FileExistsError), open(path, "xb", opener=_privately) as file:
            file.write(os.urandom(32))
        key = path.read_bytes()
    except (OSError, RuntimeError):  # no home, or one that cannot be written to
        return None
    return key if len(key) == 32 else None  # noqa: PLR2004


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _has_browser() -> bool:
    """Return whether there is a browser with windows, and somebody to see it."""
    if not sys.stdout.isatty():
        return False
    if sys.platform == "darwin" or os.name == "nt" or os.environ.get("BROWSER"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_browser(url: str) -> None:
    import webbrowser

    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(url)
