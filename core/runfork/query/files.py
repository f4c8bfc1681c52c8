"""Logged files, as query results name them, and copying them out of the data directory."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError, ArgumentTypeError, warn_caller
from runfork.model.steps import MICRO
from runfork.query.frames import import_pandas, label_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    import pandas as pd

    from runfork.query.selection import Selection
    from runfork.query.source import Source
    from runfork.types import FileReference

MAX_NAME_BYTES = 255
"""Names of files and folders may not be longer on the usual file systems."""

_DIGEST_LENGTH = 8


@dataclass(frozen=True)
class LoggedFile:
    """A file in a query result; `download_files` copies its contents.

    Args:
        project: Project of the run.
        run_id: The run that has the file; of an experiment its head.
        experiment_name: The experiment, where the query was about experiments; else None.
        attribute_path: Path of the attribute.
        step: Step in a file series; None for a single file.
        size_bytes: Length of the contents.
        mime_type: Media type.
        name: File name as it was logged.
        sha256: Hex digest of the contents.
        source_run: The run that logged it: the run itself or an ancestor.
        directory: The data directory in which it was found.
    """

    project: str
    run_id: str
    experiment_name: str | None
    attribute_path: str
    step: float | None
    size_bytes: int
    mime_type: str
    name: str
    sha256: str
    source_run: str
    directory: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """The experiment's name if there is one, else the run id."""
        return self.run_id if self.experiment_name is None else self.experiment_name


def logged_file(
    source: Source,
    selection: Selection,
    run_id: str,
    path: str,
    reference: FileReference,
    *,
    source_run: str,
    micro_step: int | None = None,
) -> LoggedFile:
    """Return how a query result names a file that a selected run has at `path`, and `source_run` logged."""
    return LoggedFile(
        project=source.project,
        run_id=run_id,
        experiment_name=selection.label_of[run_id] if selection.kind == "experiment" else None,
        attribute_path=path,
        step=None if micro_step is None else micro_step / MICRO,
        size_bytes=reference.size_bytes,
        mime_type=reference.mime_type,
        name=reference.name,
        sha256=reference.sha256,
        source_run=source_run,
        directory=source.directory,
    )


def download_files(
    *,
    files: LoggedFile | Iterable[LoggedFile] | pd.Series[Any] | pd.DataFrame,
    destination: str | PathLike[str] | None = None,
    directory: str | PathLike[str] | None = None,
) -> pd.DataFrame:
    """Copy logged files to ``<destination>/<experiment or run>/<attribute path>[/step_<step>].<extension>``.

    In names, everything but letters, digits, ``_`` and ``-`` becomes ``_``; names that would be too long or would meet are
    told apart by a digest. The extension is that of the file as it was logged, else its media type's. Files that are there
    already are replaced.

    Args:
        files: One file, several, or a column or frame of them as the other functions return it. Missing values are left out.
        destination: A folder, made if it is not there; None is the working directory.
        directory: The data directory to copy from; None is where each file was found.

    Returns:
        Paths as str: a row for each run id (or experiment) and step, a column for each attribute. None stands where the
        contents are missing, with a `RunforkWarning`.

    Raises:
        ArgumentError: `files` holds something else, or files by run and files by experiment together.
        OSError: A copy cannot be written.
    """
    import_pandas()
    wanted = list(dict.fromkeys(_listed(files)))
    folder = Path(destination if destination is not None else ".").expanduser().absolute()
    paths: dict[LoggedFile, str | None] = {}
    for file, target in _targets(wanted).items():
        origin = _contents(file, directory)
        if origin is None:
            paths[file] = None
            continue
        _copy_whole(origin, folder / target)
        paths[file] = str(folder / target)
    return _paths_frame(paths)


def _listed(files: object) -> list[LoggedFile]:
    found = list(_each(files))
    for file in found:
        if not isinstance(file, LoggedFile):
            raise ArgumentTypeError(
                f"files must be a LoggedFile, several, or a frame of them, found {file!r:.80}; "
                "select attributes of type file or file_series"
            )
    if len({file.experiment_name is None for file in found}) > 1:
        raise ArgumentError("files must be all of runs or all of experiments, found both; download them in two calls")
    return found


def _each(files: object) -> Iterator[Any]:
    import pandas as pd

    if isinstance(files, pd.DataFrame):
        files = files.to_numpy(dtype=object).ravel()
    if isinstance(files, (str, bytes)) or not isinstance(files, Iterable):
        yield files
        return
    for file in files:
        if not (file is None or file is pd.NA or file is pd.NaT or (isinstance(file, float) and file != file)):  # noqa: PLR0124
            yield file


def _targets(files: list[LoggedFile]) -> dict[LoggedFile, PurePosixPath]:
    """Return where each file goes, told apart where two would meet; file systems may ignore case."""
    found: dict[LoggedFile, PurePosixPath] = {}
    taken: set[str] = set()
    for file in files:
        target = _target(file)
        if str(target).casefold() in taken:
            digest = _digest(f"{file.label}\0{file.attribute_path}\0{file.step}")
            ending = f"-{digest}{target.suffix}"
            target = target.with_name(_safe(target.stem, room=len(ending)) + ending)
        taken.add(str(target).casefold())
        found[file] = target
    return found


def _target(file: LoggedFile) -> PurePosixPath:
    parts = [file.label, *file.attribute_path.split("/")]
    suffix = _extension(file)
    if file.step is not None:
        folders, last = parts, f"step_{file.step:f}"
    else:
        folders, last = parts[:-1], _safe(parts[-1], room=len(suffix))
    return PurePosixPath(*map(_safe, folders), last + suffix)


def _safe(name: str, *, room: int = 0) -> str:
    """Return `name` as a file name that any system takes, with `room` left for a suffix."""
    safe = "".join(character if character.isalnum() or character in "_-" else "_" for character in name) or "_"
    limit = MAX_NAME_BYTES - room
    if len(safe.encode()) <= limit:
        return safe
    kept = safe.encode()[: limit - _DIGEST_LENGTH - 1].decode(errors="ignore")
    return f"{kept}-{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]


def _extension(file: LoggedFile) -> str:
    suffix = PurePosixPath(file.name).suffix
    if re.fullmatch(r"\.[A-Za-z0-9]{1,16}", suffix):
        return suffix
    return mimetypes.guess_extension(file.mime_type, strict=False) or ".bin"


def _contents(file: LoggedFile, directory: str | PathLike[str] | None) -> Path | None:
    from runfork.disk.layout import Store
    from runfork.disk.logged_files import FOLDER

    store = Store(Path(directory or file.directory).expanduser().absolute())
    path = store.run_directory(file.project, file.source_run) / FOLDER / file.sha256
    if path.is_file():
        return path
    message = f"the contents of {file.attribute_path!r} of {file.label!r} are not at {path}; copy them there"
    warn_caller(message)
    return None


def _copy_whole(origin: Path, target: Path) -> None:
    """Copy so that `target` is there in whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".download-")
    os.close(handle)
    try:
        shutil.copyfile(origin, temporary)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _paths_frame(paths: dict[LoggedFile, str | None]) -> pd.DataFrame:
    import pandas as pd

    kind = "experiment" if any(file.experiment_name is not None for file in paths) else "run"
    rows = sorted({(file.label, -1.0 if file.step is None else file.step) for file in paths})
    columns = sorted({file.attribute_path for file in paths})
    cells = {(file.label, file.step, file.attribute_path): path for file, path in paths.items()}
    steps = [float("nan") if step < 0 else step for _, step in rows]
    index = pd.MultiIndex.from_arrays(
        [label_index([label for label, _ in rows]), pd.Index(steps, dtype=float)], names=[kind, "step"]
    )
    data = {
        name: pd.Series([cells.get((label, None if step < 0 else step, name)) for label, step in rows], dtype=object)
        for name in columns
    }
    frame: pd.DataFrame = pd.DataFrame(data, columns=pd.Index(columns, dtype=str, name="attribute"))
    frame.index = index
    return frame
