"""Where the web UI of a data directory answers: each ``runfork ui`` leaves a small file for its user's other programs.

It lies in the user's state folder and not among the runs: a data directory may be read-only, not there yet, or shared with
somebody who would plant an address. The token is not in it.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.disk.liveness import boot_id, host_name, lives_here, own_identity
from runfork.model.identifiers import directory_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIX = ".json"
_MOST_READ = 100
_FOLDER = "ui"


def state_folder() -> Path:
    """Return the folder for what is kept for this user and is no run; it may not be there.

    Raises:
        RuntimeError: There is no home directory.
    """
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "runfork"


def leave_address(directory: Path, address: str) -> Path | None:
    """Leave word that this process serves a data directory.

    Args:
        directory: The data directory.
        address: Where the pages begin, without a token: ``http://127.0.0.1:7355/``.

    Returns:
        What `take_away` is to be called with; None where nothing can be left.
    """
    identity = {name: value for name, value in own_identity().items() if name != "rank"}
    left = {"address": address, "directory": os.path.realpath(directory), "begun": time.time(), **identity}
    try:
        folder = state_folder() / _FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{_own_beginning()}{os.getpid()}{_SUFFIX}"
        _sweep(folder)
        draft = path.with_suffix(".new")
        with open(draft, "w", encoding="utf-8", opener=_privately) as file:
            json.dump(left, file)
        return draft.replace(path)
    except (OSError, RuntimeError):  # no home, or one that cannot be written to
        return None


def take_away(left: Path | None) -> None:
    """Take away what `leave_address` left. Calling it again does nothing."""
    if left is not None:
        with suppress(OSError):
            left.unlink()


def find_page(directory: Path, project: str, run_id: str) -> str | None:
    """Return the address of a run's page in a web UI of its data directory that runs on this machine, begun last; else None.

    It never raises, and reads nothing but a listing where none runs.
    """
    found = find_servers(directory)
    if not found:
        return None
    from urllib.parse import quote

    path = "/".join(quote(part, safe="") for part in project.split("/"))
    return f"{found[-1]}p/{path}/run?run={quote(run_id, safe='')}"


def find_servers(directory: Path) -> list[str]:
    """Return where web UIs of a data directory answer that run on this machine, the one that was begun last at the end."""
    found: list[tuple[float, str]] = []
    with suppress(OSError, RuntimeError):
        for _, left in _left_in(state_folder() / _FOLDER):
            address, begun = left.get("address"), left.get("begun")
            is_ours = left.get("directory") == os.path.realpath(directory) and isinstance(address, str)
            if is_ours and isinstance(begun, float) and lives_here(left):
                found.append((begun, str(address)))
    return [address for _, address in sorted(found)]


def _sweep(folder: Path) -> None:
    """Take away what processes of this machine left that are gone."""
    boot = (boot_id() or "").partition(":")[0]
    for path, left in _left_in(folder):
        was_another_boot = boot and str(left.get("boot_id")).partition(":")[0] != boot
        if was_another_boot or lives_here(left) is False:
            take_away(path)


def _left_in(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield what was left on this machine, by path; what is no such thing is passed over."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(_SUFFIX)]
    beginning = _own_beginning()
    for name in [name for name in names if name.startswith(beginning)][:_MOST_READ]:
        path = folder / name
        with suppress(OSError, ValueError, RecursionError):
            if isinstance(left := json.loads(path.read_bytes()), dict):
                yield path, left


def _own_beginning() -> str:
    return f"{directory_name(host_name())}-"


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
