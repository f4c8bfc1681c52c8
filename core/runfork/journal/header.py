"""How a journal begins: whose it is, and where its frames start. A damaged header is worked out from what lies around it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote

from runfork.errors import FormatError
from runfork.journal.first_records import creation_in
from runfork.journal.format import (
    FLAGS_TIMES,
    FRAME_HEADER,
    MAX_FILE_HEADER,
    Kind,
    decode_file_header,
    is_of_newer_version,
)
from runfork.journal.frame_search import find_in_file, frames_in, open_journal
from runfork.journal.records import JournalKey
from runfork.journal.validation import EARLIEST, LATEST, checked_identity

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_BYTES = 256 * 1024
_SALVAGED = ("host", "pid", "boot_id", "process_start", "rank", "forked_by", "is_visitor", FLAGS_TIMES)
"""What only the header says. It helps readers to tell whether the process still lives; nothing hangs on it."""


@dataclass(frozen=True)
class Header:
    """The beginning of a journal.

    Args:
        identity: The header: project, run_id, writer, created, and of the process what is known.
        first_frame: Offset of the first frame.
        is_recovered: Whether the header is damaged, and `identity` was worked out from the CREATE record, the folder, the name.
    """

    identity: Mapping[str, Any]
    first_frame: int
    is_recovered: bool = False

    @property
    def tag(self) -> int | None:
        """What marks the frames of this journal; None if nothing does."""
        tag = self.identity.get("tag")
        return tag if isinstance(tag, int) else None

    @property
    def key(self) -> JournalKey:
        """The journal's name within its project."""
        return JournalKey(str(self.identity["run_id"]), str(self.identity["writer"]))


def read_identity(path: Path) -> tuple[Mapping[str, Any], int] | None:
    """Return a journal's header and where its first frame begins; None while the header is still being written.

    Raises:
        FormatError: It is no journal, or is of a newer version.
        OSError: It cannot be read.
    """
    with open_journal(path) as file:
        header = read_header(file, path)
    return None if header is None else (header.identity, header.first_frame)


def read_header(file: BinaryIO, path: str | Path) -> Header | None:
    """Read the beginning of an open journal; None while it is still being written.

    Raises:
        FormatError: It is no journal, or is of a newer version.
        OSError: It cannot be read.
    """
    file.seek(0)
    data = file.read(MAX_FILE_HEADER)
    failure = None
    try:
        if (decoded := decode_file_header(data, source=str(path))) is not None:
            return Header(_identity(decoded[0], source=str(path)), decoded[1])
    except FormatError as error:
        if is_of_newer_version(data):
            raise
        failure = error
    recovered = _recover(file, path, data)
    if recovered is None and failure is not None:
        raise failure
    return recovered


def _identity(told: object, *, source: str) -> dict[str, Any]:
    try:
        return checked_identity(told)
    except ValueError as error:
        raise FormatError(f"{source} has a header that does not say whose journal it is: {error}") from error


def _recover(file: BinaryIO, path: str | Path, damaged: bytes) -> Header | None:
    """Work out whose journal it is; None if no frame is in it."""
    first = find_in_file(file, 0)
    if first is None:
        return None
    file.seek(first)
    data = file.read(_FIRST_BYTES)
    creation = creation_in(data) or {}
    path = Path(path)
    folders = path.absolute().parents
    workspace, project, run = (unquote(folders[level].name) for level in (2, 1, 0))
    told = {"project": creation.get("project"), "run_id": creation.get("run_id")}
    found = {
        "project": f"{workspace}/{project}",
        "run_id": run,
        "writer": path.stem,
        "created": min(max(_created(path.stem, data), EARLIEST), LATEST),
    }
    if tag := _tag(data):
        found["tag"] = tag
    found |= _salvage(damaged[:first])
    try:
        return Header(checked_identity(found | told), first, is_recovered=True)
    except ValueError:
        return Header(_identity(found, source=str(path)), first, is_recovered=True)


def _tag(data: bytes) -> int:
    """Return what stands in the first CREATE record for a schema id: the journal's tag; 0 if it has none."""
    for start, _ in frames_in(data, 0):
        _, _, kind, _, _, schema, _, _ = FRAME_HEADER.unpack_from(data, start)
        if kind == Kind.CREATE:
            return int(schema)
    return 0


def _created(writer: str, data: bytes) -> int:
    """Return when a journal was begun, by its name, or the time of its first record, with which `data` begins."""
    try:
        moment = datetime.strptime(writer.partition("-")[0], "%Y%m%dT%H%M%S.%f").replace(tzinfo=timezone.utc)
    except ValueError:
        return int(FRAME_HEADER.unpack_from(data)[7])
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


def _salvage(damaged: bytes) -> dict[str, Any]:
    """Return what can still be read, field by field, of a damaged header."""
    found = {}
    for name in _SALVAGED:
        match = re.search(rb'"%s":("[^"\\]*"|-?[\d.]+|true|null)[,}]' % name.encode(), damaged)
        if match is not None:
            try:
                found[name] = json.loads(match[1].decode("ascii"))
            except ValueError:
                continue  # the damage is in here
    return found
