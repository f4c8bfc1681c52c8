"""What is logged to a run: how each value is checked on its way to the recorder."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.journal.format import NAMESPACE, Kind
from runfork.model.attributes import AttributeType, check_path, check_series_path, is_system_path
from runfork.model.conversion import convert_config, convert_text, plain_value
from runfork.model.flattening import flatten, told_name
from runfork.model.histograms import convert_histogram
from runfork.model.messages import shown
from runfork.model.named_parts import MAX_PARTS, Unreadable, named_parts, unreadable
from runfork.model.secrets import mask_config
from runfork.model.steps import to_micro_steps
from runfork.writing.recorder import check_mapping

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from runfork.types import File, FileReference, Histogram
    from runfork.writing.run_journal import RunJournal

WRITABLE_SYSTEM_PATHS = frozenset(
    {"sys/description", "sys/archived", "sys/tags", "sys/group_tags", "sys/integration/name", "sys/integration/version"}
)


class Log:
    """What was logged to a run, and how. What each method means stands at that of `runfork.Run`; any thread may call it.

    Args:
        journal: The run's.
        convert_value: Returns a known form of a value of an unknown type, or None.
        sync_file: Has a file that was kept reach the disk, soon.
    """

    def __init__(
        self,
        journal: RunJournal,
        *,
        convert_value: Callable[[object], object | None],
        sync_file: Callable[[Path], None],
    ) -> None:
        self._journal = journal
        self._recorder = journal.recorder
        self._problems = journal.problems
        self._convert_value = convert_value
        self._sync_file = sync_file
        self._own: dict[Kind, dict[str, Any]] = {}
        self.watched_thread: int | None = None
        """The thread whose next log call sets this back to None: how a notebook learns which cells use which runs."""

    # Series

    def log_metrics(
        self,
        data: Mapping[str, Any],
        step: float,
        *,
        timestamp: datetime | float | None = None,
        preview: bool = False,
        preview_completion: float | None = None,
    ) -> None:
        """Append one point to each of several float series."""
        if self.watched_thread is not None:
            self._note_use()
        if timestamp is None and not preview and preview_completion is None:
            self._recorder.log_metrics(data, step)
            return
        completion = _check_completion(preview, preview_completion)
        self._recorder.log_row(data, step, timestamp=timestamp, completion=completion)

    def log_string_series(
        self, data: Mapping[str, str], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several string series."""
        texts = self._checked(data, AttributeType.STRING_SERIES, "string series")
        self.log_points(Kind.STRINGS, self._converted(texts, "string", convert_text), step, timestamp)

    def log_histograms(
        self, histograms: Mapping[str, Histogram], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several histogram series."""
        found = self._checked(histograms, AttributeType.HISTOGRAM_SERIES, "histograms")
        self.log_points(Kind.HISTOGRAMS, self._converted(found, "histogram", convert_histogram), step, timestamp)

    def _converted(
        self, values: Iterable[tuple[str, Any]], what: str, convert: Callable[[Any], object]
    ) -> dict[str, Any]:
        """Return what records say of values; one that cannot be logged is told, and left out."""
        body: dict[str, Any] = {}
        for path, value in values:
            try:
                body[path] = convert(value)
            except ArgumentError as error:
                self._problems.drop(f"{what} {path!r}", f"{what} {path!r:.80} was not logged: {error}")
        return body

    def log_files(
        self,
        files: Mapping[str, str | os.PathLike[str] | bytes | File | FileReference],
        step: float,
        *,
        timestamp: datetime | float | None = None,
    ) -> None:
        """Append one file to each of several file series."""
        to_micro_steps(step)
        self.log_points(Kind.FILES, self.keep_files(files, AttributeType.FILE_SERIES), step, timestamp)

    def log_points(self, kind: Kind, body: Mapping[str, Any], step: float, timestamp: object) -> None:
        """Append points of string, histogram or file series, whose values are what a record says of them."""
        if self.watched_thread is not None:
            self._note_use()
        moment, is_given = self._recorder.moment_of(timestamp), timestamp is not None
        self._recorder.record_points(kind, body, step=to_micro_steps(step), time_us=moment, is_given=is_given)

    # Single values

    def log_configs(self, data: Any) -> None:
        """Set single values."""
        if data is not None:
            self._record_own(Kind.CONFIGS, self._config_body(data))

    def describe(self, values: Any, *, replaces: Iterable[str], keeps_own: bool = False) -> None:
        """Say anew, and whole, what some namespaces hold."""
        spaces = _check_namespaces(replaces)
        self._recorder.types.release(spaces)
        replaced = {space: [NAMESPACE, None] for space in spaces}
        own = {
            kind: _below(spaces, self._own.get(kind, {})) if keeps_own else {} for kind in (Kind.CONFIGS, Kind.FILES)
        }
        body = self._config_body(values)
        self._record_values(Kind.CONFIGS, {**replaced, **own[Kind.CONFIGS], **body, **replaced})
        self._record_values(Kind.FILES, {path: file for path, file in own[Kind.FILES].items() if path not in body})

    def _note_use(self) -> None:
        if threading.get_ident() == self.watched_thread:
            self.watched_thread = None

    def _record_own(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Append single values, and remember that it was the user who set them."""
        self._own.setdefault(kind, {}).update(body)
        self._record_values(kind, body)

    def _record_values(self, kind: Kind, body: Mapping[str, Any]) -> None:
        if self.watched_thread is not None:
            self._note_use()
        self._recorder.record_values(kind, body)

    def _config_body(self, data: Any) -> dict[str, Any]:
        """Return what a CONFIGS record holds of `data`: without the values that cannot be logged, each of which is told."""
        body: dict[str, Any] = {}
        for path, value in flatten(data, on_twice=self._tell_twice).items():
            try:
                name = check_path(path) if type(value) is not Unreadable else path
                kind, converted = convert_config(value, fallback=self._convert_value, mask=partial(mask_config, name))
                self._check_writable(name)
            except ArgumentError as error:
                what = told_name("config", path, value)
                self._problems.drop(what, f"{what} not logged: {error}")
                continue
            if self._recorder.types.claim(name, kind):
                body[name] = [kind.value, converted]
        return body

    def _tell_twice(self, path: str) -> None:
        self._problems.drop(
            f"twice {path!r}",
            f"two values of one call have the path {path!r:.80}: the last was logged; rename the other",
        )

    def assign_files(self, files: Mapping[str, str | os.PathLike[str] | bytes | File | FileReference]) -> None:
        """Set single files."""
        self._record_own(Kind.FILES, self.keep_files(files, AttributeType.FILE))

    def change_tags(self, change: str, tags: Iterable[str], *, group_tags: bool) -> None:
        """Add or remove tags, or group tags."""
        if issubclass(type(tags), str) or not hasattr(type(tags), "__iter__"):
            raise ArgumentTypeError(f"tags must be a list of strings, found {shown(tags)}; pass [{shown(tags)}]")
        names: list[str] = []
        try:
            names.extend(islice(iter(tags), MAX_PARTS))
        except Exception as error:  # what goes through the tags may raise anything; those so far are kept
            self._problems.drop("tags", f"some tags were not logged: {unreadable(error).reason}")
        if not all(issubclass(type(name), str) for name in names):
            raise ArgumentTypeError(f"tags must be strings, found {shown(names)}")
        if names:
            plain = [str.__str__(name) for name in names]
            self._record_values(Kind.TAGS, {"sys/group_tags" if group_tags else "sys/tags": {change: plain}})

    def _checked(self, data: object, kind: AttributeType, what: str) -> list[tuple[str, Any]]:
        """Return the items of `data` whose path is fit for `kind`."""
        parts = named_parts(check_mapping(data, f"{what} must be a dict of path to value"))
        if parts is None:
            return []
        if parts.trouble is not None:
            self._problems.drop(what, f"some {what} were not logged: {parts.trouble.reason}")
        found = []
        for path, value in parts.items:
            try:
                name = check_series_path(path) if kind.is_series else check_path(path)
            except ArgumentError as error:
                self._problems.drop(f"path {shown(path)}", f"{shown(path)} was not logged: {error}")
                continue
            if self._recorder.types.claim(name, kind):
                found.append((name, value))
        return found

    def keep_files(self, files: object, kind: AttributeType) -> dict[str, Any]:
        """Copy files into the run's folder; returns what a record says of each, by path."""
        try:
            from runfork.disk.logged_files import FOLDER, keep_file
        except (ImportError, OSError) as error:  # no file can be opened, not even ours
            self._problems.lose(
                "files", f"files could not be copied to {self._journal.directory} ({error}); check the disk"
            )
            return {}
        body: dict[str, Any] = {}
        for path, value in self._checked(files, kind, "files"):
            if self._journal.is_disabled:
                continue
            try:
                kept = keep_file(value, self._journal.directory)
            except ArgumentError as error:
                self._problems.drop(f"file {path!r}", f"file {path!r:.80} was not logged: {error}")
            except (OSError, MemoryError) as error:
                self._problems.lose(
                    "files",
                    f"file {path!r:.80} could not be copied to {self._journal.directory} ({error}); check the disk",
                )
            else:
                body[path] = {"sha256": kept.sha256, "size": kept.size_bytes, "mime": kept.mime_type, "name": kept.name}
                self._sync_file(self._journal.directory / FOLDER / kept.sha256)
        return body

    def _check_writable(self, path: str) -> None:
        if path.startswith("sys/") and path not in WRITABLE_SYSTEM_PATHS and not path.startswith("sys/resume/"):
            raise ArgumentError(f"{path!r} is written by runfork itself; choose a path outside sys/")


def _below(spaces: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in values.items() if path.startswith(tuple(spaces))}


def _check_namespaces(spaces: object) -> list[str]:
    """Return namespaces, each with the slash at its end."""
    if isinstance(spaces, (str, bytes)) or not isinstance(spaces, Iterable):
        raise ArgumentTypeError(f"replaces must be a list of namespaces, found {spaces!r:.80}; pass [{spaces!r:.80}]")
    found = []
    for space in spaces:
        name = check_path(space).strip("/")
        if not name or is_system_path(f"{name}/"):
            raise ArgumentError(
                f"{space!r} cannot be replaced: it is runfork's own, or everything; name another namespace"
            )
        found.append(f"{name}/")
    return found


def _check_completion(preview: bool, completion: object) -> float | None:
    if completion is None:
        return 0.0 if preview else None
    number: Any = None
    with suppress(ArgumentError):
        number = plain_value(completion)
    if not preview and number != 1.0:
        raise ArgumentError(f"preview_completion={shown(completion)} needs preview=True")
    if type(number) not in (int, float):
        raise ArgumentTypeError(f"preview_completion must be a number from 0 to 1, found {shown(completion)}")
    if not preview:
        return None
    return 0.0 if math.isnan(number) else min(max(float(number), 0.0), 1.0)
